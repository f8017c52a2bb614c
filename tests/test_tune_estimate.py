"""The estimator on simulated blocks, where the truth is known: what is taken out, what is left."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids import Simulated, Surface
from gunitune.model import Unknown
from gunitune.trial import Block, Choice, Load
from gunitune.tune.budget import Budget
from gunitune.tune.closing import against
from gunitune.tune.cost import Spread, cost, group
from gunitune.tune.elasticity import elasticity
from gunitune.tune.estimate import Levels, levels
from gunitune.tune.gauge import Supply, gauges
from gunitune.tune.linear import inverse, student
from gunitune.tune.record import Recorded
from gunitune.tune.runs import Runs
from searched import Seen

SUPPLY = Supply(2.0, 2.0)
LOAD = Load(concurrency=32, duration_s=2.0)
CPU = Surface(cpu_ms=5, wait_ms=0.2)
CHOICES = (
    Choice("sync", 2),
    Choice("sync", 5),
    Choice("sync", 9),
    Choice("gthread", 2, 4),
    Choice("gthread", 2, 16),
    Choice("gevent", 2),
    Choice("gevent", 5),
)


def measured(bench: Simulated, rounds: int, choices: Sequence[Choice] = CHOICES) -> list[Block]:
    return [
        bench.run(choice, LOAD, phase="search", round=turn)
        for turn in range(rounds)
        for choice in choices
    ]


def plain(blocks: Sequence[Block]) -> dict[Choice, float]:
    seen: dict[Choice, list[float]] = defaultdict(list)
    for block in blocks:
        seen[block.choice].append(math.log(block.rps))
    return {choice: statistics.mean(values) for choice, values in seen.items()}


def truth(surface: Surface, one: Choice, other: Choice) -> float:
    return math.log(surface.expected(one, 32) / surface.expected(other, 32))


def test_ratios_are_nearer_to_the_truth_than_plain_means_are() -> None:
    ours, theirs = [], []
    for seed in range(20):
        blocks = measured(Simulated(CPU, seed=seed), 2)
        fitted, means = levels(blocks, SUPPLY), plain(blocks)
        for one, other in combinations(CHOICES, 2):
            true = truth(CPU, one, other)
            ours.append((math.log(fitted.ratio(one, other).value) - true) ** 2)
            theirs.append((means[one] - means[other] - true) ** 2)
    assert statistics.mean(ours) < 0.5 * statistics.mean(theirs)


@pytest.mark.parametrize("surface", [CPU, Surface(), Surface(pool=12)])
@pytest.mark.parametrize("rounds", [1, 3])
def test_intervals_hold_the_truth_at_least_as_often_as_they_say(
    surface: Surface, rounds: int
) -> None:
    held = []
    for seed in range(12):
        fitted = levels(measured(Simulated(surface, seed=seed), rounds), SUPPLY)
        for one, other in combinations(CHOICES, 2):
            found = fitted.ratio(one, other)
            held.append(math.log(found.low) <= truth(surface, one, other) <= math.log(found.high))
    assert statistics.mean(held) > 0.93


def test_choices_of_one_class_are_told_apart_better_than_their_throughput_varies() -> None:
    one, other = Choice("sync", 5), Choice("sync", 9)
    blocks = measured(Simulated(CPU, seed=1), 4)
    found = levels(blocks, SUPPLY).ratio(one, other)
    rps = {(block.choice, block.round): math.log(block.rps) for block in blocks}
    differences = [rps[one, turn] - rps[other, turn] for turn in range(4)]
    plain_reach = student(0.975, 3) * statistics.stdev(differences) / 2
    assert math.log(found.high / found.low) / 2 < 0.8 * plain_reach


def test_blocks_that_disagree_make_a_wide_interval() -> None:
    steady = levels(measured(Simulated(CPU, seed=3), 5), SUPPLY)
    bimodal = levels(measured(Simulated(replace(CPU, hoards=True), seed=3), 5), SUPPLY)
    choice = Choice("gthread", 2, 16)
    narrow, wide = steady.estimate(choice), bimodal.estimate(choice)
    assert wide.high / wide.low > 1.3 * narrow.high / narrow.low
    untouched = bimodal.estimate(Choice("sync", 5))
    assert untouched.high / untouched.low < 1.2 * narrow.high / narrow.low


def test_cpus_taken_by_neighbours_are_taken_out_and_make_unsure() -> None:
    disturbed = {("search", 1): 1.0}
    calm = levels(measured(Simulated(CPU, seed=2), 3), SUPPLY)
    blurred = levels(measured(Simulated(CPU, seed=2, other=disturbed), 3), SUPPLY)
    for choice in CHOICES:
        assert blurred.estimate(choice).value == pytest.approx(
            calm.estimate(choice).value, rel=0.15
        )


def test_neighbours_that_take_only_what_idles_change_nothing() -> None:
    surface = Surface(cpu_ms=0.2, wait_ms=100)
    choices = (Choice("sync", 2), Choice("sync", 5))
    blocks = measured(Simulated(surface, seed=2), 3, choices)
    spinning = [
        replace(block, usage=replace(block.usage, other_cpu_s=1.9 * 2.0)) for block in blocks[2:4]
    ]
    fitted = levels([*blocks[:2], *spinning, *blocks[4:]], SUPPLY)
    for choice in choices:
        assert fitted.estimate(choice).value == pytest.approx(surface.expected(choice, 32), rel=0.1)


def test_a_host_that_stood_still_for_a_moment_does_not_count_for_much() -> None:
    surface = Surface()
    choices = (Choice("sync", 2), Choice("sync", 5), Choice("sync", 9))
    blocks = measured(Simulated(surface, seed=2), 5, choices)
    halted = replace(
        blocks[1], answered=replace(blocks[1].answered, served=blocks[1].answered.served // 2)
    )
    fitted = levels([blocks[0], halted, *blocks[2:]], SUPPLY)
    true = surface.expected(Choice("sync", 5), 32)
    assert fitted.estimate(Choice("sync", 5)).value == pytest.approx(true, rel=0.08)


def test_without_cpu_times_nothing_is_estimated_and_nothing_fails() -> None:
    blocks = [
        replace(block, usage=replace(block.usage, cpu_s=0.0))
        for block in measured(Simulated(CPU), 1)
    ]
    assert levels(blocks, SUPPLY).level == {}


def test_what_served_nothing_has_no_level() -> None:
    blocks = measured(Simulated(CPU), 1)
    dead = replace(blocks[0], answered=replace(blocks[0].answered, served=0))
    assert CHOICES[0] not in levels([dead, *blocks[1:]], SUPPLY).level


def test_neighbours_that_can_not_be_told_are_taken_for_none() -> None:
    block = measured(Simulated(CPU), 1)[0]
    unknown = replace(block, usage=replace(block.usage, other_cpu_s=Unknown("no /proc/stat")))
    assert SUPPLY.left(unknown) == 2.0


def test_time_that_the_hypervisor_took_was_not_left_to_the_server() -> None:
    block = measured(Simulated(CPU), 1)[0]
    stolen = replace(block, usage=replace(block.usage, steal_s=1.0, other_cpu_s=0.5))
    assert SUPPLY.left(stolen) == pytest.approx(1.25)


def test_a_generator_with_cpus_of_its_own_is_not_beside_the_server() -> None:
    block = measured(Simulated(CPU), 1)[0]
    busy = replace(block, answered=replace(block.answered, generator_cpu_s=1.0))
    assert Supply(2.0, 2.0).beside(busy) == pytest.approx(0.5)
    assert Supply(1.0, 2.0).beside(busy) == 0.0
    assert Supply(2.0, 2.0, apart=True).beside(busy) == 0.0


def test_a_ratio_with_itself_is_one_and_sure() -> None:
    fitted = levels(measured(Simulated(CPU), 2), SUPPLY)
    found = fitted.ratio(CHOICES[0], CHOICES[0])
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_no_blocks_no_levels() -> None:
    assert levels([], SUPPLY) == Levels()


def test_paced_arrivals_are_not_brought_to_any_speed() -> None:
    blocks = measured(Simulated(CPU), 2)
    fitted = levels(blocks, SUPPLY, paced=True)
    assert {level.bound for level in fitted.level.values()} == {0.0}
    means = plain(blocks)
    for choice in CHOICES:
        assert fitted.level[choice].value == pytest.approx(means[choice], abs=0.01)


def test_noise_known_from_before_narrows_a_comparison_of_few_blocks() -> None:
    searched = levels(measured(Simulated(CPU, seed=1, speed_sd=0.01), 6), SUPPLY)
    few = measured(Simulated(CPU, seed=9, speed_sd=0.01), 2, CHOICES[:2])
    alone, helped = levels(few, SUPPLY), levels(few, SUPPLY, searched)
    wide, narrow = (found.ratio(*CHOICES[:2]) for found in (alone, helped))
    assert narrow.high / narrow.low < wide.high / wide.low


@dataclass(frozen=True)
class Apart(Surface):
    """Two choices of one class that cost unlike."""

    def cost_ms(self, choice: Choice) -> float:
        return 4.0 if choice.workers == 2 else 5.0


@pytest.mark.parametrize("turns", [2, 8])
def test_without_what_is_lent_within_a_class_a_ratio_in_it_holds_the_truth(turns: int) -> None:
    surface, pair = Apart(wait_ms=0.2), CHOICES[:2]
    held, off = [], []
    for seed in range(60):
        blocks = measured(Simulated(surface, seed=seed), turns, pair)
        found = levels(blocks, SUPPLY, lent=False).ratio(*pair)
        true = truth(surface, *pair)
        held.append(math.log(found.low) <= true <= math.log(found.high))
        off.append(math.log(found.value) - true)
    assert statistics.mean(held) > 0.9
    assert abs(statistics.mean(off)) < 0.035


def test_the_ratio_that_is_told_lends_nothing_within_a_class() -> None:
    surface, (one, other) = Apart(wait_ms=0.2), CHOICES[:2]
    true, off = truth(surface, one, other), []
    for seed in range(40):
        runs = Runs(
            Recorded(Simulated(surface, seed=seed), None, 0.0), Budget(lambda: 0.0, 900), Seen(), 0
        )
        for turn in range(2):
            for choice in (one, other):
                runs.block(choice, LOAD, "closing", turn)
        found = against(runs, one, {"other": other}, supply=SUPPLY, searched=Levels(), paced=False)
        off.append(math.log(found[0].ratio) - true)
    assert abs(statistics.mean(off)) < 0.05


@pytest.mark.parametrize(
    ("waits", "workers"), [(1.0, 2), (3.0, 3), (9.0, 9), (9.0, 20), (3.0, 12), (1.0, 4), (99.0, 64)]
)
def test_elasticity_is_that_of_the_queueing_model_told_from_how_busy_it_is(
    waits: float, workers: int
) -> None:
    surface = Surface(cpu_ms=4, wait_ms=4 * waits)
    choice = Choice("sync", workers)
    base, faster = surface.rps(choice, 64), surface.rps(choice, 64, 1.02)
    true = math.log(faster / base) / math.log(1.02)
    busy = base * surface.cost_ms(choice) / 1000 / 2.0
    assert elasticity(busy, workers, 2.0) == pytest.approx(true, abs=0.05)


def test_elasticity_is_none_where_nothing_is_busy_and_whole_where_all_is() -> None:
    for inside in (1, 2, 30, 3000):
        assert elasticity(0.0, inside, 2.0) == pytest.approx(0.0, abs=0.01)
        assert elasticity(1.0, inside, 2.0) == 1.0
        assert elasticity(1.3, inside, 2.0) == 1.0
    assert elasticity(0.3, 1, 1.0) == 0.3


def test_cost_is_shrunk_to_the_group_and_less_so_with_more_blocks() -> None:
    few = gauges(measured(Simulated(CPU, seed=5), 1), SUPPLY)
    many = gauges(measured(Simulated(CPU, seed=5), 8), SUPPLY)
    one, eight = cost(few), cost(many)
    choice = CHOICES[1]
    assert eight.covariance[choice, choice] < one.covariance[choice, choice]
    assert one.covariance[CHOICES[0], CHOICES[1]] > one.covariance[CHOICES[0], CHOICES[6]]


def test_a_spread_that_is_handed_in_is_kept() -> None:
    found = gauges(measured(Simulated(CPU), 2), SUPPLY)
    spread = Spread(0.2, 0.1, 0.05)
    assert cost(found, spread).spread == spread
    assert cost(found).spread != spread


def test_the_spread_found_follows_the_hosts() -> None:
    quiet = cost(gauges(measured(Simulated(CPU, speed_sd=0.01, turn_sd=0.01), 8), SUPPLY))
    noisy = cost(gauges(measured(Simulated(CPU, speed_sd=0.3, turn_sd=0.01), 8), SUPPLY))
    assert quiet.spread.block < 0.08
    assert noisy.spread.block > 0.2


def test_capped_connections_are_a_group_of_their_own() -> None:
    assert group(Choice("gthread", 2, 4, 4)) != group(Choice("gthread", 2, 4))
    assert group(Choice("gthread", 2, 4, 4)) == group(Choice("gthread", 3, 8, 8))


# Student's t, 97.5 %, from the tables.
@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (6, 2.447), (10, 2.228), (30, 2.042)],
)
def test_students_t_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(0.975, freedom) == pytest.approx(quantile, rel=0.002)


@given(st.lists(st.floats(-2, 2), min_size=9, max_size=9))
def test_a_matrix_times_its_inverse_is_one(values: list[float]) -> None:
    half = [values[at : at + 3] for at in (0, 3, 6)]
    matrix = [
        [sum(a * b for a, b in zip(one, other, strict=True)) + (one is other) for other in half]
        for one in half
    ]
    found = inverse(matrix)
    for at, row in enumerate(matrix):
        for to in range(3):
            product = sum(row[k] * found[k][to] for k in range(3))
            assert product == pytest.approx(float(at == to), abs=1e-6)
