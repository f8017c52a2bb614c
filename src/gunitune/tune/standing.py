"""How every choice fared: its numbers, its fate and why."""

from __future__ import annotations

import math
from itertools import chain
from statistics import median
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.trial import Estimate
from gunitune.tune.estimate import levels
from gunitune.tune.objective import expense, failing, memory_of, quantile_of
from gunitune.tune.result import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gunitune.trial import Block, Choice
    from gunitune.tune.bench import Predict
    from gunitune.tune.gauge import Supply
    from gunitune.tune.objective import Aim
    from gunitune.tune.plan import Plan
    from gunitune.tune.runs import Runs

NOT_RUN = Estimate(0.0, 0.0, 0.0, "not run", 0)
# Failures that are no more than too many arrivals, from this share of a choice's own capacity on.
OVERLOAD, LOADED = ("timeout", "unanswered"), 0.95
FATES = ("winner", "tie", "dropped", "beaten", "barred")


class Ranking:
    """All choices judged by the blocks in closed loop (search and closing), and by the finals."""

    def __init__(self, runs: Runs, plan: Plan, aim: Aim, supply: Supply, *, paced: bool) -> None:
        self.runs = runs
        self.plan = plan
        self.aim = aim
        self.blocks = runs.counted("search", "closing")
        self.finals = runs.counted("final")
        self.levels = levels(chain.from_iterable(self.blocks.values()), supply, paced=paced)
        self.merit = aim.merit(self.levels, self.blocks)
        self.barred = self._barred()
        able = [choice for choice in self.merit.level if choice not in self.barred]
        self.able = sorted(able, key=lambda choice: self.merit.level[choice].value, reverse=True)
        self.recommended = next(iter(plan.having("recommended")), None)
        self.winner, self.tied = aim.best(self.merit, self.able, self.blocks, self.recommended)

    def _barred(self) -> dict[Choice, str]:
        found = self.plan.refused | self.runs.failed
        for choice, own in self.blocks.items():
            if why := self.aim.bar(own) or self._failed(choice):
                found = {**found, choice: why}
        return found

    def _failed(self, choice: Choice) -> str:
        """Why it failed in the finals; not by arrivals that are more than it can serve at all.

        A disturbed run had less of the machine than its capacity was told on.
        """
        level = self.levels.level.get(choice)
        most = math.inf if level is None else LOADED * math.exp(level.value)
        seen = [
            (
                block,
                _not_of(OVERLOAD if block.void or (block.load.rps or 0.0) > most else (), block),
            )
            for block in self.finals.get(choice, ())
        ]
        why = failing(seen)
        return f"{why} under open load" if why else ""

    @property
    def capacity_rps(self) -> float:
        """The best throughput of those that may win; 0 where none may."""
        found = [self.levels.level[choice].value for choice in self.able]
        return math.exp(max(found)) if found else 0.0

    def crown(self, compared: Iterable[Choice]) -> None:
        """Let one of these win that may: a ratio can be told only of who was compared."""
        able = [choice for choice in compared if choice in self.able]
        best, _ = self.aim.best(self.merit, able, self.blocks, self.recommended)
        if best:
            self.winner = best
            self.tied = tuple(
                choice
                for choice in self.able
                if choice != best and self.aim.ties(self.merit, choice, best)
            )

    def standings(self, predict: Predict | None) -> tuple[Standing, ...]:
        """Of every choice that took part, best first."""
        taken = [
            choice for choice in self.plan.roles if choice in self.blocks or choice in self.barred
        ]
        found = [self._standing(choice, predict) for choice in taken]
        place = {choice: at for at, choice in enumerate(self.able)}
        found.sort(
            key=lambda own: (
                own.fate == "barred",
                own.fate != "winner",
                place.get(own.choice, len(place)),
                -own.rps.value,
            )
        )
        return tuple(found)

    def _standing(self, choice: Choice, predict: Predict | None) -> Standing:
        own = self.blocks.get(choice, [])
        known = choice in self.levels.level
        fate, why = self._fate(choice)
        return Standing(
            choice=choice,
            roles=self.plan.roles[choice],
            blocks=len(own),
            rps=self.levels.estimate(choice) if known else NOT_RUN,
            raw_rps=median([block.rps for block in own]) if own else 0.0,
            p50_ms=quantile_of(own, "p50_ms"),
            p99_ms=quantile_of(own, "p99_ms"),
            memory_bytes=memory_of(own),
            errors=sum(block.answered.failed for block in own),
            cpu_ms=_mean([block.cpu_ms for block in own if block.answered.served]),
            cores=_mean([block.usage.cores for block in own]),
            fate=fate,
            why=why,
            predicted=predict(choice) if predict else None,
        )

    def _why_not(self, choice: Choice, winner: Choice) -> str:
        """Why one of equals did not win."""
        if winner == self.recommended and self.aim.untold(self.merit, choice, winner):
            return "not told apart from the winner, which is what is recommended"
        own, best = (expense(each, self.blocks.get(each, ())) for each in (choice, winner))
        if own >= best:
            return "within the noise of the winner, which needs no more memory or processes"
        return "within the noise of the winner, but run too seldom or too uneven to rely on"

    def _fate(self, choice: Choice) -> tuple[str, str]:
        if choice in self.barred:
            return "barred", self.barred[choice]
        if choice == self.winner:
            return "winner", ""
        if self.winner is None or choice not in self.merit.level:
            too_little = "for the least memory to count"
            paced = self.aim.paced
            return "beaten", f"it serves too little {'of the arrivals' if paced else too_little}"
        found = self.merit.ratio(choice, self.winner)
        if choice in self.tied:
            return "tie", self._why_not(choice, self.winner)
        if found.high < 1:
            return "beaten", ""
        reach = f"{_percent(found.low)} to {_percent(found.high)}"
        return "dropped", f"left early at {_percent(found.value)} of the winner ({reach})"


def _not_of(kinds: Sequence[str], block: Block) -> dict[str, int]:
    """The failures of a block that are of no such kind."""
    return {kind: count for kind, count in block.answered.errors.items() if kind not in kinds}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"


def model_error(standings: Sequence[Standing]) -> float | Unknown:
    """Median of |predicted / measured - 1| over the choices that were run and predicted."""
    errors = [
        abs(own.predicted.rps / own.rps.value - 1)
        for own in standings
        if own.predicted and own.rps.value > 0
    ]
    return median(errors) if errors else Unknown("nothing was predicted")


def compared(plan: Plan, runs: Runs) -> Mapping[str, Choice]:
    """Whom the winner is held against: (2*CPU)+1 and the current config, where they can run."""
    found = {}
    for role in ("2*cpu+1", "current"):
        for choice in plan.having(role):
            if choice not in runs.failed and choice not in plan.refused:
                found[role] = choice
    return found
