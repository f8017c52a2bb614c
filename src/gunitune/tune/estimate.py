"""How many requests a second each choice serves, with the host's changing speed taken out.

Throughput is CPUs in use over CPU time per request. The first is steady, the second is mostly the
host's speed of the moment, which the block's own CPU time per request tells: so a block is brought
to the study's mean speed, as far as its choice is bound by the CPU at all. What a round's blocks
still have in common (a disk that was slower just then) is taken out after that.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.trial import THREADED, Estimate
from gunitune.tune.cost import Cost, cost, group
from gunitune.tune.gauge import gauges
from gunitune.tune.linear import student
from gunitune.tune.rounds import Rounds, Seen, mean, rounds, shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gunitune.trial import Block, Choice
    from gunitune.tune.gauge import Gauge, Supply
    from gunitune.tune.rounds import Turn

# Spread of a choice's throughput (natural logarithm) beyond the host's speed, to start from, and
# the weight of that in observations.
RESIDUAL, WEIGHT = 0.03, 4.0
# Of gthread workers that take connections without a thread for them: one may hoard them all, and
# some starts give half of what others give (0.23 and 0.28 over 5 starts of two sizes).
HOARDING = 0.1
# What is left of a disturbance when it was corrected for, as a share of it: CPUs taken by
# neighbours, and a speed that left what it waits for behind (a host that stood still).
UNSURE_SUPPLY, UNSURE_SPEED = 0.4, 0.5


@dataclass(frozen=True, slots=True)
class Level:
    """One choice: log requests per second, its own variance and freedom, its tie to the speed."""

    value: float
    variance: float
    freedom: float
    noise: float  # variance of one undisturbed block
    bound: float  # elasticity of throughput to the host's speed, 0 to 1
    blocks: int
    turns: Mapping[Turn, float] = field(default_factory=dict)  # its weight by round


@dataclass(frozen=True, slots=True)
class Levels:
    """All choices, comparable with one another."""

    level: Mapping[Choice, Level] = field(default_factory=dict)
    cost: Cost | None = None
    rounds: Rounds = field(default_factory=Rounds)

    def estimate(self, choice: Choice) -> Estimate:
        """Requests per second at the study's mean speed of the host, 95 % interval."""
        level = self.level[choice]
        shared = level.bound**2 * self._shared(choice, choice)
        shared += self.rounds.between(level.turns, {})
        reach = self._reach(level.variance + shared, level)
        source = f"{level.blocks} blocks, brought to the mean speed of the host"
        return _estimate(level.value, reach, source, level.blocks)

    def ratio(self, one: Choice, other: Choice) -> Estimate:
        """Throughput of one over that of the other, 95 % interval."""
        a, b = self.level[one], self.level[other]
        shared = (
            a.bound**2 * self._shared(one, one)
            + b.bound**2 * self._shared(other, other)
            - 2 * a.bound * b.bound * self._shared(one, other)
            + self.rounds.between(a.turns, b.turns)
        )
        own = 0.0 if one == other else a.variance + b.variance
        reach = self._reach(own + max(0.0, shared), a, b) if one != other else 0.0
        return _estimate(a.value - b.value, reach, "paired by round", min(a.blocks, b.blocks))

    def _shared(self, one: Choice, other: Choice) -> float:
        return self.cost.covariance[one, other] if self.cost else 0.0

    def _reach(self, variance: float, *levels: Level) -> float:
        """Half of the interval; freedom after Welch and Satterthwaite."""
        own = sum(level.variance**2 / level.freedom for level in levels)
        rest = max(0.0, variance - sum(level.variance for level in levels))
        own += rest**2 / (self.cost.freedom if self.cost else math.inf)
        freedom = variance**2 / own if own else math.inf
        return student(0.975, min(freedom, 1e6)) * math.sqrt(variance)


def _estimate(value: float, reach: float, source: str, blocks: int) -> Estimate:
    low, high = math.exp(value - reach), math.exp(value + min(reach, 20.0))
    return Estimate(math.exp(value), low, high, source, blocks)


