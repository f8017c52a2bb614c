"""Times every answer: the clock, the connections and what comes of them."""

from __future__ import annotations

import random
import select
import socket
from abc import ABC, abstractmethod
from array import array
from dataclasses import dataclass
from itertools import repeat
from select import EPOLLIN, EPOLLOUT
from time import monotonic, process_time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gunitune.load.client import Client, Encoded

TICK_S = 0.05  # how often timeouts are looked for, and a client that failed asks again


class Ready(Protocol):
    """What waits for a file descriptor."""

    def readable(self) -> None:
        """There is something to read, or the end."""

    def writable(self) -> None:
        """There is room to write."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a loop needs to know of its load."""

    requests: Sequence[Encoded]
    weights: Sequence[float]
    concurrency: int
    rps: float | None
    warmup_s: float
    duration_s: float
    timeout_s: float
    expect: frozenset[int]
    seed: int
    most_connections: int


class Loop(ABC):
    """The event loop and what it saw; its kinds (arrivals.py) say when a client asks.

    Every request leaves when it was due and done (CLOCK_MONOTONIC seconds): in `dues` and `dones`
    where its status is an expected one, else in `failures` with the kind of the error.
    """

    def __init__(
        self, plan: Plan, host: str, port: int, announce: Callable[[str, float], None]
    ) -> None:
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.address = (host, port)
        self.connections = 0
        self.retries = 0
        self.released = False  # whether the load may end: its window is over and its meters read
        self.dues = array("d")
        self.dones = array("d")
        self._note_due, self._note_done = self.dues.append, self.dones.append
        self.failures: list[tuple[float, float, str]] = []
        self.lags = array("d")
        self.cpu_s = 0.0
        self.opened = 0  # connections up to the end of the window
        self._announce = announce
        self.plan = plan
        self._expect = plan.expect
        self._pick = picked(plan).__next__
        self._epoll = select.epoll()
        self._watched: dict[int, Ready] = {}
        self._clients: list[Client] = []
        self._tick_at = 0.0

    def watch(self, number: int, ready: Ready) -> None:
        """Call `ready` when there is something to read from the descriptor."""
        self._watched[number] = ready
        self._epoll.register(number, EPOLLIN)

    def rewatch(self, number: int, *, sends: bool) -> None:
        """Call it when there is room to send, too, or no longer."""
        self._epoll.modify(number, EPOLLIN | EPOLLOUT if sends else EPOLLIN)

    def forget(self, number: int) -> None:
        """Stop watching a descriptor that is about to be closed, which takes it off the epoll."""
        self._watched.pop(number, None)

    def run(self) -> None:
        """Warm up, load for the window, and go on until released."""
        try:
            self._run(monotonic())
        finally:
            for client in self._clients:
                client.close()
            self._epoll.close()

    def _run(self, begun: float) -> None:
        self.start = begun + self.plan.warmup_s
        self.end = self.start + self.plan.duration_s
        self._begin(begun)
        self._until(lambda now: now >= self.start)
        cpu_s = process_time()
        self._announce("start", self.start)
        self._until(lambda now: now >= self.end)
        self.cpu_s = process_time() - cpu_s
        self.opened = self.connections
        self._announce("end", self.end)
        self._until(self._over)
        self.stopped = monotonic()

    def _until(self, over: Callable[[float], bool]) -> None:
        watched = self._watched
        while not over(now := monotonic()):
            if now >= self._tick_at:
                self._tick(now)
            for number, event in self._wait(now):
                if event == EPOLLIN or not event & EPOLLOUT:
                    watched[number].readable()
                else:
                    watched[number].writable()

    def _tick(self, now: float) -> None:
        self._tick_at = now + TICK_S
        late = now - self.plan.timeout_s
        for client in self._clients:
            if client.asks and client.due < late:
                client.expire()

    def done(self, client: Client, outcome: int | str) -> None:
        """Note the end of a client's request: a status, or what went wrong."""
        now = monotonic()
        if outcome in self._expect:
            self._note_due(client.due)
            self._note_done(now)
            self._free(client, now)
            return
        kind = outcome if isinstance(outcome, str) else f"status {outcome}"
        self.failures.append((client.due, now, kind))
        self._failed(client, now)

    def unanswered(self) -> Iterable[float]:
        """When the requests without an answer yet were due."""
        return [client.due for client in self._clients if client.asks]

    @abstractmethod
    def counts(self, due: float, done: float) -> bool:
        """Whether a request belongs to the window."""

    @abstractmethod
    def _begin(self, now: float) -> None:
        """Send the first requests, or plan them."""

    @abstractmethod
    def _wait(self, now: float) -> list[tuple[int, int]]:
        """Wait for the descriptors, but not beyond what is due; gives those with their events."""

    @abstractmethod
    def _free(self, client: Client, now: float) -> None:
        """The client was answered."""

    @abstractmethod
    def _failed(self, client: Client, now: float) -> None:
        """Its request failed."""

    @abstractmethod
    def _over(self, now: float) -> bool:
        """Whether all is done after the window."""


def picked(plan: Plan) -> Iterator[Encoded]:
    """Requests without end, drawn by their weights; the same ones for the same seed."""
    if len(plan.requests) == 1:
        yield from repeat(plan.requests[0])
    draw = random.Random(plan.seed)  # noqa: S311  (no secret)
    while True:
        yield from draw.choices(plan.requests, plan.weights, k=1024)
