"""What one block says of its choice, and how fast and how free the host was meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.trial import THREADED
from gunitune.tune.elasticity import elasticity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.trial import Block, Choice

LEAST = 0.1  # CPUs: with less left nothing can be told anyway
# The scheduler is fair: from a server that wants its CPUs neighbours get half of them, not more.
FAIR = 0.5
SATED = 0.75  # a server that uses less than this of what was left wanted none of what was taken
CALM = 0.05  # supply (natural logarithm) lost to neighbours that still counts as undisturbed


@dataclass(frozen=True, slots=True)
class Supply:
    """CPUs that the server may use, and CPUs that it shares with the generator and neighbours.

    `apart`: the generator has others of its own.
    """

    cpus: float
    cores: float
    apart: bool = False

    def left(self, block: Block) -> float:
        """CPUs that neighbours, here or under the same hypervisor, left to the server."""
        usage = block.usage
        wall_s = max(usage.wall_s, 1e-9)
        others, stolen = (
            0.0 if isinstance(seconds, Unknown) else seconds / wall_s
            for seconds in (usage.other_cpu_s, usage.steal_s)
        )
        here = self.cores - stolen
        return max(LEAST, min(self.cpus, max(here - others, FAIR * here)))

    def beside(self, block: Block) -> float:
        """CPUs that the generator took of what the server could have used."""
        return max(0.0, self.generating(block) - (self.cores - self.cpus))

    def generating(self, block: Block) -> float:
        """CPUs that the generator took of those that it shares with the server."""
        own = block.answered.generator_cpu_s / max(block.usage.wall_s, 1e-9)
        return 0.0 if self.apart else own


@dataclass(frozen=True, slots=True)
class Gauge:
    """One block in natural logarithms.

    `rps` and `cpu` are the logarithms of requests per second and of CPU milliseconds per request.
    `supply` (0 or less) is the logarithm of the share of the CPUs usable by the choice that
    neighbours left it. `bound` says how far throughput follows the CPU: at least, if neighbours
    took only what idled, and at most, if the server wanted what they took.
    """

    choice: Choice
    turn: tuple[str, int]  # phase and round
    rps: float
    cpu: float
    supply: float
    bound: tuple[float, float]
    grain: float  # one request more or less, as a share

    @property
    def calm(self) -> float:
        """Weight of the block for what neighbours would blur, 1 where there were none."""
        return 1 / (1 + (self.supply / CALM) ** 2)


def gauges(blocks: Iterable[Block], supply: Supply) -> list[Gauge]:
    """One for each block that served anything and whose CPU time could be read."""
    usable = [block for block in blocks if block.answered.served and block.usage.cpu_s > 0]
    reach: dict[Choice, float] = {}
    for block in usable:
        least = min(block.choice.workers, supply.cpus)
        reach[block.choice] = max(reach.get(block.choice, least), block.usage.cores)
    return [_gauge(block, supply, min(supply.cpus, reach[block.choice])) for block in usable]


def _gauge(block: Block, supply: Supply, reach: float) -> Gauge:
    """`reach` is how many CPUs the choice can use: one a worker, more where the GIL is released."""
    left, beside = supply.left(block), supply.beside(block)
    cores, inside = block.usage.cores, _inside(block)
    least, most = (
        elasticity(cores / min(reach, max(LEAST, room - beside)), inside, reach)
        for room in (supply.cpus, left)
    )
    if cores < SATED * min(reach, left):
        most = least
    return Gauge(
        choice=block.choice,
        turn=(block.phase, block.round),
        rps=math.log(block.rps),
        cpu=math.log(block.cpu_ms),
        supply=math.log(min(reach, left) / reach),
        bound=(least, most),
        grain=1 / block.answered.served,
    )


def _inside(block: Block) -> int:
    """Requests that are served at once, at most."""
    choice, clients = block.choice, block.load.concurrency
    threads = choice.threads if choice.worker_class == THREADED else 1
    slotted = choice.worker_class in ("sync", THREADED)
    return min(clients, choice.workers * threads) if slotted else clients
