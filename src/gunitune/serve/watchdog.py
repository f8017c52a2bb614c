"""Keeps a server from outliving gunitune: a program that starts it and ends all of its processes.

It runs by itself (`python -I -S watchdog.py`), in a session of its own. The first line of its stdin
are its orders, as JSON: `argv`, `env`, `cwd`, `log`, `cgroups`, `cores`, `temporary` and `parent`.
It tells on stdout, a JSON line each, that the server `started` or `exited`. When stdin ends, or the
parent is gone, it ends the server: processes that left their session or their parent too, since it
is their subreaper. A number on stdin before the end gives the master so many seconds to stop, and
says that the parent goes on: it will remove the groups itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_S = 0.5  # how often it looks whether its parent lives, should the pipe have been inherited
_KILL_S = 10.0  # for processes that the kernel does not let go of
_NOT_STARTED = 127
_DEAD = (b"Z", b"X")
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)


def processes() -> dict[int, tuple[int, int, bool]]:
    """Parent, session and whether it is more than a zombie, of every process by pid."""
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208  (names)
    seen = {pid: _seen(pid) for pid in pids}
    return {pid: facts for pid, facts in seen.items() if facts is not None}


def lives(pid: int) -> bool:
    """Whether there is such a process, and it is more than a zombie."""
    facts = _seen(pid)
    return facts is not None and facts[2]


def _seen(pid: int) -> tuple[int, int, bool] | None:
    """What `processes` tells of one of them; None where it has gone, even while it is read."""
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            stat = os.read(file, 4096)
        finally:
            os.close(file)
    except OSError:
        return None
    # pid (name) state ppid pgrp session; the name may hold blanks and parentheses
    fields = stat.rpartition(b")")[2].split()
    return int(fields[1]), int(fields[3]), fields[0] not in _DEAD


def descendants(root: int, *, zombies: bool = False) -> list[int]:
    """The processes below `root`: its children in the order of their pids, then theirs.

    With `zombies` also those that are not buried yet: threads of theirs may still run.
    """
    seen = processes()
    children: dict[int, list[int]] = {}
    for pid, (parent, _, _) in sorted(seen.items()):
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    level = [root]
    while level:
        level = [child for pid in level for child in children.get(pid, ())]
        found += level
    return [pid for pid in found if zombies or seen[pid][2]]


def members(cgroups: tuple[Path, ...]) -> list[int]:
    """The processes inside the groups, and inside those below that the app may have made."""
    found: list[int] = []
    for folder in cgroups:
        with suppress(OSError, ValueError):
            for procs in folder.rglob("cgroup.procs"):
                found += map(int, procs.read_text(encoding="ascii").split())
    return found


def kill(pids: list[int], cgroups: tuple[Path, ...] = ()) -> None:
    """SIGKILL to each; cgroup v2 does so by itself, at once."""
    for folder in cgroups:
        with suppress(OSError):  # not before Linux 5.14, nor in cgroup v1
            (folder / "cgroup.kill").write_text("1", encoding="ascii")
    for pid in pids:
        if pid != os.getpid():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    """One option of prctl(2); what the kernel refuses is left as it is."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Watched:
    """The server's processes, from the start of the master to the end of the last."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.cgroups = tuple(Path(folder) for folder in orders["cgroups"])
        self.master = 0
        self.exited = False

    def start(self) -> None:
        """Start the master as a child."""
        log = os.open(self.orders["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        watchdog = os.getpid()
        self.master = os.fork()
        if self.master == 0:
            try:
                self._become_master(log, watchdog)
            except BaseException as error:  # noqa: BLE001  nothing may go on in the fork
                os.write(log, f"gunitune: it could not be started: {error}\n".encode())
            finally:
                os._exit(_NOT_STARTED)
        os.close(log)
        _tell(event="started", pid=self.master, t=time.monotonic())

    def _become_master(self, log: int, watchdog: int) -> None:
        os.setsid()
        for number in (*_IGNORED, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        for folder in self.orders["joins"]:
            Path(folder, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        if self.orders["cores"]:
            os.sched_setaffinity(0, self.orders["cores"])
        os.chdir(self.orders["cwd"])
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == watchdog:
            argv = self.orders["argv"]
            os.execvpe(argv[0], argv, self.orders["env"])  # noqa: S606  (no shell is wanted)

    def reap(self) -> bool:
        """Bury what has died, orphans too; gives whether the master has, and says so once."""
        with suppress(ChildProcessError):
            while (dead := os.waitpid(-1, os.WNOHANG))[0]:
                if dead[0] == self.master:
                    self.exited = True
                    code = os.waitstatus_to_exitcode(dead[1])
                    _tell(event="exited", code=code, t=time.monotonic())
        return self.exited

    def stop(self, grace_s: float) -> None:
        """Ask the master to stop, wait so long, then kill whatever is left."""
        deadline = time.monotonic() + grace_s
        if grace_s > 0 and not self.reap():
            os.kill(self.master, signal.SIGTERM)
            while not self.reap() and time.monotonic() < deadline:
                time.sleep(0.01)
        self._kill_all()

    def _kill_all(self) -> None:
        """Kill until nothing is left: what was forked meanwhile is found in the next turn."""
        deadline = time.monotonic() + _KILL_S
        while left := [*descendants(os.getpid(), zombies=True), *members(self.cgroups)]:
            kill(left, self.cgroups)
            time.sleep(0.01)
            self.reap()
            if time.monotonic() > deadline:
                return
        self.reap()

    def clean(self, *, groups: bool) -> None:
        """Remove the folder with the log and, where nobody else will, the groups."""
        import shutil

        shutil.rmtree(self.orders["temporary"], ignore_errors=True)
        if groups:
            self._remove_groups()

    def _remove_groups(self) -> None:
        for _ in range(50):  # the kernel may take a moment to let go of the last process
            for folder in self.cgroups:
                _remove_group(folder)
            if not any(folder.exists() for folder in self.cgroups):
                return
            time.sleep(0.02)


def _remove_group(folder: Path) -> None:
    with suppress(OSError):
        below = sorted(folder.rglob("cgroup.procs"), key=lambda path: -len(path.parts))
        for procs in below:
            procs.parent.rmdir()


def _tell(**event: object) -> None:
    with suppress(OSError):
        os.write(1, json.dumps(event).encode() + b"\n")


def _orders() -> bytes:
    """The first line of stdin; what there is where it ends before."""
    line = b""
    while not line.endswith(b"\n") and (part := os.read(0, 65536)):
        line += part
    return line


def _watch(watched: Watched, wakened: int) -> float | None:
    """Wait for the end of stdin, or of the parent; gives the seconds granted, if any were named."""
    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP)
    poller.register(wakened, select.POLLIN)
    said = b""
    while os.getppid() == watched.orders["parent"]:
        ready = {file for file, _ in poller.poll(int(1000 * _LOOK_S))}
        if wakened in ready:
            os.read(wakened, 4096)
        watched.reap()
        if 0 in ready:
            part = os.read(0, 4096)
            if not part:
                return float(said) if said else None
            said += part
    return None


def main() -> None:
    """Start, watch, end."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    wakened, waker = os.pipe()
    os.set_blocking(waker, False)
    os.set_blocking(wakened, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    line = _orders()
    if not line.endswith(b"\n"):
        return
    watched = Watched(json.loads(line))
    grace_s = None
    try:
        watched.start()
        grace_s = _watch(watched, wakened)
    finally:
        watched.stop(grace_s or 0.0)
        watched.clean(groups=grace_s is None)


if __name__ == "__main__":
    main()
