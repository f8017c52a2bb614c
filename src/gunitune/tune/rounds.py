"""What all choices have in common in one round: a disk or a service that was slower just then.

The host's speed is taken out already by the CPU time per request; what is left of a round and holds
for all its blocks is a random effect, drawn to nothing as far as few blocks tell of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gunitune.trial import Choice

Turn = tuple[str, int]  # phase and round
# Standard deviation (natural logarithm) to start from, with the weight of so many rounds.
SPREAD, WEIGHT = 0.04, 3.0
SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """Log throughput of one block, the weight that it has, and its round."""

    value: float
    weight: float
    turn: Turn


@dataclass(frozen=True, slots=True)
class Rounds:
    """The effect of each round, and its variance."""

    effect: Mapping[Turn, float] = field(default_factory=dict)
    variance: Mapping[Turn, float] = field(default_factory=dict)

    def free(self, seen: Seen) -> float:
        """The value without what its round had in common."""
        return seen.value - self.effect.get(seen.turn, 0.0)

    def between(self, one: Mapping[Turn, float], other: Mapping[Turn, float]) -> float:
        """Variance that two means differ by for being of other rounds; shares of each round."""
        turns = one.keys() | other.keys()
        return sum(
            (one.get(turn, 0.0) - other.get(turn, 0.0)) ** 2 * self.variance.get(turn, 0.0)
            for turn in turns
        )


def rounds(of: Mapping[Choice, list[Seen]], noise: Mapping[Choice, float]) -> Rounds:
    """Fit choices (each its level) and rounds (random) together; `noise` is a block's variance."""
    by_turn: dict[Turn, list[tuple[Choice, Seen]]] = {}
    for choice, blocks in of.items():
        for seen in blocks:
            by_turn.setdefault(seen.turn, []).append((choice, seen))
    if len(by_turn) < 2:
        return Rounds()
    effect = dict.fromkeys(by_turn, 0.0)
    variance = dict.fromkeys(by_turn, SPREAD**2)
    found, spread = Rounds(effect, variance), SPREAD**2
    for _ in range(SWEEPS):
        for turn, own in by_turn.items():  # each with what is known of the others by now
            effect[turn], variance[turn] = _solved(turn, own, (of, noise), found, spread)
        squares = sum(effect[turn] ** 2 + variance[turn] for turn in by_turn)
        spread = (WEIGHT * SPREAD**2 + squares) / (WEIGHT + len(by_turn))
    return found


def _solved(
    turn: Turn,
    own: Sequence[tuple[Choice, Seen]],
    known: tuple[Mapping[Choice, list[Seen]], Mapping[Choice, float]],
    found: Rounds,
    spread: float,
) -> tuple[float, float]:
    """One round's effect and variance, the others' given; each choice's level follows with it."""
    of, noise = known
    precision, pull = 1 / spread, 0.0
    before = found.effect[turn]
    for choice, seen in own:
        trust = seen.weight / noise[choice]
        follows = seen.weight / sum(other.weight for other in of[choice])
        precision += trust * (1 - follows)
        pull += trust * (seen.value - mean(of[choice], found) - follows * before)
    return pull / precision, 1 / precision


def mean(blocks: Iterable[Seen], found: Rounds) -> float:
    """Weighted mean of what is left without the rounds."""
    pairs = [(found.free(seen), seen.weight) for seen in blocks]
    return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)


def shares(blocks: list[Seen]) -> dict[Turn, float]:
    """What part of a choice's weight each round has."""
    whole = sum(seen.weight for seen in blocks)
    found: dict[Turn, float] = {}
    for seen in blocks:
        found[seen.turn] = found.get(seen.turn, 0.0) + seen.weight / whole
    return found
