"""What a choice does, request by request, on a clock of its own: the model's counter-check.

An event simulation of the model's assumptions without its approximations: first come first served
for slots and for the process, CPUs shared in equal parts by all that want one (each at most one).
The equal parts run in virtual time (Parekh, Gallager: A Generalized Processor Sharing Approach,
ToN 1993), so that an event costs the logarithm of what is in flight.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunitune.predict.demands import Demands


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of it; times in milliseconds, `latencies` sorted."""

    rps: float
    mean_ms: float
    latencies: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """The latency that `share` of the requests stay within."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


_ARRIVAL = -1  # the client of a request that is yet to come


@dataclass(slots=True)
class _Request:
    arrived: float
    client: int
    worker: int = 0
    steps: list[tuple[str, float]] = field(default_factory=list)  # still to do, the next one last


class _Server:
    """A choice's processes and CPUs at one moment; `advance` moves it to the next event."""

    def __init__(self, demands: Demands, cpus: float, *, random_cpu: bool, seed: int) -> None:
        self.demands, self.cpus, self.random_cpu = demands, cpus, random_cpu
        self.random = random.Random(seed)  # noqa: S311  (a simulation's, to be repeatable)
        workers = demands.workers
        self.queues: list[deque[_Request]] = [deque() for _ in range(workers)]
        self.free = [demands.slots] * workers
        self.holders: list[deque[_Request]] = [deque() for _ in range(workers)]
        self.turn: deque[_Request] = deque()
        self.now = self.virtual = 0.0
        self.order = 0
        self.computing: list[tuple[float, int, _Request]] = []
        self.timers: list[tuple[float, int, _Request]] = []

    def arrive(self, request: _Request) -> None:
        """Take a request in, or queue it: before all workers, or before its own."""
        if self.demands.shared:
            workers = [at for at, slots in enumerate(self.free) if slots > 0]
            request.worker = self.random.choice(workers) if workers else -1
        if request.worker < 0 or self.free[request.worker] <= 0:
            self.queues[0 if self.demands.shared else request.worker].append(request)
        else:
            self._enter(request)

    def leave(self, request: _Request) -> None:
        """Free the slot, and give it to whoever waits for it."""
        self.free[request.worker] += 1
        queue = self.queues[0 if self.demands.shared else request.worker]
        if queue:
            following = queue.popleft()
            following.worker = request.worker
            self._enter(following)

    def advance(self) -> _Request:
        """Move on to the next end of a step, and give the request that it belongs to."""
        speed = min(1.0, self.cpus / len(self.computing)) if self.computing else 0.0
        computed = math.inf
        if self.computing:
            computed = self.now + (self.computing[0][0] - self.virtual) / speed
        if self.timers and self.timers[0][0] < computed:
            then, _, request = heappop(self.timers)
            self.virtual += (then - self.now) * speed
            self.now = then
        else:
            self.virtual, _, request = heappop(self.computing)
            self.now = computed
        return request

    def proceed(self, request: _Request) -> bool:
        """Start the next step of a request; whether none is left."""
        while request.steps:
            step, amount = request.steps.pop()
            holders = self.turn if step.endswith("turn") else self.holders[request.worker]
            if step.startswith("take"):
                holders.append(request)
                if len(holders) > 1:
                    return False
            elif step.startswith("leave"):
                holders.popleft()
                if holders:
                    self.proceed(holders[0])
            elif amount > 0:
                self.order += 1
                heap, start = (
                    (self.computing, self.virtual) if step == "cpu" else (self.timers, self.now)
                )
                heappush(heap, (start + amount, self.order, request))
                return False
        return True

    def _enter(self, request: _Request) -> None:
        needs = self.demands
        self.free[request.worker] -= 1
        holds = needs.held_wait_ms >= needs.serial_ms
        request.steps = self._wait(needs.wait_ms, 0.0 if holds else needs.serial_ms)
        request.steps.append(("cpu", self._draw(needs.free_cpu_ms)))
        if needs.held_ms > 0:
            request.steps.append(("leave process", 0.0))
            request.steps += self._wait(needs.held_wait_ms, needs.serial_ms if holds else 0.0)
            request.steps.append(("cpu", self._draw(needs.held_cpu_ms)))
            request.steps.append(("take process", 0.0))
        self.proceed(request)

    def _wait(self, whole_ms: float, serial_ms: float) -> list[tuple[str, float]]:
        """Waiting of which a part is taken in turn with all other requests."""
        if serial_ms == 0:
            return [("wait", whole_ms)]
        turn = [("leave turn", 0.0), ("wait", serial_ms), ("take turn", 0.0)]
        return [("wait", max(0.0, whole_ms - serial_ms)), *turn]

    def _draw(self, mean: float) -> float:
        return mean * self.random.expovariate(1.0) if self.random_cpu and mean else mean


