"""No process is left behind, whatever ends gunitune and whatever the app has started.

Every process of a trial inherits a mark in its environment, which is looked for in the whole of
/proc: those that left their parent, their session and their terminal are found too.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gunitune.serve.server import serve
from gunitune.serve.watchdog import processes
from gunitune.trial import Choice
from serve_apps import MARK, launch, marked, project
from serve_driver import unconfined
from served import releases

if TYPE_CHECKING:
    from collections.abc import Iterator

UVICORN = "uvicorn_worker.UvicornWorker"
DRIVER = Path(__file__).with_name("serve_driver.py")
GONE_WITHIN_S = 3.0  # what is promised after SIGKILL
SLACK_S = 20.0  # for what is promised without a time


@dataclass(frozen=True)
class Driven:
    """A gunitune that serves an app in a process of its own."""

    process: subprocess.Popen[str]
    mark: str
    folder: Path
    facts: dict[str, Any]

    def tree(self) -> dict[int, str]:
        """All that lives of it, but for the process itself."""
        found = marked(self.mark)
        found.pop(self.process.pid, None)
        return found

    def kept(self) -> list[str]:
        """Of the folders of the log and the cgroups, those that are there."""
        return [folder for folder in self.facts["kept"] if Path(folder).exists()]

    def await_end(self, within_s: float) -> None:
        """Wait until nothing of it lives; AssertionError with what does after so many seconds."""
        deadline = time.monotonic() + within_s
        while left := self.tree():
            assert time.monotonic() < deadline, left
            time.sleep(0.02)
        self.process.wait(SLACK_S)


@contextmanager
def driven(
    folder: Path,
    worker_class: str = "sync",
    *,
    preload: bool = False,
    groups: bool = True,
    **env: str,
) -> Iterator[Driven]:
    """Serve an app that starts threads, children and daemons, until the block ends it."""
    mark = uuid.uuid4().hex
    orders = {
        "folder": str(project(folder)),
        "python": str(releases()["newest"].python()),
        "spec": "serve_apps:asgi" if worker_class in {"asgi", UVICORN} else "serve_apps:wsgi",
        "worker_class": worker_class,
        "preload": preload,
        "groups": groups,
        "env": {"BROOD": "1"} | env,
    }
    process = subprocess.Popen(
        [sys.executable, str(DRIVER), json.dumps(orders)],
        env={**os.environ, MARK: mark, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            yield Driven(process, mark, folder, _facts(process) if "FAULT" not in env else {})
            process.kill()
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)


def _facts(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    facts: dict[str, Any] = json.loads(line)
    return facts


def _check_brood(gunitune: Driven, broods: int) -> None:
    """The master, two workers, the watchdog, and of each brood a child, a fork and a daemon."""
    tree = gunitune.tree()
    assert len(tree) == 4 + 3 * broods, tree
    assert set(gunitune.facts["pids"]) == set(tree) - {gunitune.facts["watchdog"]}
    seen = processes()
    strays = [pid for pid in tree if seen[pid][0] == gunitune.facts["watchdog"]]
    assert len(strays) == 1 + broods  # the master, and the daemons that left their session


@pytest.mark.parametrize(
    ("worker_class", "preload"),
    [
        ("sync", False),
        ("sync", True),
        ("gthread", False),
        ("gevent", False),
        ("gevent", True),
        ("tornado", False),
        ("asgi", False),
        ("asgi", True),
        (UVICORN, False),
    ],
)
def test_nothing_is_left_three_seconds_after_gunitune_was_killed(
    worker_class: str, preload: bool, tmp_path: Path
) -> None:
    with driven(tmp_path, worker_class, preload=preload, groups=False) as gunitune:
        _check_brood(gunitune, 1 if preload else 2)
        gunitune.process.kill()
        gunitune.await_end(GONE_WITHIN_S)
        assert gunitune.kept() == []


def test_nothing_is_left_of_its_cgroups_either(tmp_path: Path) -> None:
    with driven(tmp_path) as gunitune:
        _check_brood(gunitune, 2)
        for folder in gunitune.facts["kept"][1:]:
            Path(folder, "made-by-the-app").mkdir()
        gunitune.process.kill()
        gunitune.await_end(GONE_WITHIN_S)
        assert gunitune.kept() == []


@pytest.mark.parametrize(
    ("worker_class", "number", "said"),
    [
        ("asgi", signal.SIGTERM, "ended by Ended"),
        ("gthread", signal.SIGTERM, "ended by Ended"),
        ("sync", signal.SIGHUP, "ended by Ended"),
        ("gthread", signal.SIGINT, "ended by KeyboardInterrupt"),
    ],
)
def test_nothing_is_left_when_gunitune_was_ended_by_a_signal(
    worker_class: str, number: signal.Signals, said: str, tmp_path: Path
) -> None:
    with driven(tmp_path, worker_class, groups=worker_class == "asgi") as gunitune:
        _check_brood(gunitune, 2)
        gunitune.process.send_signal(number)
        gunitune.await_end(SLACK_S)
        assert gunitune.process.stderr is not None
        assert gunitune.process.stderr.read() == f"{said}\n"
        assert gunitune.kept() == []


@pytest.mark.parametrize(("order", "said"), [("raise\n", "ended by FaultError\n"), ("\n", "")])
def test_nothing_is_left_after_an_exception_or_a_normal_end(
    order: str, said: str, tmp_path: Path
) -> None:
    with driven(tmp_path) as gunitune:
        assert gunitune.process.stdin is not None
        gunitune.process.stdin.write(order)
        gunitune.process.stdin.flush()
        gunitune.await_end(SLACK_S)
        assert gunitune.process.stderr is not None
        assert gunitune.process.stderr.read() == said
        assert gunitune.kept() == []


def test_nothing_is_left_when_gunitune_was_killed_while_the_app_was_being_imported(
    tmp_path: Path,
) -> None:
    with driven(tmp_path, FAULT="hang") as gunitune:
        while sum(str(gunitune.process.pid) not in line for line in gunitune.tree().values()) < 4:
            assert gunitune.process.poll() is None
        gunitune.process.kill()
        gunitune.await_end(GONE_WITHIN_S)
        assert list(tmp_path.glob("gunitune-*")) == []


def test_nothing_is_left_though_another_process_holds_the_pipe(tmp_path: Path) -> None:
    """The watchdog also sees that its parent is gone, should a fork have inherited the pipe."""
    with driven(tmp_path, groups=False) as gunitune:
        pipe = Path(f"/proc/{gunitune.facts['watchdog']}/fd/0")
        assert str(pipe.readlink()).startswith("pipe:")
        with pipe.open("wb"):
            gunitune.process.kill()
            gunitune.await_end(GONE_WITHIN_S)


def test_nothing_is_left_of_the_session_when_the_watchdog_itself_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gunitune.serve.server.confine", unconfined)
    mark = uuid.uuid4().hex
    started = launch(project(tmp_path), releases()["newest"].python(), env={MARK: mark})
    with serve(started, Choice("sync", 2)) as server:
        temporary = server._watch.temporary
        os.kill(server._watch.pid, signal.SIGKILL)
        while server.exited() is None:
            pass
        assert server.exited() == -signal.SIGKILL
    assert marked(mark) == {}
    assert not temporary.exists()
