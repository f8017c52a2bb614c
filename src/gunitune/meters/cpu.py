"""How much CPU time the server's whole tree has used, workers that died included."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.meters.counters import cpu_counter
from gunitune.meters.tree import EndedError, holding, with_zombies
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.meters.tree import Served

# A tree whose processes die while it is read is read again, at most so often.
_TRIES = 5
_FROM_PROC = "/proc, summed over the tree"
# The clock of a process's CPU time: ~pid << 3 | CPUCLOCK_SCHED (clock_getcpuclockid(3)).
_CPUCLOCK_SCHED = 2


@dataclass(frozen=True, slots=True)
class CpuClock:
    """A clock of CPU seconds that only grows, and where it is read."""

    source: str
    count: Callable[[], float]

    def read(self) -> float:
        """CPU seconds until now; EndedError where the server is gone."""
        try:
            return self.count()
        except (OSError, ValueError) as error:
            raise EndedError(error) from error


@dataclass(frozen=True, slots=True)
class _Times:
    """CPU seconds of one process: its own, and those of children that ended and were reaped."""

    own_s: float
    reaped_s: float


def cpu_clock(server: Served) -> CpuClock:
    """The clock of the server's cgroup where it has one of its own, else of its tree in /proc."""
    counter = cpu_counter(holding(server))
    if isinstance(counter, Unknown):
        return CpuClock(_FROM_PROC, lambda: tree_cpu_s(server))
    return CpuClock(counter.source, counter.read)


def tree_cpu_s(server: Served) -> float:
    """CPU seconds of the tree's processes and of those that they have waited for.

    A process counts by itself while it is there and by its parent's cutime and cstime once it was
    waited for, never both: what changes while it is read is read again. The time of one that
    nobody in the tree waited for (its parent died first, or ignores SIGCHLD) is lost with it.
    ProcessLookupError where no process is left.
    """
    times = _tree_times(server)
    for _ in range(_TRIES):
        again = _tree_times(server)
        if _same_life(times, again):
            break
        times = again
    if not times:
        raise ProcessLookupError("no process of it is left")
    return sum(each.own_s + each.reaped_s for each in times.values())


def process_cpu_s(pid: int) -> float:
    """CPU seconds of one process, all its threads, without its children; OSError if it is gone."""
    return _times(pid).own_s


def _tree_times(server: Served) -> dict[int, _Times]:
    found = {}
    for pid in with_zombies(server.pids()):
        try:
            found[pid] = _times(pid)
        except OSError:  # gone meanwhile
            continue
    return found


def _same_life(before: dict[int, _Times], after: dict[int, _Times]) -> bool:
    """Whether nobody came, went or was waited for between the two."""
    return {pid: each.reaped_s for pid, each in before.items()} == {
        pid: each.reaped_s for pid, each in after.items()
    }


def _times(pid: int) -> _Times:
    """By proc_pid_stat(5): utime, stime, cutime, cstime; the own time finer where a clock is."""
    stat = Path(f"/proc/{pid}/stat").read_bytes()
    ticks = [int(field) for field in stat.rpartition(b")")[2].split()[11:15]]
    hertz = os.sysconf("SC_CLK_TCK")
    try:
        own_s = time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:
        own_s = (ticks[0] + ticks[1]) / hertz
    return _Times(own_s, (ticks[2] + ticks[3]) / hertz)
