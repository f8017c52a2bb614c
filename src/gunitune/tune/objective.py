"""What is wanted of a choice, who may not win, and who is best of those who may."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.trial import Latency
from gunitune.tune.estimate import Level, Levels
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gunitune.trial import Block, Choice
    from gunitune.tune.result import Objective

# Closer than this to the best is equal, if the interval allows it.
EQUAL: Mapping[str, float] = {"throughput": 0.02, "p99": 0.05, "memory": 0.02}
NO_LIMIT = Unknown("no limit")
ENOUGH = 0.9  # of the best throughput: what the least memory must still serve
KEEPS_UP = 0.97  # of the most that is served of arrivals that come by themselves
# A better one by less than this, within an interval this wide, is not told from another.
UNTOLD, WIDE = 1.05, 1.3
PRIOR: Mapping[str, float] = {"p99": 0.15, "memory": 0.03}  # spread of a block (natural logarithm)
PRIOR_WEIGHT = 3.0
# Requests that may fail without a word: a reset in thousands says nothing of a choice.
FEW_FAILURES, FAILURE_SHARE = 2, 0.001


@dataclass(frozen=True, slots=True)
class Aim:
    """The objective with its limits.

    `paced`: arrivals come by themselves. All that keep up with them serve the same, so that the
    quickest of them is best.
    """

    objective: Objective = "throughput"
    max_p99_ms: float | None = None
    memory_bytes: int | Unknown = NO_LIMIT
    paced: bool = False

    @property
    def ranked_by(self) -> Objective:
        """What decides between two that may both win."""
        return "p99" if self.paced and self.objective == "throughput" else self.objective

    def bar(self, blocks: Sequence[Block]) -> str:
        """Why these blocks of a choice forbid it to win; "" where they don't."""
        if why := failing([(block, block.answered.errors) for block in blocks]):
            return why
        if blocks and not any(block.answered.served for block in blocks):
            return "it served nothing"
        memory = memory_of(blocks)
        limit = self.memory_bytes
        if isinstance(memory, int) and isinstance(limit, int) and memory > limit:
            return f"{format_size(memory)} of memory of {format_size(limit)}"
        p99 = quantile_of(blocks, "p99_ms")
        if self.max_p99_ms is not None and not isinstance(p99, Unknown) and p99 > self.max_p99_ms:
            return f"p99 {format_number(round(p99))} ms of {format_number(self.max_p99_ms)} ms"
        return ""

    def nearest(self, blocks: Mapping[Choice, Sequence[Block]]) -> list[Choice]:
        """Where nothing may win: those that only answer too slowly, the quickest first."""
        slow = replace(self, max_p99_ms=None)
        found = {
            choice: quantile_of(own, "p99_ms")
            for choice, own in blocks.items()
            if not slow.bar(own)
        }
        known = {choice: p99 for choice, p99 in found.items() if not isinstance(p99, Unknown)}
        return sorted(known, key=lambda choice: known[choice])

    def merit(self, levels: Levels, blocks: Mapping[Choice, Sequence[Block]]) -> Levels:
        """What is to be as high as can be, for every choice that the levels hold."""
        if self.ranked_by == "throughput" or not levels.level:
            return levels
        if self.ranked_by == "p99":
            able = _serving(levels, blocks, KEEPS_UP) if self.paced else blocks
            return _plain(able, "p99", lambda block: _latency(block, "p99_ms"))
        enough = _serving(levels, blocks, ENOUGH)
        return _plain(enough, "memory", lambda block: memory_of([block]))

    def best(
        self,
        merit: Levels,
        eligible: Iterable[Choice],
        blocks: Mapping[Choice, Sequence[Block]],
        recommended: Choice | None = None,
    ) -> tuple[Choice | None, tuple[Choice, ...]]:
        """The winner, and who ties with it: of equals within the noise the cheapest wins.

        A standard deviation less than its mean speaks for each: what differs from start to start
        (connections hoarded by one worker) or was hardly run is a promise that is not kept. What is
        recommended stays where the blocks say next to nothing against it.
        """
        able = [choice for choice in eligible if choice in merit.level]
        if not able:
            return None, ()
        leader = max(able, key=lambda choice: _surely(merit, choice))
        equals = [choice for choice in able if self.ties(merit, choice, leader)]
        least = _surely(merit, leader) + math.log(1 - EQUAL[self.ranked_by])
        sure = [choice for choice in equals if _surely(merit, choice) >= least]
        winner = min(sure, key=lambda choice: expense(choice, blocks.get(choice, ())))
        if recommended in able and self.untold(merit, winner, recommended):
            winner = recommended
        return winner, tuple(choice for choice in equals if choice != winner)

    def untold(self, merit: Levels, one: Choice, other: Choice) -> bool:
        """Whether the blocks can't tell two apart: about equal, by an interval that is wide."""
        found = merit.ratio(one, other)
        return one != other and found.value < UNTOLD and found.high > WIDE * found.low

    def ties(self, merit: Levels, choice: Choice, leader: Choice) -> bool:
        """Whether nothing worth having lies between the two."""
        found = merit.ratio(choice, leader)
        return found.high >= 1 and found.value >= 1 - EQUAL[self.ranked_by]


