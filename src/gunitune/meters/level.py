"""What is looked at, again and again and at little cost, to find the highest use of memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.meters.counters import memory_counter
from gunitune.meters.memory import resident_bytes
from gunitune.meters.peak import INTERVAL_S
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gunitune.meters.tree import Served

_OFTEN = f"looked at every {INTERVAL_S:g} s"
# The list of processes is looked up anew this often while only their memory is looked at.
_PIDS_KEPT_S = 1.0


@dataclass(frozen=True, slots=True)
class Level:
    """Bytes whose rise and fall is that of the tree's memory, and where they are read."""

    source: str
    read: Callable[[], int]


def memory_level(server: Served, groups: Sequence[Path]) -> Level:
    """The count of the server's cgroup (5-9 us a look), else resident memory in /proc."""
    counter = memory_counter(groups)
    if isinstance(counter, Unknown):
        resident = f"by resident memory in /proc/PID/statm {_OFTEN}"
        return Level(resident, _Resident(server).read)

    def read() -> int:
        try:
            return int(counter.read())
        except (OSError, ValueError):  # the group went with the server
            return 0

    return Level(f"by {counter.source} {_OFTEN}", read)


class _Resident:
    """Resident memory of a tree whose list of processes is kept for a second."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self._pids: list[int] = []
        self._until_s = 0.0

    def read(self) -> int:
        """Bytes, shared pages counted in each process."""
        if time.monotonic() >= self._until_s:
            self._pids = self._server.pids()
            self._until_s = time.monotonic() + _PIDS_KEPT_S
        return resident_bytes(self._pids)
