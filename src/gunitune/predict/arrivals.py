"""What requests get that arrive by themselves (Poisson), however busy the server is."""

from __future__ import annotations

import math
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from gunitune.predict.closed import ClosedLoop, Flow
from gunitune.predict.contention import Contention, slowed_on_arrival
from gunitune.predict.queueing import (
    Queue,
    behind_slots,
    erlang_c,
    interference,
    mva,
    quantile,
    regular,
)

if TYPE_CHECKING:
    from gunitune.predict.demands import Demands

# Slots are never all taken where there are that many times more than requests inside.
AMPLE = 10


def open_loop(demands: Demands, cpus: float, rate: float, generator_ms: float = 0.0) -> Flow | None:
    """Flow of `rate` requests per millisecond; None where the server can't keep up with them.

    A queue before the flow-equivalent server of all that is inside (Norton): one queue for all
    workers, or an equal part of the arrivals for each of them.
    """
    left = max(cpus - rate * generator_ms, cpus * 1e-3)
    if rate * demands.serial_ms >= 1:
        return None
    demands = demands.in_turn(rate, demands.room)
    if demands.held_ms == 0:
        return _common(demands, left, rate)
    return _split(demands, left, rate)


def capacity(demands: Demands, cpus: float, generator_ms: float = 0.0) -> float:
    """The rate, per millisecond, that can't be exceeded: all slots full all the time."""
    return ClosedLoop(demands, cpus, math.inf, generator_ms=generator_ms).flow().rate


def _common(demands: Demands, cpus: float, rate: float) -> Flow | None:
    """Slots that share nothing but the CPUs: M/M/c, slowed where there are fewer CPUs than slots.

    All slots are taken as one pool, which they are under sync.
    """
    alone, slots = demands.alone_ms, int(demands.room)

    @cache
    def served(inside: int) -> float:
        states = interference(inside, cpus, demands.cpu_ms, demands.wait_ms)
        return states.mean(lambda here: min(here, cpus)) / demands.cpu_ms

    if rate >= served(slots):
        return None
    if slots <= cpus:
        waiting = erlang_c(rate * alone, slots)
        queue = Queue(waiting, waiting / (slots / alone - rate), alone)
    else:
        queue = behind_slots(rate, slots, served)
    return _flow(demands, rate, queue, (queue.inside - demands.wait_ms) / demands.cpu_ms)


def _split(demands: Demands, cpus: float, rate: float) -> Flow | None:
    """Workers of many slots, solved alone under the stretch that all of them make."""
    workers = demands.workers
    if rate * demands.cpu_ms >= cpus:
        return None
    contention = Contention(demands, cpus, workers, demands.room)
    factor = contention.stretch(lambda _: rate, slowed_on_arrival)
    held = demands.held_cpu_ms * factor + demands.held_wait_ms
    beside = demands.free_cpu_ms * factor + demands.wait_ms
    if rate * held >= workers:
        return None
    variation = demands.variation(factor)
    utilisation = rate / workers * held
    queued = utilisation * held / (1 - utilisation) * (1 + variation) / 2  # M/G/1
    inside = queued + held + beside
    if demands.room > AMPLE * (1 + rate * inside):
        return _flow(demands, rate, Queue(0.0, 0.0, inside), factor)
    slots, queues = int(demands.slots), workers
    if demands.shared:
        slots, queues = slots * workers, 1
    stations = workers // queues
    served = [0.0, *islice(mva(held, beside, stations, variation), slots)]
    if rate >= queues * served[-1]:
        return None
    queue = behind_slots(rate / queues, slots, served.__getitem__)
    return _flow(demands, rate, queue, factor)


def _flow(demands: Demands, rate: float, queue: Queue, factor: float) -> Flow:
    """The latency of a queue whose time inside is constant waiting and exponential CPU time."""
    waited = min(demands.wait_ms + demands.held_wait_ms, queue.inside)
    queue = regular(queue, (1 - waited / queue.inside) ** 2)
    p99 = quantile(0.99, queue, waited)
    return Flow(rate, queue.wait + queue.inside, p99, rate * queue.inside, factor)
