"""Decides when the next request is sent: on an answer, or by the clock."""

from __future__ import annotations

import random
import select
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from gunitune.load.client import Client
from gunitune.load.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Iterable

HELD_MOST_S = 10.0  # how long the load goes on after its window while the meters are read
OPEN_MOST = 4096  # connections of the open loop; beyond them arrivals wait
DRAIN_LEAST_S = 2.0  # how long the last answers are waited for, at least


class ClosedLoop(Loop):
    """So many clients, each of which asks again once it is answered."""

    _resting: list[Client]

    def _begin(self, now: float) -> None:
        self._resting = []
        self._clients = [Client(self) for _ in range(self.plan.concurrency)]
        for client in self._clients:
            client.ask(self._pick(), now)

    def _wait(self, now: float) -> list[tuple[int, int]]:
        ahead = self.end if now >= self.start else self.start
        until = min(self._tick_at, ahead) if now < ahead else self._tick_at
        return self._epoll.poll(max(until - now, 0))

    def _free(self, client: Client, now: float) -> None:
        client.ask(self._pick(), now)

    def _failed(self, client: Client, now: float) -> None:  # noqa: ARG002
        # Asking again at once would keep a CPU busy with a server that is gone.
        self._resting.append(client)

    def _tick(self, now: float) -> None:
        super()._tick(now)
        resting, self._resting = self._resting, []
        for client in resting:
            client.ask(self._pick(), now)

    def counts(self, due: float, done: float) -> bool:  # noqa: ARG002
        """Whether it was answered within the window."""
        return self.start <= done < self.end

    def _over(self, now: float) -> bool:
        return self.released or now > self.end + HELD_MOST_S


class OpenLoop(Loop):
    """Arrivals by a Poisson process, whatever the server does (they wait where none is free).

    Each opens a connection while there are fewer than `concurrency`; then the one that has been
    idle the longest is used, and a further one opened where none is idle: as users come who keep
    their connections. After the window the loop ends with the last answer to its arrivals.
    """

    def _begin(self, now: float) -> None:
        self._idle: deque[Client] = deque()
        self._waiting: deque[float] = deque()
        self._most = min(OPEN_MOST, self.plan.most_connections)
        self._few = min(self.plan.concurrency, self._most)
        self._gaps = random.Random(self.plan.seed)  # noqa: S311  (no secret)
        self._next = now + self._gap()
        self._drained_by = self.end + min(
            self.plan.timeout_s, max(DRAIN_LEAST_S, self.plan.duration_s)
        )

    def _gap(self) -> float:
        return self._gaps.expovariate(self.plan.rps or 1.0)

    def _wait(self, now: float) -> list[tuple[int, int]]:
        while self._next <= now:
            self._arrive(self._next)
            self._next += self._gap()
        while self._waiting and self._idle:
            self._idle.popleft().ask(self._pick(), self._waiting.popleft())
        wait = min(self._next, self._tick_at) - monotonic()
        if wait > 0:
            # epoll's own timeout is in whole milliseconds.
            select.select([self._epoll], [], [], wait)
        return self._epoll.poll(0)

    def _arrive(self, due: float) -> None:
        if due >= self.end:
            return
        if due >= self.start:
            self.lags.append(monotonic() - due)
        if len(self._clients) < (self._few if self._idle else self._most):
            client = Client(self)
            self._clients.append(client)
            client.ask(self._pick(), due)
        elif self._idle and not self._waiting:
            self._idle.popleft().ask(self._pick(), due)
        else:
            self._waiting.append(due)

    def _free(self, client: Client, now: float) -> None:  # noqa: ARG002
        self._idle.append(client)

    def _failed(self, client: Client, now: float) -> None:
        self._free(client, now)

    def counts(self, due: float, done: float) -> bool:  # noqa: ARG002
        """Whether it was due within the window."""
        return self.start <= due < self.end

    def _over(self, now: float) -> bool:
        busy = self._waiting or any(client.asks for client in self._clients)
        return not busy or now > self._drained_by

    def unanswered(self) -> Iterable[float]:
        """When the requests without an answer yet were due, sent or not."""
        return [*super().unanswered(), *self._waiting]
