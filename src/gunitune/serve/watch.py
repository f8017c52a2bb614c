"""How a server is started so that it can't outlive gunitune: under `watchdog.py`."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.serve.failure import ServeError
from gunitune.serve.watchdog import kill, members, processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunitune.serve.confine import Confinement

_PROGRAM = Path(__file__).with_name("watchdog.py")
_START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 15.0  # longer than the watchdog itself goes on killing
# What speaks of another server or service, the one that gunitune itself may have been started by.
_OTHERS = (
    "GUNICORN_PID", "GUNICORN_FD", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET",
    "WATCHDOG_PID", "WATCHDOG_USEC",
)  # fmt: skip


class Watch:
    """A server's process tree under a watchdog.

    `pid` is that of the watchdog, `master_pid` that of the server's first process, `started` the
    moment it was started (CLOCK_MONOTONIC seconds). ServeError where the watchdog does not start.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        temporary: Path,
        confinement: Confinement,
    ) -> None:
        import subprocess

        self.cgroups = confinement.groups
        self.temporary = temporary
        self.master_pid, self.started = 0, 0.0
        self._code: int | None = None
        self._said = b""
        orders = {
            "argv": [*confinement.prefix, *argv],
            "env": {name: environ[name] for name in environ if name not in _OTHERS},
            "cwd": str(folder),
            "log": str(temporary / "log"),
            "joins": [str(group) for group in confinement.cgroups],
            "cgroups": [str(group) for group in confinement.groups],
            "cores": sorted(confinement.cores),
            "temporary": str(temporary),
            "parent": os.getpid(),
        }
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and program)
                [sys.executable, "-I", "-S", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise ServeError(f"no process can be started: {error}") from error
        self.pid = self._process.pid
        try:
            self._await_start(orders)
        except BaseException:
            self.stop(0)
            raise

    def _await_start(self, orders: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        with suppress(BrokenPipeError):
            self._write(json.dumps(orders).encode() + b"\n")
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self.master_pid:
            self._listen()
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServeError("the watchdog of the server did not start", "try again")
            time.sleep(0.002)

    def _write(self, data: bytes) -> None:
        """All of it: a pipe takes 64 KiB at a time, and an environment may be longer."""
        assert self._process.stdin is not None
        while data:
            data = data[self._process.stdin.write(data) or 0 :]

    def _listen(self) -> None:
        """Take what the watchdog told meanwhile."""
        assert self._process.stdout is not None
        if self._process.stdout.closed:
            return
        self._said += self._process.stdout.read() or b""
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            event = json.loads(line)
            if event["event"] == "started":
                self.master_pid, self.started = event["pid"], event["t"]
            else:
                self._code = event["code"]

    def exited(self) -> int | None:
        """The exit code of the server's first process, negative for a signal; None while it runs.

        The watchdog's, should that have been killed.
        """
        self._listen()
        return self._process.poll() if self._code is None else self._code

    def stop(self, grace_s: float) -> None:
        """End every process of the tree: the master may stop by itself for so long.

        The groups stay, to be used again or removed by who made them.
        """
        import subprocess

        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            self._write(f"{grace_s:g}".encode())
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(grace_s + _END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listen()
        self._process.stdout.close()
        if self._process.returncode != 0:
            self._end_without()

    def _end_without(self) -> None:
        """End the tree as far as it can be told, after the watchdog was killed."""
        deadline = time.monotonic() + _END_TIMEOUT_S
        while left := [*self._session(), *members(self.cgroups)]:
            kill(left, self.cgroups)
            time.sleep(0.01)
            if time.monotonic() > deadline:
                break
        shutil.rmtree(self.temporary, ignore_errors=True)

    def _session(self) -> list[int]:
        """The processes of the session that the server's first process leads."""
        return [
            pid
            for pid, (_, session, alive) in processes().items()
            if alive and session == self.master_pid
        ]
