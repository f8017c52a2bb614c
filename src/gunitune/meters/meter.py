"""What the server's process tree took between the beginning and the end of a window."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.meters.busy import busy
from gunitune.meters.counters import (
    pressure_s,
    throttle_counters,
    throttled_s,
)
from gunitune.meters.cpu import cpu_clock, process_cpu_s
from gunitune.meters.level import memory_level
from gunitune.meters.memory import tree_memory
from gunitune.meters.peak import Peak
from gunitune.meters.switches import switches
from gunitune.meters.tree import EndedError, holding
from gunitune.model import Unknown
from gunitune.trial import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.meters.busy import Busy
    from gunitune.meters.switches import Switches
    from gunitune.meters.tree import Served


@dataclass(frozen=True, slots=True)
class _Reading:
    """All that is counted, at one instant; the quick and exact first."""

    at_s: float
    cpu_s: float
    busy: Busy | Unknown
    throttled_s: float | Unknown
    pressure_s: float | Unknown
    died: int
    by_worker_s: Mapping[int, float]
    switches: Switches


class Meter:
    """Meters one running server: `start`, `stop`, then `usage`.

    `cores` are the CPUs, by number, whose other work counts as `other_cpu_s`: those that this
    process may use where none are named.
    """

    def __init__(self, server: Served, *, cores: frozenset[int] = frozenset()) -> None:
        self._server = server
        self._cores = cores or frozenset(os.sched_getaffinity(0))
        self._groups = holding(server)
        self._clock = cpu_clock(server)
        self._throttles = throttle_counters(self._groups)
        self._level = memory_level(server, self._groups)
        self._peak = Peak(self._level.read)
        self._readings: list[_Reading] = []
        self._ended: EndedError | None = None
        self._memory: tuple[int | Unknown, int | Unknown, str] | None = None

    def start(self) -> None:
        """The window begins; takes some milliseconds."""
        self._look()
        self._peak.start()

    def stop(self) -> None:
        """The window ends; takes some milliseconds for each process."""
        self._look()
        highest, last = self._peak.stop()
        held, source = tree_memory(self._server.pids())
        peak = held if isinstance(held, Unknown) else held + highest - last
        self._memory = (held, peak, f"{source}; peak {self._level.source}")

    def abandon(self) -> None:
        """The window came to nothing: whatever still looks stops; there will be no usage."""
        self._peak.abandon()

    def usage(self, generator_cpu_s: float = 0.0) -> Usage:
        """What was used from start to stop; EndedError where the server ended in between.

        `generator_cpu_s` is the load generator's CPU time in the window: it is no other work.
        """
        if self._ended:
            raise self._ended
        assert self._memory, "usage() comes after start() and stop()"
        before, after = self._readings
        cpu_s = max(0.0, after.cpu_s - before.cpu_s)
        voluntary, involuntary = after.switches.since(before.switches)
        stolen_s, other_s = _machine(before.busy, after.busy, cpu_s + generator_cpu_s)
        held, peak, memory_source = self._memory
        return Usage(
            wall_s=after.at_s - before.at_s,
            cpu_s=cpu_s,
            cpu_source=self._clock.source,
            pss_bytes=held,
            peak_bytes=peak,
            memory_source=memory_source,
            workers=len(after.by_worker_s),
            restarts=after.died - before.died,
            voluntary_switches=voluntary,
            involuntary_switches=involuntary,
            throttled_s=_difference(before.throttled_s, after.throttled_s),
            steal_s=stolen_s,
            other_cpu_s=other_s,
            pressure_cpu_s=_difference(before.pressure_s, after.pressure_s),
            per_worker_cpu_s=_per_worker(before.by_worker_s, after.by_worker_s),
        )

    def _look(self) -> None:
        """Read; what goes wrong is told by `usage`, not in the middle of the load."""
        try:
            self._readings.append(self._read())
        except EndedError as error:
            self._ended = error

    def _read(self) -> _Reading:
        cpu_s, at_s = self._clock.read(), time.monotonic()
        machine = busy(self._cores)
        pids = self._server.pids()
        if not pids:
            raise EndedError("no process of it is left")
        return _Reading(
            at_s=at_s,
            cpu_s=cpu_s,
            busy=machine,
            throttled_s=throttled_s(self._throttles),
            pressure_s=pressure_s(self._groups),
            died=self._server.died(),
            by_worker_s=self._by_worker(),
            switches=switches(pids),
        )

    def _by_worker(self) -> dict[int, float]:
        found = {}
        for pid in self._server.workers():
            with suppress(OSError):
                found[pid] = process_cpu_s(pid)
        return found


def _per_worker(before: Mapping[int, float], after: Mapping[int, float]) -> tuple[float, ...]:
    """CPU seconds in the window of the workers there at its end, most first."""
    used = (cpu_s - before.get(pid, 0.0) for pid, cpu_s in after.items())
    return tuple(sorted(used, reverse=True))


def _machine(
    before: Busy | Unknown, after: Busy | Unknown, ours_s: float
) -> tuple[float | Unknown, float | Unknown]:
    """Stolen time, and the CPU time of neither the server nor its generator."""
    if isinstance(before, Unknown):
        return before, before
    if isinstance(after, Unknown):
        return after, after
    other_s = after.busy_s - before.busy_s - ours_s
    return after.steal_s - before.steal_s, max(0.0, other_s)


def _difference(before: float | Unknown, after: float | Unknown) -> float | Unknown:
    if isinstance(before, Unknown):
        return before
    return after if isinstance(after, Unknown) else after - before
