"""The whole of tuning on simulated apps: real starts would take hours and have no known best."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

from grids import SURFACES, Simulated, Surface, model, wanted
from gunitune.model import Unknown
from gunitune.trial import Block, Choice, Load
from gunitune.tune.bench import Unwatched
from gunitune.tune.lattice import everything
from gunitune.tune.record import Recorded
from gunitune.tune.run import Tuning, tune
from searched import Seen, by_role, won

CURRENT = Choice("gthread", 3, 4)
RECOMMENDED = Choice("gevent", 3)


@pytest.mark.parametrize("name", SURFACES)
def test_the_winner_is_nearly_the_best_of_all_settings(name: str) -> None:
    surface = SURFACES[name]
    request = wanted(surface)
    tuned = tune(Simulated(surface, seed=3), request)
    able = [c for c in everything(request.space) if c.worker_class not in surface.fails]
    best = max(surface.expected(choice, 32) for choice in able)
    assert surface.expected(won(tuned), 32) >= 0.93 * best


def test_on_a_quiet_machine_the_winner_is_within_two_percent_of_the_best() -> None:
    for surface in SURFACES.values():
        request = wanted(surface, budget_s=400)
        bench = Simulated(surface, speed_sd=0.005, turn_sd=0.005)
        able = [c for c in everything(request.space) if c.worker_class not in surface.fails]
        best = max(surface.expected(choice, 32) for choice in able)
        found = won(tune(bench, request))
        assert surface.expected(found, 32) >= 0.965 * best, found


@pytest.mark.parametrize("budget_s", [0.0, 5.0, 20.0, 45.0, 90.0, 180.0, 400.0])
def test_the_budget_is_overshot_by_one_block_at_most(budget_s: float) -> None:
    for seed in range(3):
        bench = Simulated(Surface(), seed=seed)
        tuned = tune(bench, wanted(budget_s=budget_s, current=CURRENT, seed=seed))
        longest = 1 + 0.1 * 17 + 0.5 + 4 + 0.5
        assert tuned.spent_s == pytest.approx(bench.clock)
        assert tuned.spent_s <= budget_s + longest
        assert tuned.blocks


def test_time_before_the_first_block_counts() -> None:
    bench = Simulated(Surface())
    bench.clock = 100.0
    tuned = tune(bench, wanted(budget_s=150), started=0.0)
    assert 100 < tuned.spent_s < 160


def test_those_who_always_take_part_do() -> None:
    request = wanted(current=CURRENT, recommended=RECOMMENDED)
    tuned = tune(Simulated(Surface()), request)
    roles = ("2*cpu+1", "current", "recommended", "default")
    assert [by_role(tuned, role).choice for role in roles] == [
        Choice("sync", 5),
        CURRENT,
        RECOMMENDED,
        Choice("sync", 1),
    ]
    assert all(by_role(tuned, role).blocks for role in roles)
    assert {ratio.name for ratio in tuned.against} == {"2*cpu+1", "current"}


def test_the_finals_are_open_loop_at_three_shares_and_the_closing_goes_to_and_fro() -> None:
    bench = Simulated(Surface())
    tuned = tune(bench, wanted(budget_s=500, current=CURRENT))
    assert [run.share for run in tuned.finals[:3]] == [0.5, 0.7, 0.85]
    assert all(run.errors == 0 for run in tuned.finals)
    assert tuned.finals[0].served_rps <= tuned.finals[0].offered_rps * 1.02
    line = [choice for phase, _, choice in bench.ran if phase == "closing"]
    assert len(line) >= 6
    assert line[3:6] == line[2::-1]
    assert line[1:3] == [Choice("sync", 5), CURRENT]


def test_the_ratio_told_holds_the_true_one() -> None:
    inside = 0
    for seed in range(10):
        surface = Surface()
        tuned = tune(Simulated(surface, seed=seed), wanted(surface, seed=seed))
        thumb = next(ratio for ratio in tuned.against if ratio.name == "2*cpu+1")
        true = surface.expected(won(tuned), 32) / surface.expected(thumb.choice, 32)
        inside += thumb.low <= true <= thumb.high
        assert thumb.pairs >= 1
    assert inside >= 8


def test_the_winner_compared_with_itself_is_one() -> None:
    surface = SURFACES["cpu"]
    tuned = tune(Simulated(surface), wanted(surface, classes=("sync",), current=Choice("sync", 5)))
    if won(tuned) == Choice("sync", 5):
        assert {(each.ratio, each.low, each.high) for each in tuned.against} == {(1.0, 1.0, 1.0)}
    assert {each.name for each in tuned.against} == {"2*cpu+1", "current"}


def test_no_time_is_kept_for_a_comparison_of_one_with_itself() -> None:
    request = wanted(current=CURRENT)
    made = Tuning(Recorded(Simulated(Surface()), None, 0.0), request, Unwatched())
    thumb = Choice("sync", 5)
    three, two = made.closing_s(Choice("gevent", 3)), made.closing_s(thumb)
    assert three == pytest.approx(1.5 * two)
    alone = Tuning(Recorded(Simulated(Surface()), None, 0.0), wanted(), Unwatched())
    assert alone.closing_s(thumb) == 0
    assert alone.closing_s(None) == pytest.approx(two)


def test_where_all_are_too_slow_the_search_goes_on_beside_the_quickest() -> None:
    bench = Simulated(Surface())
    tuned = tune(bench, wanted(max_p99_ms=0.1, budget_s=300))
    assert tuned.winner is None
    tried = {choice for _, _, choice in bench.ran}
    assert any("neighbour" in item.roles for item in tuned.standings if item.choice in tried)


def test_when_time_is_short_the_finals_go_before_the_closing_comparison() -> None:
    bench = Simulated(Surface())
    tuned = tune(bench, wanted(budget_s=60))
    assert not any(phase == "final" for phase, _, _ in bench.ran)
    assert tuned.against
    assert any("no finals" in text for text in tuned.notes)


def test_whoever_watches_sees_every_block_and_the_leaders() -> None:
    seen = Seen()
    bench = Simulated(Surface())
    tuned = tune(bench, wanted(), watch=seen)
    assert tuple(seen.ended_) == tuned.blocks
    assert len(seen.started_) == len(bench.ran)
    assert Choice("sync", 5) in seen.planned_
    assert seen.leaders == sorted(seen.leaders, key=lambda pair: -pair[1])
    assert all(math.isfinite(rps) for _, rps in seen.leaders)


def test_predicted_stands_beside_measured_with_the_models_error() -> None:
    surface = Surface()
    exact = model(surface, 32)
    tuned = tune(Simulated(surface), wanted(surface, predict=exact))
    assert isinstance(tuned.model_error, float)
    assert 0 <= tuned.model_error < 0.6
    assert all(each.predicted is not None for each in tuned.standings)
    none = tune(Simulated(surface), wanted(surface, predict=None))
    assert isinstance(none.model_error, Unknown)
    assert not any("model" in each.roles for each in none.standings)


def test_the_same_seed_gives_the_same_study() -> None:
    one = tune(Simulated(Surface(), seed=4), wanted(seed=4))
    other = tune(Simulated(Surface(), seed=4), wanted(seed=4))
    assert one.standings == other.standings
    assert one.blocks == other.blocks


def test_neighbours_of_the_leader_join() -> None:
    tuned = tune(Simulated(Surface()), wanted(predict=None))
    assert any("neighbour" in each.roles for each in tuned.standings)


def test_the_search_stops_early_when_nothing_is_left_to_win() -> None:
    surface = SURFACES["io, gevent blocks"]
    bench = Simulated(surface, speed_sd=0.002, turn_sd=0.0)
    tuned = tune(bench, wanted(surface, budget_s=3000))
    assert tuned.spent_s < 1500


@dataclass
class Late(Simulated):
    """A bench whose gevent fails requests from the closing comparison on."""

    def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
        block = Simulated.run(self, choice, load, phase=phase, round=round)
        if phase != "closing" or choice.worker_class != "gevent":
            return block
        return replace(block, answered=replace(block.answered, errors={"reset": 300}))


def test_a_winner_that_fails_in_the_closing_comparison_makes_room_for_the_next() -> None:
    seen = Seen()
    tuned = tune(Late(Surface()), wanted(current=CURRENT, budget_s=400), watch=seen)
    barred = [each for each in tuned.standings if "requests failed (reset)" in each.why]
    assert barred
    assert won(tuned) not in [each.choice for each in barred]
    assert any("requests failed (reset)" in text for text in seen.notes)


def test_the_closing_comparison_may_overturn_the_search() -> None:
    @dataclass
    class Fading(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            faded = phase == "closing" and choice.worker_class == "gevent"
            self.surface = replace(Surface(), blocks=faded)
            return Simulated.run(self, choice, load, phase=phase, round=round)

    seen = Seen()
    current = Choice("gthread", 2, 16)
    tuned = tune(Fading(Surface(), speed_sd=0.01), wanted(current=current), watch=seen)
    assert won(tuned) == current
    assert any(f"{current} wins instead of gevent" in text for text in seen.notes)
    ratios = {ratio.name: ratio for ratio in tuned.against}
    assert ratios["current"].ratio == 1.0
    assert ratios["2*cpu+1"].low > 2


def test_a_budget_for_hardly_anything_says_what_is_missing() -> None:
    tuned = tune(Simulated(Surface()), wanted(budget_s=1.0, current=CURRENT))
    assert len(tuned.blocks) == 1
    assert any("closing comparison is not complete" in text for text in tuned.notes)
