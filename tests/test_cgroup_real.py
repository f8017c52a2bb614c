"""The probe inside real cgroups; skipped with a reason where none can be made and limited."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cgroups import LimitedCgroup, limited_cgroup
from gunitune.model import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROBE = """
from pathlib import Path
from gunitune.machine.installed import installed
from gunitune.machine.probe import probe
from gunitune.render import renderer
print(renderer("probe", "json")(probe(), installed(Path())))
"""
_PROBE_ARGV = [sys.executable, "-c", _PROBE]


def _host(group: LimitedCgroup, argv: Sequence[str] = _PROBE_ARGV) -> dict[str, Any]:
    host: dict[str, Any] = json.loads(group.run(argv).stdout)["host"]
    return host


def _facts(host: dict[str, Any]) -> dict[str, Any]:
    return {fact["name"]: fact["value"] for fact in host["facts"]}


def test_the_limits_of_a_real_group_bind() -> None:
    with limited_cgroup(0.5, 256 * MIB) as group:
        host = _host(group)
        name = group.limited[0].name
    assert host["cpus"] == 0.5
    assert f"/{name}: 50000/100000" in host["cpus_source"]
    assert host["memory_bytes"] == 256 * MIB
    assert host["memory_source"].endswith(f"/{name}")
    assert host["cores_visible"] == os.cpu_count()


def test_a_period_other_than_the_default_is_read() -> None:
    with limited_cgroup(0.3, 256 * MIB, period_us=20_000) as group:
        host = _host(group)
    assert host["cpus"] == 0.3
    assert host["cpus_source"].endswith(": 6000/20000")


def test_limits_on_the_parent_alone_bind() -> None:
    with limited_cgroup(0.5, 256 * MIB, nested=True) as group:
        assert group.joined != group.limited
        host = _host(group)
        name = group.limited[0].name
    assert host["cpus"] == 0.5
    assert f"/{name}: 50000/100000" in host["cpus_source"]
    assert host["memory_bytes"] == 256 * MIB
    assert host["memory_source"].endswith(f"/{name}")


def test_a_quota_larger_than_the_cores_does_not_bind() -> None:
    cores = len(os.sched_getaffinity(0))
    with limited_cgroup(cores + 1.0, 256 * MIB) as group:
        host = _host(group)
    assert host["cpus"] <= cores
    assert cores + 1 in [limit["value"] for limit in host["limits"]]


def test_throttling_shows_in_the_facts() -> None:
    burn = "import time\nwhile time.process_time() < 0.1: pass\n"
    with limited_cgroup(0.1, 256 * MIB) as group:
        facts = _facts(_host(group, [sys.executable, "-c", burn + _PROBE]))
    assert facts["nr_throttled"] > 0
    assert facts["throttled"] > 0
    assert facts["nr_periods"] >= facts["nr_throttled"]


def test_an_oom_kill_shows_in_the_facts() -> None:
    with limited_cgroup(1, 64 * MIB) as group:
        eat = "x = [bytearray(1 << 20) for _ in range(200)]"
        eaten = group.run([sys.executable, "-c", eat], check=False)
        facts = _facts(_host(group))
    if eaten.returncode == 0:
        pytest.skip("this machine swaps instead of killing")
    assert facts["oom_kill"] >= 1


def test_in_a_cgroup_namespace_the_groups_own_limits_bind() -> None:
    """As in a container: the path is hidden, and the hierarchies are mounted anew inside."""
    mount = """
    mounts=$(cat /proc/self/mounts)  # of now: the loop changes them
    while read -r _ point type options _; do
        case $type in
            cgroup2) umount "$point" && mount -t cgroup2 none "$point" ;;
            cgroup) for name in cpu memory; do case ,$options, in
                *,$name,*) umount "$point" && mount -t cgroup -o "$name" none "$point" ;;
            esac; done ;;
        esac || exit 77
    done <<END
$mounts
END
    exec "$@"
    """
    inside = ["unshare", "--cgroup", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], check=False).returncode:
        pytest.skip("no cgroup namespace can be had here")
    with limited_cgroup(0.5, 256 * MIB) as group:
        ran = group.run([*inside, "sh", "-c", mount, "sh", *_PROBE_ARGV], check=False)
    if ran.returncode == 77:
        pytest.skip(f"no cgroups can be mounted here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    host = json.loads(ran.stdout)["host"]
    assert host["cpus"] == 0.5
    assert host["cpus_source"].endswith(" of /: 50000/100000")
    assert host["memory_bytes"] == 256 * MIB


def test_the_group_and_what_runs_in_it_are_gone_afterwards() -> None:
    with limited_cgroup(0.5, 64 * MIB, nested=True) as group:
        sleeper = group.popen(["sleep", "600"], stdout=subprocess.DEVNULL)
        assert group.run(["true"]).returncode == 0
        assert sleeper.pid in group.pids()
    assert sleeper.wait() < 0
    assert not [folder for folder in (*group.limited, *group.joined) if folder.exists()]


def test_a_failing_command_inside_is_reported() -> None:
    with (
        limited_cgroup(0.5, 64 * MIB) as group,
        pytest.raises(subprocess.CalledProcessError) as raised,
    ):
        group.run(["sh", "-c", "echo why >&2; exit 3"])
    assert (raised.value.returncode, raised.value.stderr) == (3, "why\n")
