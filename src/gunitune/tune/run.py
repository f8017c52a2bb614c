"""The whole of tuning, step by step: plan, search, finals, closing comparison, result."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.tune.bench import Unwatched
from gunitune.tune.budget import Budget
from gunitune.tune.closing import against, closing
from gunitune.tune.finals import FINALISTS, SHARES, finals
from gunitune.tune.front import front
from gunitune.tune.plan import plan
from gunitune.tune.record import Recorded
from gunitune.tune.remarks import following, notes
from gunitune.tune.result import Tuned
from gunitune.tune.runs import Runs
from gunitune.tune.search import Search
from gunitune.tune.standing import Ranking, compared, model_error
from gunitune.tune.words import limited

if TYPE_CHECKING:
    from gunitune.trial import Choice
    from gunitune.tune.bench import Bench, Watch
    from gunitune.tune.plan import Plan
    from gunitune.tune.result import OpenRun, Ratio
    from gunitune.tune.study import Study
    from gunitune.tune.wanted import Wanted

FINAL_SHARE = 0.1  # of the time is kept back for the finals at most
KEPT_SHARE = 0.4  # of the time at most is kept back from the search for what follows
CANDIDATES = 3  # are compared at most, should one fail in the comparison
REPEATED = 4  # one in so many blocks may be run again for being void


def tune(
    bench: Bench,
    wanted: Wanted,
    *,
    study: Study | None = None,
    watch: Watch | None = None,
    started: float | None = None,
) -> Tuned:
    """Find the best choice by measuring; `started` is when the command began, in bench time.

    Everything that ends is written to `study`, and what it holds already is not run again. Raises
    UsageError for an objective that can't be measured, ServeError where nothing starts.
    """
    begun = bench.now() if started is None else started
    tuning = Tuning(Recorded(bench, study, begun), wanted, watch or Unwatched())
    tuning.search()
    tuning.finals()
    tuning.close()
    return tuning.result(str(study.path) if study else "")


class Tuning:
    """The steps, and what they leave for the next."""

    def __init__(self, bench: Recorded, wanted: Wanted, watch: Watch) -> None:
        self.wanted = wanted
        self.bench = bench
        self.budget = Budget(bench.now, wanted.budget_s)
        repeats = self.budget.blocks(wanted.load) // REPEATED
        self.runs = Runs(bench, self.budget, watch, max(1, repeats))
        self.watch = watch
        self.plan = _plan(wanted)
        self.ranking = self.rank()
        self.opened: tuple[OpenRun, ...] = ()
        self.against: tuple[Ratio, ...] = ()

    def closing_s(self, winner: Choice | None) -> float:
        """Time that the closing comparison takes: every one twice, where there are two."""
        compared = {*self.plan.having("2*cpu+1", "current"), winner or "the winner"}
        return self.budget.cost_s(self.wanted.load, 2 * len(compared) if len(compared) > 1 else 0)

    def search(self) -> None:
        """Closed loop (or the rate asked for): who has the most capacity."""
        wanted = self.wanted
        most_s = self.budget.cost_s(wanted.load, len(SHARES) * FINALISTS)
        finals_s = 0.0 if wanted.load.open else min(most_s, FINAL_SHARE * wanted.budget_s)

        def reserve_s(leader: Choice | None) -> float:
            return min(self.closing_s(leader) + finals_s, KEPT_SHARE * wanted.budget_s)

        found = Search(
            self.runs,
            self.plan,
            wanted.aim,
            wanted.searched,
            supply=wanted.supply,
            random=Random(wanted.seed),  # noqa: S311  (the order of blocks is no secret)
            reserve_s=reserve_s,
        )
        found.run()
        self.levels = found.levels
        self.ranking = self.rank()
        self._check_objective()

    def finals(self) -> None:
        """Open loop: how the finalists answer below their capacity."""
        ranking, load = self.ranking, self.wanted.load
        if ranking.winner is None or load.open:
            return
        best = [ranking.winner, *(c for c in ranking.able if c != ranking.winner)]
        kept_s = self.closing_s(ranking.winner)
        self.opened = finals(
            self.runs, best, load, capacity_rps=ranking.capacity_rps, reserve_s=kept_s
        )
        self.ranking = self.rank()

    def close(self) -> None:
        """The winner against (2*CPU)+1 and the current config; that ratio is what is told.

        One that fails in it is no winner: the next one is compared then, as far as time allows.
        """
        for _ in range(CANDIDATES):
            if (winner := self.ranking.winner) is None:
                return
            self._compare(winner)
            self.ranking = self.rank()
            if winner in self.ranking.able:
                self._crown(winner)
                return
            self.watch.note(f"{winner}: {self.ranking.barred.get(winner, 'failed')}")

    def _compare(self, winner: Choice) -> None:
        wanted, others = self.wanted, compared(self.plan, self.runs)
        self.against = closing(
            self.runs, winner, others, wanted.load, supply=wanted.supply, searched=self.levels
        )

    def _crown(self, winner: Choice) -> None:
        """Of those that were compared, the best by all blocks: the search may be overturned."""
        ranking, wanted = self.ranking, self.wanted
        others = compared(self.plan, self.runs)
        ranking.crown(dict.fromkeys([winner, *others.values()]))
        if ranking.winner and ranking.winner != winner:
            self.watch.note(
                f"after the closing comparison {ranking.winner} wins instead of {winner}"
            )
            self.against = against(
                self.runs,
                ranking.winner,
                others,
                supply=wanted.supply,
                searched=self.levels,
                paced=wanted.load.open,
            )

    def rank(self) -> Ranking:
        """Everybody's place by all blocks so far."""
        wanted = self.wanted
        return Ranking(self.runs, self.plan, wanted.aim, wanted.supply, paced=wanted.load.open)

    def result(self, study: str) -> Tuned:
        """All of it."""
        wanted, ranking, runs = self.wanted, self.ranking, self.runs
        standings = ranking.standings(wanted.predict)
        spent = self.bench.now()
        winner = ranking.winner
        remarks = notes(
            wanted,
            ranking,
            opened=self.opened,
            against=self.against,
            missing=self._missing(),
            spent_s=spent,
        )
        return Tuned(
            host=wanted.host,
            app=wanted.app,
            goal=wanted.goal,
            launch=wanted.launch,
            gunicorn=wanted.gunicorn,
            objective=wanted.objective,
            max_p99_ms=wanted.max_p99_ms,
            load=wanted.load,
            confined=runs.blocks[0].confined if runs.blocks else "",
            standings=standings,
            winner=next((each for each in standings if each.choice == winner), None),
            front=front(standings),
            finals=self.opened,
            against=self.against,
            limited=self._limited(),
            next=tuple(following(wanted, ranking, study)),
            notes=tuple(dict.fromkeys(remarks)),
            blocks=tuple(runs.blocks),
            facts=wanted.facts,
            model_error=model_error(standings),
            budget_s=wanted.budget_s,
            spent_s=spent,
            study=study,
        )

    def _limited(self) -> str:
        ranking, wanted = self.ranking, self.wanted
        if ranking.winner is None:
            return ""
        own = ranking.blocks.get(ranking.winner, [])
        return limited(ranking.winner, own, wanted.supply, ranking.blocks, wanted.facts)

    def _missing(self) -> bool:
        """Whether somebody was not compared in the end."""
        told = {
            ratio.name
            for ratio in self.against
            if ratio.pairs or ratio.choice == self.ranking.winner
        }
        return bool(compared(self.plan, self.runs).keys() - told)

    def _check_objective(self) -> None:
        """Raise UsageError where nothing that the objective needs was measured."""
        ranking, objective = self.ranking, self.wanted.objective
        if objective == "throughput" or not ranking.levels.level or ranking.merit.level:
            return
        raise UsageError(
            f"--objective {objective}: the blocks have no such figure",
            "take the embedded load generator for p99, or another objective",
        )


def _plan(wanted: Wanted) -> Plan:
    return plan(
        wanted.space,
        current=wanted.current,
        recommended=wanted.recommended,
        predict=wanted.predict,
    )