def failing(seen: Iterable[tuple[Block, Mapping[str, int]]]) -> str:
    """Why these failures, by kind, of these blocks are too many; "" where they are not."""
    pairs = list(seen)
    kinds = {kind for _, errors in pairs for kind, count in errors.items() if count}
    failed = sum(sum(errors.values()) for _, errors in pairs)
    asked = failed + sum(block.answered.served for block, _ in pairs)
    if (failed <= FEW_FAILURES and failed < asked) or failed <= FAILURE_SHARE * asked:
        return ""
    logged = next(
        (block.raised for block, errors in pairs if block.raised and any(errors.values())), ""
    )
    said = f"; its log: {logged}" if logged else ""
    return f"{failed} of {asked} requests failed ({', '.join(sorted(kinds))}{said})"


def _surely(merit: Levels, choice: Choice) -> float:
    """The merit less one standard deviation of the choice's own."""
    level = merit.level[choice]
    return level.value - math.sqrt(level.variance)


def expense(choice: Choice, blocks: Sequence[Block]) -> tuple[int, int, int, int]:
    """Memory (in steps of 5 %), then processes, threads, and Gunicorn's own default last."""
    memory = memory_of(blocks)
    steps = round(math.log(max(memory, 1)) / 0.05) if isinstance(memory, int) else 0
    return steps, choice.workers, choice.threads, choice.worker_connections or 0


def memory_of(blocks: Iterable[Block]) -> int | Unknown:
    """The most that the server was seen to take."""
    found: int | Unknown = Unknown("not measured")
    for block in blocks:
        for seen in (block.usage.peak_bytes, block.usage.pss_bytes):
            if isinstance(seen, int):
                found = max(seen, found if isinstance(found, int) else 0)
                break
            found = seen if isinstance(found, Unknown) else found
    return found


def quantile_of(blocks: Iterable[Block], name: str) -> float | Unknown:
    """Geometric mean over the blocks of a quantile of latency, in milliseconds."""
    seen = [_latency(block, name) for block in blocks if block.answered.served]
    known = [value for value in seen if not isinstance(value, Unknown)]
    if not known:
        return next((value for value in seen if isinstance(value, Unknown)), Unknown("no block"))
    return math.exp(sum(math.log(max(value, 1e-6)) for value in known) / len(known))


def _serving(
    levels: Levels, blocks: Mapping[Choice, Sequence[Block]], share: float
) -> dict[Choice, Sequence[Block]]:
    """The blocks of those that serve so much of the best throughput."""
    best = max(levels.level, key=lambda choice: levels.level[choice].value)
    return {
        choice: own
        for choice, own in blocks.items()
        if choice in levels.level and levels.ratio(choice, best).value >= share
    }


def _latency(block: Block, name: str) -> float | Unknown:
    latency = block.answered.latency
    return float(getattr(latency, name)) if isinstance(latency, Latency) else latency


def _plain(
    blocks: Mapping[Choice, Sequence[Block]],
    objective: str,
    measure: Callable[[Block], float | Unknown],
) -> Levels:
    """Levels of what is to be low, from plain means of logarithms."""
    values: dict[Choice, list[float]] = {}
    for choice, own in blocks.items():
        seen = [measure(block) for block in own if block.answered.served]
        if known := [
            -math.log(max(value, 1e-6)) for value in seen if not isinstance(value, Unknown)
        ]:
            values[choice] = known
    means = {choice: sum(known) / len(known) for choice, known in values.items()}
    squares = sum((v - means[choice]) ** 2 for choice, known in values.items() for v in known)
    freedom = PRIOR_WEIGHT + sum(len(known) - 1 for known in values.values())
    variance = (PRIOR[objective] ** 2 * PRIOR_WEIGHT + squares) / freedom
    return Levels(
        {
            choice: Level(means[choice], variance / len(known), freedom, variance, 0.0, len(known))
            for choice, known in values.items()
        }
    )
