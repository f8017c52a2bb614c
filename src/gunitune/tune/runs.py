"""Runs blocks, repeats the void ones, and keeps what came of each choice."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from gunitune.serve.failure import AnswerError, ServeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.errors import GunituneError
    from gunitune.trial import Block, Choice, Load
    from gunitune.tune.bench import Watch
    from gunitune.tune.budget import Budget
    from gunitune.tune.record import Recorded

REPEATS = 2  # of one void block
ENOUGH = 6  # blocks, to tell whether the machine is disturbed all the time
FAILURES = 3  # from the start without one block, and it is not for the choices


class Runs:
    """All blocks so far, and the choices that failed to start, with the reason.

    `repeats` is how many void blocks may be run again, all in all.
    """

    def __init__(self, bench: Recorded, budget: Budget, watch: Watch, repeats: int) -> None:
        self.bench = bench
        self.budget = budget
        self.watch = watch
        self.blocks: list[Block] = []
        self.failed: dict[Choice, str] = {}
        self.repeats = repeats

    def block(self, choice: Choice, load: Load, phase: str, turn: int) -> Block | None:
        """One block, repeated while void as far as that is worth it; None where none started."""
        for _ in range(REPEATS + 1):
            block = self._once(choice, load, phase, turn)
            if block is None or not block.void or self.budget.over or not self.worth_repeating:
                break
            self.repeats -= 1
            self.watch.note(f"{choice}: repeated: {'; '.join(block.void)}")
        return block

    @property
    def worth_repeating(self) -> bool:
        """Whether a void block is likely to come out better: not where most of them are void."""
        void = sum(bool(block.void) for block in self.blocks)
        return self.repeats > 0 and (len(self.blocks) < ENOUGH or void <= len(self.blocks) / 2)

    def counted(self, *phases: str) -> dict[Choice, list[Block]]:
        """By choice the blocks that count: the valid ones; where there are none, the void ones."""
        found: dict[Choice, list[Block]] = defaultdict(list)
        for block in self.blocks:
            if block.phase in phases:
                found[block.choice].append(block)
        return {
            choice: [block for block in own if not block.void] or own
            for choice, own in found.items()
        }

    def pending(self, *phases: str) -> list[Choice]:
        """The choices with nothing but void blocks, so few that another may be better."""
        if not self.worth_repeating:
            return []
        counted = self.counted(*phases)
        return [c for c, own in counted.items() if own[0].void and len(own) <= REPEATS]

    def _once(self, choice: Choice, load: Load, phase: str, turn: int) -> Block | None:
        self.watch.started(choice, phase, turn)
        try:
            block = self.bench.run(choice, load, phase=phase, round=turn)
        except (ServeError, AnswerError) as error:
            self._fail(choice, error)
            return None
        self.budget.took(self.bench.took, load)
        self.blocks.append(block)
        self.watch.ended(block, self.leaders())
        return block

    def _fail(self, choice: Choice, error: GunituneError) -> None:
        """Bar the choice; raises the error where nothing at all starts."""
        self.failed[choice] = error.message
        self.watch.note(f"{choice}: {error.message}")
        if len(self.failed) >= FAILURES and not self.blocks:
            raise error

    def leaders(self) -> Sequence[tuple[Choice, float]]:
        """Requests per second of each choice as its blocks had it, best first: for who watches."""
        found = [
            (choice, math.exp(sum(math.log(max(b.rps, 1e-9)) for b in own) / len(own)))
            for choice, own in self.counted("search").items()
        ]
        return sorted(found, key=lambda pair: pair[1], reverse=True)
