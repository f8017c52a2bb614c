"""Confinement by systemd-run, where no cgroup of our own can be made.

A machine with systemd and a user manager is not at hand: a program of that name on PATH stands in.
It moves itself into a real cgroup v2 group of the unit's name, as systemd does, and becomes its
command; the limits it writes to plain files, where they are looked for.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunitune.serve import scope as module
from gunitune.serve.cgroup_make import Made
from gunitune.serve.confine import confine
from gunitune.serve.scope import Scope, scope
from gunitune.serve.wanted import Wanted
from gunitune.trial import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN_NAME = secrets.token_hex(4)
WISH = Wanted(0.5, 64 << 20, frozenset())
STAND_IN = """#!/bin/sh
for word; do
    shift
    case $word in
        --unit=*) unit=${word#--unit=} ;;
        --property=*) properties="$properties ${word#--property=}" ;;
        --) break ;;
    esac
done
"""
MAKE = 'mkdir "$UNIFIED/$unit" && mkdir -p "$SHOWN/$unit" || exit 1\n'
# As systemd does: a group has its limits before the process is moved into it.
RUN = """
echo $$ > "$UNIFIED/$unit/cgroup.procs" || exit 1
exec "$@"
"""
LIMIT = """
for property in $properties; do
    case $property in
        CPUQuota=50.00%) echo 50000 100000 > "$SHOWN/$unit/cpu.max" ;;
        MemoryMax=*) echo ${property#MemoryMax=} > "$SHOWN/$unit/memory.max" ;;
    esac
done
"""


def unit(name: str) -> str:
    """A name of this run's own: other runs of the tests on this machine make groups too."""
    return f"gunitune-test-{os.getpid()}-{RUN_NAME}-{name}"


class StandIn:
    """What `systemd-run` does here, and the folder in which its groups' files show."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "bin" / "systemd-run"
        self.shown = folder / "shown"
        self.program.parent.mkdir()
        self.shown.mkdir()

    def does(self, text: str) -> None:
        self.program.write_text(STAND_IN + text)
        self.program.chmod(0o755)


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    unified = module._unified_point()
    if unified is None or not os.access(unified, os.W_OK):
        pytest.skip("no cgroup v2 group can be made here")
    made = StandIn(tmp_path)
    monkeypatch.setenv("PATH", f"{made.program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("UNIFIED", str(unified))
    monkeypatch.setenv("SHOWN", str(made.shown))
    monkeypatch.setattr(module, "_unified_point", lambda: made.shown)
    yield made
    for shown in made.shown.iterdir():
        _remove_empty(unified / shown.name)


def _remove_empty(group: Path) -> None:
    """Only what is empty: a process that is left is a failure."""
    deadline = time.monotonic() + 10
    while group.exists():
        try:
            group.rmdir()
        except OSError:
            assert time.monotonic() < deadline, (group / "cgroup.procs").read_text()
            time.sleep(0.02)


def test_a_scope_that_has_the_limits_is_what_the_server_starts_with(systemd: StandIn) -> None:
    systemd.does(MAKE + LIMIT + RUN)
    found = scope(WISH, unit("1"))
    assert isinstance(found, Scope)
    assert found.folder == systemd.shown / f"{unit('1')}.scope"
    assert not found.folder.exists()
    command = [*found.prefix, sys.executable, "-c", "print(open('/proc/self/cgroup').read())"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert f"0::/{unit('1')}.scope" in ran.stdout
    assert found.folder.exists()


def test_systemd_is_told_the_limits_in_its_words(systemd: StandIn) -> None:
    systemd.does(MAKE + LIMIT + RUN)
    found = scope(WISH, unit("2"))
    assert isinstance(found, Scope)
    assert Path(found.prefix[0]) == systemd.program
    assert "--scope" in found.prefix
    assert ("--user" in found.prefix) == (os.geteuid() != 0)
    assert found.prefix[-5:] == (
        "--property=CPUQuota=50.00%",
        "--property=CPUQuotaPeriodSec=100000us",
        f"--property=MemoryMax={64 << 20}",
        "--property=MemorySwapMax=0",
        "--",
    )


@pytest.mark.parametrize(
    ("wish", "lacking"),
    [(WISH, "cpu"), (Wanted(None, 64 << 20, frozenset()), "memory")],
)
def test_a_scope_without_the_limits_is_not_taken_for_one(
    systemd: StandIn, wish: Wanted, lacking: str
) -> None:
    systemd.does(MAKE + RUN)
    reason = f"has not got the {lacking} controller delegated"
    assert reason in str(scope(wish, unit(f"3-{lacking}")))


def test_a_looser_limit_than_asked_is_none(systemd: StandIn) -> None:
    systemd.does(MAKE + 'echo 80000 100000 > "$SHOWN/$unit/cpu.max"\n' + RUN)
    wish = Wanted(0.5, None, frozenset())
    assert "cpu controller" in str(scope(wish, unit("4")))


def test_what_systemd_run_says_when_it_fails_is_the_reason(systemd: StandIn) -> None:
    systemd.does('echo "Failed to connect to bus: No medium found" >&2; exit 1\n')
    found = scope(WISH, unit("5"))
    assert found == "systemd-run failed: Failed to connect to bus: No medium found"
    systemd.does("exit 3\n")
    assert scope(WISH, unit("5")) == "systemd-run failed: exit code 3"


def test_a_systemd_run_that_hangs_is_given_up(
    systemd: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_START_TIMEOUT_S", 0.1)
    monkeypatch.setattr(module, "_END_TIMEOUT_S", 0.1)
    systemd.does("exec sleep 600\n")
    assert scope(WISH, unit("6")) == "systemd-run started no scope within 0.1 s"


def test_without_cgroup_v2_a_scope_can_not_be_looked_at(
    systemd: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.does(MAKE + RUN)
    monkeypatch.setattr(module, "_unified_point", lambda: None)
    assert scope(WISH, unit("7")) == "cgroup v2 is not mounted"


def test_without_systemd_run_there_is_no_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert scope(WISH, unit("8")) == "systemd-run is not installed"


def test_confinement_takes_the_scope_where_no_group_can_be_made(
    systemd: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Made:
        return Made(failed=dict.fromkeys(("cpu", "memory"), "Permission denied in /sys/fs/cgroup"))

    monkeypatch.setattr("gunitune.serve.confine.make_groups", refused)
    systemd.does(MAKE + LIMIT + RUN)
    with confine(Limits(0.5, 64 << 20)) as confinement:
        assert confinement.how == "systemd scope: quota of 0.5 CPUs and 64 MiB of memory"
        assert confinement.cgroups == ()
        assert confinement.prefix[0] == str(systemd.program)
        assert confinement.groups == (confinement.scope,)
    systemd.does("exit 1\n")
    with confine(Limits(0.5, 64 << 20)) as confinement:
        assert "systemd-run failed: exit code 1" in confinement.how
        assert (confinement.prefix, confinement.scope) == ((), None)
