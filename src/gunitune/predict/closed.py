"""What clients get that each send their next request as soon as the last one is answered."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.predict import hoarding
from gunitune.predict.contention import Contention, slowed_within
from gunitune.predict.queueing import (
    closed,
    gamma_quantile,
    interference,
    root,
    throughputs,
)

if TYPE_CHECKING:
    from gunitune.predict.demands import Demands


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests through the server: rate per millisecond, times in milliseconds.

    `inside` is how many are in service on average, `stretch` how many times longer their CPU time
    takes than alone.
    """

    rate: float
    mean_ms: float
    p99_ms: float
    inside: float
    stretch: float


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """`clients` without think time (infinity: as many as the server takes) on `cpus` CPUs.

    At most `demands.room` requests are inside, the others wait before it: with no think time, those
    inside are a closed network of their own, and the rest only wait for its departures.
    `sticky`: clients stay with a worker, as kept-alive connections do, the same number with each
    unless it `hoards`; else each request goes to any worker. `generator_ms` is CPU time per request
    that the load generator takes of the same CPUs.
    """

    demands: Demands
    cpus: float
    clients: float
    sticky: bool = True
    generator_ms: float = 0.0
    weight: float = 0.0  # of each worker in Polya's urn, all of which have clients; 0: even

    def flow(self) -> Flow:
        """Throughput (exact for sync), mean latency (Little's law) and an approximate p99."""
        return self._hoarded() if self.hoards else self._flow()

    @property
    def hoards(self) -> bool:
        """Whether some of the workers may be left without a client."""
        needs = self.demands
        kept = needs.hoards > 0 and self.sticky and not self.weight
        return kept and needs.workers > 1 and not math.isinf(self.clients)

    def _hoarded(self) -> Flow:
        """The average of what as many workers serve as may have got any clients."""
        weight = self.demands.hoards * self.cpus
        loop = replace(self, weight=weight)
        parts = [
            (share, replace(loop, demands=replace(self.demands, workers=some)).flow())
            for some, share in hoarding.peopled(loop.lots, self.demands.workers, weight)
        ]
        rate = sum(share * flow.rate for share, flow in parts)
        return Flow(
            rate,
            self.clients / rate - self.generator_ms,
            sum(share * flow.p99_ms for share, flow in parts),
            min(self.clients, sum(share * flow.inside for share, flow in parts)),
            sum(share * flow.stretch for share, flow in parts),
        )

    def _flow(self) -> Flow:
        rate, factor = self.solved(0.0)
        loop = self
        if self.generator_ms > 0 or self.demands.serial_ms > 0:
            # what the generator takes, the server has not; and who takes a turn waits for others
            rate = root(lambda flow: self.at(flow).solved(flow)[0] - flow, 0.0, rate)
            rate = min(rate, 1 / max(self.generator_ms, self.demands.serial_ms))
            loop = self.at(rate)
            factor = loop.solved(rate)[1]
        if math.isinf(self.clients):
            return Flow(rate, math.inf, math.inf, self.inside, factor)
        mean = self.clients / rate - self.generator_ms
        return Flow(rate, mean, loop.p99(rate, factor), self.inside, factor)

    def at(self, rate: float) -> ClosedLoop:
        """The same loop with what its requests wait for their turn at a throughput."""
        return replace(self, demands=self.demands.in_turn(rate, self.inside))

    @property
    def inside(self) -> float:
        """Requests in service at once."""
        if self.weight:
            lot = self.clients / self.lots
            return lot * hoarding.inside(*self.urn, self.demands.slots / lot)
        return min(self.clients, self.demands.room)

    @property
    def lots(self) -> int:
        """What is dealt out to the workers: the clients, in lots where they are many."""
        return int(min(self.clients, hoarding.LOTS))

    @property
    def urn(self) -> tuple[int, int, float]:
        """What is dealt out, to how many workers, and what each weighs."""
        return self.lots, self.demands.workers, self.weight

    @property
    def mixed(self) -> bool:
        """Whether any request may come to any worker that has several slots."""
        return self.demands.held_ms > 0 and (self.demands.shared or not self.sticky)

    @property
    def pause(self) -> float:
        """What a client spends outside between two requests, where that leaves a slot idle."""
        return self.generator_ms if self.clients <= self.demands.room else 0.0

    def solved(self, taken: float) -> tuple[float, float]:
        """Throughput and stretch where the generator already takes its part of `taken`."""
        needs = self.demands
        cpus = max(self.cpus - taken * self.generator_ms, self.cpus * 1e-3)
        if needs.held_ms > 0:
            workers = round(min(needs.workers, max(1.0, self.inside)))
            contention = Contention(needs, cpus, workers, self.inside)
            factor = contention.stretch(self._spread, slowed_within)
            return min(self._spread(factor), cpus / needs.cpu_ms), factor
        wait = needs.wait_ms + self.pause
        states = interference(int(self.inside), cpus, needs.cpu_ms, wait)
        rate = states.mean(lambda here: min(here, cpus)) / needs.cpu_ms
        return rate, max(1.0, (self.inside / rate - wait) / needs.cpu_ms)

    def _times(self, factor: float) -> tuple[float, float]:
        """How long a request holds its process, and what it takes beside that."""
        needs = self.demands
        held = needs.held_cpu_ms * factor + needs.held_wait_ms
        return held, needs.free_cpu_ms * factor + needs.wait_ms + self.pause

    def _spread(self, factor: float) -> float:
        """Throughput of all workers under a stretch."""
        times = self._times(factor)
        workers = self.demands.workers
        variation = self.demands.variation(factor)
        if self.mixed or math.isinf(self.inside):
            return closed(self.inside, *times, workers, variation)
        if self.weight:
            return self._uneven(times, variation)
        each, more = divmod(int(self.inside), workers)
        rate = more * closed(each + 1, *times, 1, variation)
        return rate + (workers - more) * closed(each, *times, 1, variation)

    def p99(self, rate: float, factor: float) -> float:
        """0.99 quantile of the fullest worker's latency: a gamma by its mean and variance.

        The mean is Little's. Inside, first come first served with exponential CPU times; outside,
        a wait for one departure after the other.
        """
        needs = self.demands
        queues = 1 if needs.shared else needs.workers
        clients, inside = self.clients / queues, self.inside / queues
        if not self.mixed and queues > 1:
            clients = self._fullest(clients)
            inside = min(clients, needs.slots)
            rate = self._alone(inside, factor, rate)
        else:
            rate /= queues
        within = inside / rate - self.pause
        variance = self._inside_variance(within, inside, factor)
        waiting = clients - inside
        outside = waiting * self._irregularity(variance / within**2)
        if self.mixed and queues > 1:
            # any split of those that wait is as likely as any other
            outside += _split_variance(waiting, queues)
        mean = max(0.0, clients / rate - self.generator_ms - needs.wait_ms)
        return needs.wait_ms + gamma_quantile(0.99, mean, variance + outside / rate**2)

    def _uneven(self, times: tuple[float, float], variation: float) -> float:
        """Throughput of all workers, each with as many clients as the urn gave it."""
        alone = throughputs(int(min(self.clients, self.demands.slots)), *times, variation)
        lot, last = self.clients / self.lots, len(alone) - 1
        found = hoarding.chances(*self.urn)
        each = math.fsum(p * alone[min(int(n * lot), last)] for n, p in enumerate(found))
        return self.demands.workers * each

    def _fullest(self, each: float) -> float:
        """Clients of the worker that serves the slowest percent, where each has so many if even."""
        if not self.weight:
            return math.ceil(each)
        lot = self.clients / self.lots
        return lot * hoarding.fullest(*self.urn, self.demands.slots / lot)

    def _alone(self, inside: float, factor: float, rate: float) -> float:
        if self.demands.held_ms > 0:
            return closed(inside, *self._times(factor), 1, self.demands.variation(factor))
        return rate * inside / self.inside

    def _inside_variance(self, within: float, inside: float, factor: float) -> float:
        """Variance of the time inside: an arrival waits for those it sees (arrival theorem)."""
        needs = self.demands
        if needs.held_ms == 0:
            return (within - needs.wait_ms) ** 2
        held, beside = self._times(factor)
        if self.mixed:
            seen = max(0.0, (within - (beside - self.pause)) / held - 1)
            spread = seen + _split_variance(seen, needs.workers)
        else:
            others = interference(max(0, math.ceil(inside) - 1), 1, held, beside)
            seen, spread = others.mean(), others.variance
        alone = (needs.held_cpu_ms * factor) ** 2
        return (seen + 1) * alone + spread * held**2 + (needs.free_cpu_ms * factor) ** 2

    def _irregularity(self, inside: float) -> float:
        """Squared variation of the times between departures (Whitt, QNA, 1983).

        Slots that mostly wait give them off as regularly as they serve (`inside`: the squared
        variation of the time inside), a busy CPU or process as its exponential CPU times.
        """
        rate, _ = self.solved(0.0)
        busiest = max(
            rate * self.demands.cpu_ms / self.cpus,
            rate * self.demands.held_ms / self.demands.workers,
        )
        return 1 + (1 - min(1.0, busiest) ** 2) * (min(1.0, inside) - 1)


def _split_variance(mean: float, parts: int) -> float:
    """Variance of one of `parts` where every split of the same whole is as likely as any other."""
    return mean**2 * (parts - 1) / (parts + 1)
