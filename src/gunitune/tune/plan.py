"""Who takes part, and why: those that always do, the model's picks, the lattice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.trial import Choice
from gunitune.tune.lattice import everything, lattice, neighbours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.trial import Prediction
    from gunitune.tune.bench import Predict
    from gunitune.tune.result import Role
    from gunitune.tune.space import Space

PICKS = 4
EQUAL = 0.01  # predictions closer than this are one


@dataclass(slots=True)
class Plan:
    """The choices with their roles, those that must be tried first; and whom the guards refuse."""

    space: Space
    roles: dict[Choice, tuple[Role, ...]] = field(default_factory=dict)
    refused: dict[Choice, str] = field(default_factory=dict)

    def add(self, role: Role, choice: Choice, *, must: bool = False) -> None:
        """Let a choice take part; one that takes part already gets one more role."""
        if reason := self.space.refusal(choice, must=must):
            self.refused[choice] = reason
        self.roles[choice] = tuple(dict.fromkeys((*self.roles.get(choice, ()), role)))

    def having(self, *roles: Role) -> list[Choice]:
        """The choices with any of these roles, in order."""
        return [choice for choice, own in self.roles.items() if set(own) & set(roles)]


def plan(
    space: Space,
    *,
    current: Choice | None = None,
    recommended: Choice | None = None,
    predict: Predict | None = None,
) -> Plan:
    """All that could take part in the first round, in the order of what a trial of it tells."""
    made = Plan(space)
    made.add("2*cpu+1", Choice(space.plain, space.rule_of_thumb), must=True)
    if recommended:
        made.add("recommended", recommended, must=True)
    if current:
        made.add("current", current, must=True)
    made.add("default", Choice(space.plain, 1), must=True)
    for choice in picks(space, predict, tuple(made.roles)) if predict else ():
        made.add("model", choice)
    for choice in lattice(space):
        made.add("lattice", choice)
    return made


def picks(space: Space, predict: Predict, taken: Sequence[Choice] = ()) -> list[Choice]:
    """About four that the model expects most of, no two alike: of each class the best, then on.

    Of those it expects the same of, the one with the fewest processes and threads; what takes part
    anyway and its neighbours are not picked again.
    """
    expected = {choice: predict(choice) for choice in everything(space)}
    able = {choice: found for choice, found in expected.items() if found and found.feasible}
    ranked = sorted(able, key=lambda choice: _merit(able[choice]), reverse=True)
    found: list[Choice] = []
    for fresh_class in (True, False):
        for choice in ranked:
            known = {other.worker_class for other in found}
            if len(found) == PICKS or (fresh_class and choice.worker_class in known):
                continue
            if choice not in found and not _near(space, choice, found):
                found.append(choice)
    return [choice for choice in found if choice not in taken]


def _merit(prediction: Prediction) -> tuple[float, int, int]:
    """Throughput in steps of a percent, then few processes, then few threads."""
    from math import log

    choice = prediction.choice
    steps = round(log(max(prediction.rps, 1e-9)) / EQUAL)
    return steps, -choice.workers, -choice.threads


def _near(space: Space, choice: Choice, others: list[Choice]) -> bool:
    return any(choice in neighbours(space, other) for other in others)
