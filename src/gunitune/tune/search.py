"""Which choices are worth the next blocks: rounds, halving, neighbours, and when to stop."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

from gunitune.tune.estimate import Levels, levels
from gunitune.tune.lattice import neighbours

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from gunitune.trial import Block, Choice, Load
    from gunitune.tune.gauge import Supply
    from gunitune.tune.objective import Aim
    from gunitune.tune.plan import Plan
    from gunitune.tune.runs import Runs

WORTH = 1.03  # what a contender must still be able to win by to be run again
FIRST = 0.5  # of the blocks for searching go to the first round,
FIRST_LEAST = 7  # but so many if there are: one look at each kind comes before a second one
FEW = 3  # survivors are not halved below
SETTLED_FROM = 2  # blocks of the leader
NEIGHBOURS = 6  # at most, of one round
MOST_ROUNDS = 20
OWN_CLASS = 2  # failures of a class that never started, and the rest of it is barred


class Search:
    """Rounds over the survivors: every one once a round, in random order.

    `reserve_s` tells how many seconds are kept back for what comes after, by who wins so far.
    """

    def __init__(  # noqa: PLR0913  (what a search is made of)
        self,
        runs: Runs,
        plan: Plan,
        aim: Aim,
        load: Load,
        *,
        supply: Supply,
        random: Random,
        reserve_s: Callable[[Choice | None], float],
    ) -> None:
        self.runs = runs
        self.plan = plan
        self.aim = aim
        self.load = load
        self.budget = runs.budget
        self.supply = supply
        self.random = random
        self.reserve_s = reserve_s
        self.levels = Levels()
        self.leader: Choice | None = None
        self.tried: list[Choice] = []
        self.explored: set[Choice] = set()
        self.settled = False
        self.rounds = 0

    def run(self) -> None:
        """Search until no contender can win by more than is worth it, or the time is up."""
        survivors = self.first()
        while survivors and self.rounds < MOST_ROUNDS and not self.settled:
            if not self.round(survivors):
                break
            fresh = self.widen()
            survivors = self.thin(len(fresh)) + fresh
        self.levels = self.fit()

    def first(self) -> list[Choice]:
        """Who always takes part, the model's picks, and as much of the lattice as time allows."""
        left = self.left()
        room = max(math.floor(FIRST * left), min(FIRST_LEAST, left))
        musts = self.plan.having("2*cpu+1", "recommended", "current", "default")
        picks = self.plan.having("model")
        rest = list(self.plan.roles)
        wanted = [*musts, *picks, *rest[: max(FEW, room) + len(self.plan.refused)]]
        able = [c for c in dict.fromkeys(wanted) if c not in self.plan.refused]
        kept = able[: max(room, len(musts))]
        for choice in rest:
            if choice not in kept and choice not in musts:
                self.plan.roles.pop(choice)
        return kept

    def round(self, choices: list[Choice]) -> bool:
        """Run each once in random order; False where the time did not do for all."""
        self.runs.watch.planned(choices)
        order = self.random.sample(choices, len(choices))
        if self.rounds == 0:  # what is compared with in the end must have been tried
            order.sort(key=self._precedence)
        for choice in order:
            if self.left() < 1 and (self.rounds or self.runs.blocks):
                return False
            if choice not in self.tried:
                self.tried.append(choice)
            if not self.hopeless(choice):
                self.runs.block(choice, self.load, "search", self.rounds)
        self.rounds += 1
        self.levels = self.fit()
        return True

    def _precedence(self, choice: Choice) -> int:
        """First those that are compared in the end, then what is recommended."""
        if choice in self.plan.having("2*cpu+1", "current"):
            return 0
        return 1 if choice in self.plan.having("recommended") else 2

    def left(self) -> int:
        """Blocks that the time allows for."""
        return self.budget.blocks(self.load, self.reserve_s(self.leader))

    def hopeless(self, choice: Choice) -> bool:
        """Whether the class never started: what its others said then holds for this one too."""
        name = choice.worker_class
        failures = [why for other, why in self.runs.failed.items() if other.worker_class == name]
        started = any(block.choice.worker_class == name for block in self.runs.blocks)
        if choice in self.runs.failed or started or len(failures) < OWN_CLASS:
            return choice in self.runs.failed
        self.runs.failed[choice] = failures[0]
        return True

    def fit(self) -> Levels:
        """Levels from every block of the search that counts."""
        blocks = chain.from_iterable(self.counted().values())
        return levels(blocks, self.supply, paced=self.load.open)

    def counted(self) -> dict[Choice, list[Block]]:
        """The blocks that count, without the choices that must be run again first."""
        pending = self.runs.pending("search")
        found = self.runs.counted("search")
        return {choice: own for choice, own in found.items() if choice not in pending}

    def ranked(self) -> tuple[Levels, list[Choice]]:
        """The merit of all choices, and those that may win, best first."""
        blocks = self.counted()
        merit = self.aim.merit(self.levels, blocks)
        able = [choice for choice in merit.level if not self.aim.bar(blocks[choice])]
        return merit, sorted(able, key=lambda choice: merit.level[choice].value, reverse=True)

    def thin(self, fresh: int) -> list[Choice]:
        """The contenders worth another round: of the unbeaten the best half, or what time allows.

        One that was left out comes back when the leader turns out to be less than it seemed.
        """
        merit, able = self.ranked()
        pending = self.runs.pending("search")
        self.leader = self._sure(merit, able)
        if not able:
            return pending
        leader = able[0]
        open_ = [c for c in able if c != leader and merit.ratio(c, leader).high >= WORTH]
        known = merit.level[leader].blocks >= SETTLED_FROM
        self.settled = known and not open_ and not fresh and not pending
        left = self.left() - fresh
        most = max(FEW, min(math.ceil(len(self.tried) / 2**self.rounds), left // 2), left // 4)
        return [leader, *open_][:most] + pending

    def _sure(self, merit: Levels, able: list[Choice]) -> Choice | None:
        """Who wins by all so far; None while a tie with another may still become the winner."""
        recommended = next(iter(self.plan.having("recommended")), None)
        winner, ties = self.aim.best(merit, able, self.counted(), recommended)
        compared = self.plan.having("2*cpu+1", "current")
        return winner if all(choice in compared for choice in ties) else None

    def widen(self) -> list[Choice]:
        """The leader's untried neighbours, once for each leader; without one, the nearest's."""
        _, able = self.ranked()
        near_miss = able or self.aim.nearest(self.counted())
        leaders = near_miss[:1] if self.left() < 2 * NEIGHBOURS else near_miss[:2]
        found: list[Choice] = []
        for leader in leaders:
            if leader in self.explored:
                continue
            self.explored.add(leader)
            near = neighbours(self.plan.space, leader)
            found += [c for c in near if c not in self.tried and c not in found]
        found = found[: min(NEIGHBOURS, self.left() // 2)]
        for choice in found:
            self.plan.add("neighbour", choice)
        return found
