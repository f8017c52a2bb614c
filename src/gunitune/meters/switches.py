"""How often the server's threads gave up a CPU, of themselves and not."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COUNTS = re.compile(
    r"^voluntary_ctxt_switches:\s+(\d+)\nnonvoluntary_ctxt_switches:\s+(\d+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Switches:
    """Context switches so far of each thread: voluntary and involuntary, by thread id."""

    by_thread: Mapping[int, tuple[int, int]]

    def since(self, before: Switches) -> tuple[int, int] | tuple[Unknown, Unknown]:
        """Voluntary and involuntary switches since; Unknown where a thread took its own along."""
        gone = before.by_thread.keys() - self.by_thread.keys()
        if gone:
            lost = Unknown(f"{len(gone)} threads ended in the window, and their count with them")
            return lost, lost
        counts = [
            (now[0] - then[0], now[1] - then[1])
            for thread, now in self.by_thread.items()
            for then in (before.by_thread.get(thread, (0, 0)),)
        ]
        return sum(count[0] for count in counts), sum(count[1] for count in counts)


def switches(pids: Sequence[int]) -> Switches:
    """Counts of every thread of the processes, from /proc/PID/task/TID/status."""
    found = {}
    for pid in pids:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    found[int(task.name)] = _counts((task / "status").read_text())
    return Switches(found)


def _counts(status: str) -> tuple[int, int]:
    match = _COUNTS.search(status)
    return (int(match[1]), int(match[2])) if match else (0, 0)
