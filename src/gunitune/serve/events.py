"""What a server told of itself so far: which process is the master, who is ready, who died."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gunitune.serve.watchdog import lives

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class Events:
    """The events that `runner.py` writes to a file, read as far as they have come.

    `ready` holds (age, pid, CLOCK_MONOTONIC seconds) of every worker that was; age is the order of
    birth. `exited` holds the pids of workers that died. `errorlog` is the file that the project
    sends Gunicorn's log to, "" for stderr, and `written` its bytes from before.
    """

    path: Path
    master_pid: int = 0
    gunicorn: str = ""
    errorlog: str = ""
    written: int = 0
    ready: list[tuple[int, int, float]] = field(default_factory=list)
    exited: list[int] = field(default_factory=list)
    _read: int = 0

    def update(self) -> None:
        """Read what was added; a line that is not whole yet waits for the next time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                added = file.read()
        except FileNotFoundError:  # the server has ended, and its folder went with it
            return
        whole = added[: added.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        if event["event"] == "ready":
            self.ready.append((event["age"], event["pid"], event["t"]))
        elif event["event"] == "exit":
            self.exited.append(event["pid"])
        else:
            self.master_pid, self.gunicorn = event["pid"], event["gunicorn"]
            self.errorlog, self.written = event["errorlog"], event["written"]

    def alive(self) -> list[tuple[int, float]]:
        """Pid and the moment of being ready, of the workers not known to have died, by birth."""
        gone = set(self.exited)
        return [(pid, at) for _, pid, at in sorted(self.ready) if pid not in gone and lives(pid)]
