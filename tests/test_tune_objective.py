"""Who is best of those who may win, from levels and blocks that are given."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from grids import Simulated, Surface
from gunitune.model import Unknown
from gunitune.trial import Block, Choice, Latency, Load
from gunitune.tune.estimate import Level, Levels
from gunitune.tune.objective import Aim

FEW, MANY, GREEN = Choice("sync", 2), Choice("sync", 9), Choice("gevent", 3)


def levels(spread: float, **rps: float) -> Levels:
    """By the name of a choice above its requests per second, each as unsure as `spread`."""
    named = {"few": FEW, "many": MANY, "green": GREEN}
    return Levels(
        {
            named[name]: Level(math.log(value), spread**2, 20.0, spread**2, 0.0, 3)
            for name, value in rps.items()
        }
    )


def block(choice: Choice, p99_ms: float | Unknown, rps: float = 200.0) -> Block:
    made = Simulated(Surface()).run(choice, Load(), phase="search", round=0)
    latency = p99_ms if isinstance(p99_ms, Unknown) else Latency(9, *[p99_ms] * 9)
    served = round(rps * made.answered.window_s)
    return replace(made, answered=replace(made.answered, latency=latency, served=served))


def test_of_equals_the_cheapest_wins() -> None:
    winner, ties = Aim().best(levels(0.01, few=100, many=101), [FEW, MANY], {}, MANY)
    assert (winner, ties) == (FEW, (MANY,))


def test_what_can_not_be_told_apart_leaves_what_is_recommended() -> None:
    found = levels(0.2, few=100, many=101)
    assert Aim().untold(found, FEW, MANY)
    winner, ties = Aim().best(found, [FEW, MANY], {}, MANY)
    assert (winner, ties) == (MANY, (FEW,))
    # one that may not win, or is seen to be worse, does not stay
    assert Aim().best(found, [FEW], {}, MANY)[0] == FEW
    assert Aim().best(levels(0.2, few=150, many=100), [FEW, MANY], {}, MANY)[0] == FEW


def test_of_those_that_keep_up_with_arrivals_the_quickest_wins() -> None:
    aim = Aim(paced=True)
    assert aim.ranked_by == "p99"
    found = levels(0.01, few=90, many=100, green=99)
    blocks = {FEW: [block(FEW, 20.0)], MANY: [block(MANY, 80.0)], GREEN: [block(GREEN, 40.0)]}
    merit = aim.merit(found, blocks)
    assert set(merit.level) == {MANY, GREEN}
    assert aim.best(merit, [FEW, MANY, GREEN], blocks)[0] == GREEN
    assert replace(aim, objective="memory").ranked_by == "memory"


def test_where_all_are_too_slow_the_quickest_are_the_nearest() -> None:
    aim = Aim(max_p99_ms=10.0)
    dead = replace(block(FEW, 15.0, 0.0))
    blocks = {FEW: [dead], MANY: [block(MANY, 80.0)], GREEN: [block(GREEN, 40.0)]}
    assert all(aim.bar(own) for own in blocks.values())
    assert aim.nearest(blocks) == [GREEN, MANY]
    assert aim.nearest({MANY: [block(MANY, Unknown("not told"))]}) == []


@pytest.mark.parametrize("paced", [True, False])
def test_the_limit_bars_whatever_ranks(paced: bool) -> None:
    assert "p99 80 ms of 10 ms" in Aim(max_p99_ms=10.0, paced=paced).bar([block(MANY, 80.0)])
