"""What a request costs in CPU time under each choice, learned from all choices together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.tune.linear import inverse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunitune.trial import Choice
    from gunitune.tune.gauge import Gauge

ROUNDS_OF_EM = 5
# Standard deviations (natural logarithms) to start from, with the weight of so many observations:
# measured on a shared two-core guest, 15 choices of three apps, blocks of 2 s.
BLOCK, TURN, CHOICE = 0.12, 0.06, 0.06
WEIGHT = 6
LOOSE = 1.0  # a choice's own level, where nothing is to be lent from its group
GROUP = 0.2  # of a group's level around all: the app's own work is the same under every class


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of log CPU per request: of a block, a round, a choice in its group."""

    block: float = BLOCK
    turn: float = TURN
    choice: float = CHOICE


@dataclass(frozen=True, slots=True)
class Cost:
    """Log CPU milliseconds per request of each choice, at the study's mean speed of the host.

    `covariance` holds the (symmetric) uncertainty of every pair; `freedom` the degrees of it.
    """

    level: Mapping[Choice, float]
    covariance: Mapping[tuple[Choice, Choice], float]
    spread: Spread
    freedom: float


def group(choice: Choice) -> tuple[str, bool]:
    """Choices that spend CPU time alike: of one class, with or without capped connections."""
    return choice.worker_class, choice.worker_connections is None


def cost(gauges: Sequence[Gauge], spread: Spread | None = None, *, lent: bool = True) -> Cost:
    """Fit log cpu = level of the group + the choice's own + the round's speed + noise.

    The choice's own and the round's share are random effects (best linear unbiased predictor,
    Henderson 1975); their spreads are found by expectation and maximisation with a prior worth
    `WEIGHT` observations. A `spread` handed in is kept. Without `lent` nothing is borrowed between
    choices: what few blocks say of one is not drawn to its group, and so is not biased.
    """
    design = _Design(gauges)
    fixed, spread = spread, spread or Spread()
    solved = design.solve(spread)
    for _ in range(0 if fixed else ROUNDS_OF_EM):
        spread = design.refit(*solved)
        solved = design.solve(spread)
    if not lent:
        solved = design.solve(replace(spread, choice=LOOSE))
    return design.cost(spread, *solved)


class _Design:
    """Who has which column: groups, then choices, then rounds."""

    def __init__(self, gauges: Sequence[Gauge]) -> None:
        self.gauges = gauges
        self.choices = list(dict.fromkeys(gauge.choice for gauge in gauges))
        groups = list(dict.fromkeys(group(choice) for choice in self.choices))
        turns = list(dict.fromkeys(gauge.turn for gauge in gauges))
        self.groups, first = len(groups), len(groups) + len(self.choices)
        column = {choice: len(groups) + at for at, choice in enumerate(self.choices)}
        self.rows = [
            (groups.index(group(g.choice)), column[g.choice], first + turns.index(g.turn))
            for g in gauges
        ]
        self.columns = {choice: (groups.index(group(choice)), column[choice]) for choice in column}
        self.size, self.first_turn = first + len(turns), first
        self.mean = sum(gauge.cpu for gauge in gauges) / max(1, len(gauges))

    def solve(self, spread: Spread) -> tuple[list[float], list[list[float]]]:
        """Effects and their covariance."""
        turns = self.size - self.first_turn
        choices = self.first_turn - self.groups
        prior = (
            [GROUP**-2] * self.groups + [spread.choice**-2] * choices + [spread.turn**-2] * turns
        )
        normal = [[0.0] * self.size for _ in prior]
        for at, precision in enumerate(prior):
            normal[at][at] = precision
        right, weight = [0.0] * self.size, spread.block**-2
        for gauge, row in zip(self.gauges, self.rows, strict=True):
            for one in row:
                right[one] += weight * (gauge.cpu - self.mean)
                for other in row:
                    normal[one][other] += weight
        covariance = inverse(normal)
        effects = [sum(map(float.__mul__, line, right)) for line in covariance]
        return effects, covariance

    def refit(self, effects: list[float], cov: list[list[float]]) -> Spread:
        """One step of expectation and maximisation."""

        def root(found: list[float], start: float) -> float:
            return math.sqrt((sum(found) + WEIGHT * start**2) / (len(found) + WEIGHT))

        own = [effects[at] ** 2 + cov[at][at] for at in range(self.size)]
        noise = [
            (gauge.cpu - self.mean - sum(effects[at] for at in row)) ** 2
            + sum(cov[one][other] for one in row for other in row)
            for gauge, row in zip(self.gauges, self.rows, strict=True)
        ]
        return Spread(
            root(noise, BLOCK),
            root(own[self.first_turn :], TURN),
            root(own[self.groups : self.first_turn], CHOICE),
        )

    def cost(self, spread: Spread, effects: list[float], cov: list[list[float]]) -> Cost:
        """The levels of the choices: their group's and their own effects together."""
        return Cost(
            level={
                choice: self.mean + sum(effects[at] for at in columns)
                for choice, columns in self.columns.items()
            },
            covariance={
                (one, other): sum(cov[a][b] for a in ones for b in others)
                for one, ones in self.columns.items()
                for other, others in self.columns.items()
            },
            spread=spread,
            freedom=float(max(WEIGHT, len(self.gauges) - self.groups)),
        )