def levels(
    blocks: Iterable[Block],
    supply: Supply,
    before: Levels | None = None,
    *,
    paced: bool = False,
    lent: bool = True,
) -> Levels:
    """Fit all blocks together. `paced`: arrivals come by themselves, so speed hardly matters.

    `before` tells from other blocks how noisy ones are: of the host's speed, and of each choice.
    Without `lent` no choice's CPU time is drawn to that of its class.
    """
    found = gauges(blocks, supply)
    if not found:
        return Levels()
    price = cost(found, before.cost.spread if before and before.cost else None, lent=lent)
    of: dict[Choice, list[Gauge]] = defaultdict(list)
    for gauge in found:
        of[gauge.choice].append(gauge)
    bound = {choice: (0.0, 0.0) if paced else _bound(own) for choice, own in of.items()}
    free = {
        choice: [
            _speedless(gauge, gauge.cpu if paced else price.level[choice], bound[choice])
            for gauge in own
        ]
        for choice, own in of.items()
    }
    common = rounds(free, {choice: _residual(choice) ** 2 for choice in free})
    variances = _variances(free, common, before)
    return Levels(
        {
            choice: Level(
                value=mean(values, common) - bound[choice][0] * price.level[choice],
                variance=variances[choice][0] / sum(seen.weight for seen in values),
                freedom=variances[choice][1],
                noise=variances[choice][0],
                bound=bound[choice][0],
                blocks=len(values),
                turns=shares(values),
            )
            for choice, values in free.items()
        },
        price,
        common,
    )


def _bound(own: Sequence[Gauge]) -> tuple[float, float]:
    """How far throughput follows the CPU, and how unsure that is; calm blocks tell it best."""
    calm = sum(gauge.calm for gauge in own)
    middle = sum(gauge.calm * sum(gauge.bound) / 2 for gauge in own) / calm
    unsure = sum(gauge.calm * (gauge.bound[1] - gauge.bound[0]) / 2 for gauge in own) / calm
    return middle, unsure


def _speedless(gauge: Gauge, level: float, bound: tuple[float, float]) -> Seen:
    """Log throughput with speed and supply taken out, and its weight."""
    middle, unsure = bound
    value = gauge.rps + middle * (gauge.cpu - gauge.supply)
    doubts = (
        (UNSURE_SUPPLY * middle + unsure) * gauge.supply,
        UNSURE_SPEED * (1 - middle) * (gauge.cpu - level),
        gauge.grain,
    )
    weight = 1 / (1 + sum((doubt / RESIDUAL) ** 2 for doubt in doubts))
    return Seen(value, weight, gauge.turn)


def _residual(choice: Choice) -> float:
    hoards = choice.worker_class == THREADED and choice.worker_connections is None
    return HOARDING if hoards and choice.workers > 1 else RESIDUAL


def _variances(
    free: Mapping[Choice, list[Seen]], common: Rounds, before: Levels | None
) -> dict[Choice, tuple[float, float]]:
    """Variance of one undisturbed block of each choice, with its degrees of freedom.

    What few blocks of a choice can't tell comes from its group: gthread with open connections is
    bimodal, and one block of it is no promise.
    """
    squares: dict[Choice, float] = {}
    for choice, values in free.items():
        level = mean(values, common)
        squares[choice] = sum(seen.weight * (common.free(seen) - level) ** 2 for seen in values)
    spare = {choice: len(values) - 1 for choice, values in free.items()}
    found: dict[Choice, tuple[float, float]] = {}
    for choice in free:
        kin = [other for other in free if group(other) == group(choice)]
        degrees = sum(spare[other] for other in kin)
        known = before.level.get(choice) if before else None
        start = known.noise if known else _residual(choice) ** 2
        pooled = (start * WEIGHT + sum(squares[other] for other in kin)) / (WEIGHT + degrees)
        own = (pooled * WEIGHT + squares[choice]) / (WEIGHT + spare[choice])
        found[choice] = own, WEIGHT + spare[choice] + min(degrees, WEIGHT)
    return found