def simulate(  # noqa: PLR0913  (a load and its assumptions, each with a name)
    demands: Demands,
    cpus: float,
    *,
    concurrency: int | None = None,
    rps: float | None = None,
    sticky: bool = True,
    random_cpu: bool = True,
    requests: int = 20_000,
    seed: int = 0,
) -> Simulated:
    """Serve `requests` after a tenth of them as warm-up: closed loop, or Poisson arrivals.

    `sticky`: a client of a closed loop stays with one worker (an equal number with each, or as they
    come where workers hoard), as kept-alive connections do; else every request goes to any. CPU
    times are exponential with `random_cpu`, else constant; waiting is constant.
    """
    server = _Server(demands, cpus, random_cpu=random_cpu, seed=seed)
    sticky = sticky and rps is None
    load = _Load(server, rps, _homes(server, concurrency or 1) if sticky else [])
    for client in range(concurrency or 1):
        load.client(client)
    latencies, started = [], 0.0
    for served in range(requests + requests // 10):
        if served == requests // 10:
            started = server.now
        latency = load.serve()
        if served >= requests // 10:
            latencies.append(latency)
    rate = 1000 * len(latencies) / (server.now - started)
    mean = math.fsum(latencies) / len(latencies)
    return Simulated(rate, mean, tuple(sorted(latencies)))


def _homes(server: _Server, clients: int) -> list[int]:
    """The worker that accepts each client: in turn, or by Polya's urn (hoarding.py)."""
    workers = server.demands.workers
    if not server.demands.hoards:
        return [client % workers for client in range(clients)]
    weights = [server.demands.hoards * server.cpus] * workers
    homes: list[int] = []
    for _ in range(clients):
        homes += server.random.choices(range(workers), weights)
        weights[homes[-1]] += 1
    return homes


@dataclass(slots=True)
class _Load:
    """Clients that ask again at once; or, with a rate, one source of arrivals."""

    server: _Server
    rps: float | None
    homes: list[int]  # the worker that each client stays with; empty: any

    def client(self, number: int) -> None:
        """Let a client begin, or schedule the next arrival."""
        server = self.server
        if self.rps is None:
            self._ask(number)
            return
        server.order += 1
        then = server.now + server.random.expovariate(self.rps / 1000)
        heappush(server.timers, (then, server.order, _Request(then, _ARRIVAL)))

    def serve(self) -> float:
        """Run until the next request is served, and give its latency."""
        server = self.server
        while True:
            request = server.advance()
            if request.client == _ARRIVAL:
                self.client(_ARRIVAL)
                self._ask(0)
            elif server.proceed(request):
                server.leave(request)
                latency = server.now - request.arrived
                if self.rps is None:
                    self._ask(request.client)
                return latency

    def _ask(self, client: int) -> None:
        workers = self.server.demands.workers
        worker = self.homes[client] if self.homes else self.server.random.randrange(workers)
        self.server.arrive(_Request(self.server.now, client, worker))
