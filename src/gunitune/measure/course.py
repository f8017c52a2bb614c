"""Which looks are taken in the time there is, and what came of each."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError
from gunitune.measure.look import KEPT, STOLEN, SlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gunitune.measure.look import Look, Place
    from gunitune.trial import Choice

MOST_ROUNDS = 8
# A look at fewer requests than this says little; slow apps are looked at for longer.
LEAST_SERVED = 40
BRIEF_S = 0.6


@dataclass(frozen=True, slots=True)
class Step:
    """One look to take: what it is for, the choice, how many clients, and how long.

    `seconds` None takes what the course gives to its rounds.
    """

    key: str
    says: str
    choice: Choice
    clients: int
    seconds: float | None = None


@dataclass(slots=True)
class Course:
    """Takes looks until the time is over; keeps what each step showed, or why it showed nothing."""

    place: Place
    budget_s: float
    progress: Callable[[str], None]
    looks: dict[str, list[Look]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    duration_s: float = 0.0
    overheads: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.duration_s = min(2.0, max(0.3, self.budget_s / 30))

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def must(self, step: Step) -> Look:
        """The first look, without which nothing can be told; raises GunituneError.

        An app that answers too seldom for the time of a look is given more of it from here on.
        """
        try:
            look = self._take(step)
        except SlowError:
            self.duration_s = max(self.duration_s, self.budget_s / 8)
            look = self._take(step)
        if look.served < LEAST_SERVED:
            wanted = look.answered.window_s * LEAST_SERVED / look.served
            self.duration_s = max(self.duration_s, min(wanted, self.budget_s / 8))
        return look

    def once(self, steps: Sequence[Step]) -> None:
        """Take each of the steps that there is time for."""
        for step in steps:
            self._try(step)

    def rounds(self, steps: Sequence[Step]) -> None:
        """Repeat the steps in turn, so that what disturbs one disturbs all, while time lasts."""
        for _ in range(MOST_ROUNDS - 1):
            going = [step for step in steps if step.key not in self.failures]
            if not going or sum(map(self._cost_s, going)) > self.budget_s - self.spent_s:
                return
            for step in going:
                self._try(step)

    def of(self, key: str) -> list[Look]:
        """The looks of a step: those that nothing spoils, or all where there is none."""
        found = self.looks.get(key, [])
        return [look for look in found if not look.void] or found

    def lost(self, key: str) -> str:
        """Why a step has no looks."""
        return self.failures.get(key, "not looked at")

    def remarks(self) -> tuple[str, ...]:
        """What the reader should know of the looks: what disturbed them, and what was odd."""
        looks = [look for some in self.looks.values() for look in some]
        found = {look.note: None for look in looks if look.note}
        for look in looks:
            own = (why for why in look.void if why not in (STOLEN, KEPT))
            found |= {f"{look.choice}: {why}": None for why in own}
        for why in (STOLEN, KEPT):
            if count := sum(why in look.void for look in looks):
                said = f"{why} in {count} of {len(looks)} looks: measure again when it is quieter"
                found[said] = None
        return tuple(found)

    def _try(self, step: Step) -> None:
        if self._cost_s(step) > self.budget_s - self.spent_s:
            if step.key not in self.looks:
                self.failures.setdefault(step.key, "there was no time left for it: give --budget")
            return
        try:
            self._take(step)
        except GunituneError as error:
            self.failures[step.key] = error.message

    def _take(self, step: Step) -> Look:
        self.progress(step.says)
        began = time.monotonic()
        seconds = self.duration_s if step.seconds is None else step.seconds
        look = self.place.look(step.choice, step.clients, seconds)
        self.overheads.append(max(0.0, time.monotonic() - began - seconds))
        self.looks.setdefault(step.key, []).append(look)
        return look

    def _cost_s(self, step: Step) -> float:
        seconds = self.duration_s if step.seconds is None else step.seconds
        return seconds + (fmean(self.overheads) if self.overheads else 0.0)


def clients_for(ratio: float, least: int, most: int) -> int:
    """So many clients that a worker which overlaps all its waiting would be busy with them.

    `ratio` is waiting / computing: 1 + ratio requests keep one CPU busy, two and a half times as
    many do so whatever the spread of the times.
    """
    return min(most, max(least, math.ceil(2.5 * (1 + ratio))))
