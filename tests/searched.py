"""What follows a search on simulated apps, and reads its result: test support."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gunitune.trial import Block, Choice
from gunitune.tune.result import Standing, Tuned


@dataclass
class Seen:
    """A view that keeps what it is told."""

    planned_: list[Choice] = field(default_factory=list)
    started_: list[tuple[Choice, str]] = field(default_factory=list)
    ended_: list[Block] = field(default_factory=list)
    leaders: list[tuple[Choice, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def planned(self, choices: Sequence[Choice]) -> None:
        self.planned_ += choices

    def started(self, choice: Choice, phase: str, round: int) -> None:  # noqa: A002, ARG002
        self.started_.append((choice, phase))

    def ended(self, block: Block, leaders: Sequence[tuple[Choice, float]]) -> None:
        self.ended_.append(block)
        self.leaders = list(leaders)

    def note(self, text: str) -> None:
        self.notes.append(text)


def by_role(tuned: Tuned, role: str) -> Standing:
    return next(each for each in tuned.standings if role in each.roles)


def won(tuned: Tuned) -> Choice:
    assert tuned.winner is not None
    return tuned.winner.choice
