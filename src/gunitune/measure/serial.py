"""Where requests take turns outside the CPUs: a database's lock, a pool, a service at its limit.

Threads enough to keep the CPUs busy serve as much as the CPUs and the GIL allow. If they serve less
with CPUs to spare, something else serves one request after the other; its time per request is the
one with which the model (gunitune.predict.closed) serves what was served. If more workers serve as
many times more, each has its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.predict.closed import ClosedLoop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.predict.demands import Demands

# Of what the model expects: less than this is not the noise of looks.
SHORT, SHORT_ALONE = 0.95, 0.85  # of several looks, and of a single one
SPARE = 0.93  # of the CPUs that were free: with more in use, they were the limit
OWN = 1.5  # times what one worker served, from two workers or more: each has its own
STEPS = 20


@dataclass(frozen=True, slots=True)
class Served:
    """What a number of workers served in a closed loop, and what each request needed of them.

    `busy` is CPUs in use by these workers and the generator, `free` those that nothing else took.
    """

    rps: float
    demands: Demands
    clients: int
    busy: float
    free: float
    generator_ms: float = 0.0

    def expected(self, serial_ms: float = 0.0) -> float:
        """Requests per second by the model."""
        # only looks in which the workers had about the same number of connections count
        needs = replace(self.demands, serial_ms=serial_ms, hoards=0.0)
        room = max(self.free, 0.1)
        sticky = not needs.shared
        loop = ClosedLoop(needs, room, self.clients, sticky=sticky, generator_ms=self.generator_ms)
        return 1000 * loop.flow().rate

    def falls_short(self, share: float) -> bool:
        """Whether it is less than that share of what it should be, and not for want of CPUs."""
        return self.busy < SPARE * self.free and self.rps < share * self.expected()

    def serial_ms(self) -> float:
        """The time per request in turn with all others that explains what was served; 0: none."""
        low, high = 0.0, self.demands.wait_ms
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.expected(middle) > self.rps else (low, middle)
        explains = abs(self.expected(high) - self.rps) <= (1 - SHORT) * self.rps
        return high if explains else 0.0


def serial_ms(looks: Sequence[Served]) -> list[float]:
    """What each look says of it: those that fell short, where most did; else that there is none."""
    share = SHORT if len(looks) > 1 else SHORT_ALONE
    short = [found for seen in looks if seen.falls_short(share) and (found := seen.serial_ms())]
    return short if 2 * len(short) > len(looks) else [0.0] * len(looks)


def own_turns(one: float, many: float) -> bool:
    """Whether each worker has turns of its own: `many` workers served so much more than one."""
    return many >= OWN * one
