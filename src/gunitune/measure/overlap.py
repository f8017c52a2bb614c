"""How much of the computing holds the GIL, and how much of the waiting overlaps.

Both follow from the throughput of a closed loop: one process is a station that serves one request
at a time, everything else is a delay (exact mean value analysis, gunitune.predict.queueing), and
the share is the one with which the model serves what was served.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.predict.closed import ClosedLoop
from gunitune.predict.demands import Demands
from gunitune.predict.queueing import closed

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = 40


def gil_share(cores: float, cpu_ms: float, wait_ms: float, threads: int) -> float:
    """Share of the CPU time under the GIL (0 to 1), from the CPUs that one process kept busy.

    `threads` requests are always in flight; `cores` is CPU time of the worker per time of the
    window, `cpu_ms` and `wait_ms` are per request. There is no station for the CPUs: where all of
    them were busy it is an upper bound.
    """

    def used(share: float) -> float:
        held = share * cpu_ms
        return closed(threads, held, wait_ms + cpu_ms - held) * cpu_ms

    return _falling(used, cores)


def overlap_share(
    rps: float, cpu_ms: float, wait_ms: float, clients: int, serial_ms: float = 0.0
) -> float:
    """Share of the waiting that one process overlaps (0 to 1), from what it served.

    `rps` requests per second came of `clients` clients that ask again at once; `cpu_ms` is the
    time per request that the process can do nothing else in, `wait_ms` the waiting, `serial_ms` the
    part of it in which requests take turns anyway.
    """

    def served(blocked: float) -> float:
        stands = blocked * wait_ms
        if serial_ms == 0:
            return 1000 * closed(clients, cpu_ms + stands, wait_ms - stands)
        needs = Demands(
            workers=1,
            slots=math.inf,
            shared=False,
            held_cpu_ms=cpu_ms,
            held_wait_ms=stands,
            free_cpu_ms=0.0,
            wait_ms=wait_ms - stands,
            serial_ms=serial_ms,
        )
        return 1000 * ClosedLoop(needs, 1.0, clients).flow().rate

    return 1 - _falling(served, rps)


def _falling(function: Callable[[float], float], wanted: float) -> float:
    """Where a function that falls from 0 to 1 takes a value, kept within; by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > wanted else (low, middle)
    return (low + high) / 2
