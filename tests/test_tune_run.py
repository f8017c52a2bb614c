"""The whole of tuning on simulated apps: real starts would take hours and have no known best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from grids import SURFACES, Simulated, Surface, model, wanted
from gunitune.errors import UsageError
from gunitune.model import MIB, Unknown
from gunitune.serve.failure import ServeError
from gunitune.trial import Block, Choice, Load
from gunitune.tune.lattice import everything
from gunitune.tune.result import Standing, Tuned
from gunitune.tune.run import tune
from gunitune.tune.space import Memory

CURRENT = Choice("gthread", 3, 4)
RECOMMENDED = Choice("gevent", 3)


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


def test_a_choice_with_errors_never_wins_however_fast() -> None:
    surface = Surface(errors={"gevent": 0.2})
    tuned = tune(Simulated(surface), wanted(surface))
    assert won(tuned).worker_class != "gevent"
    barred = [each for each in tuned.standings if each.choice.worker_class == "gevent"]
    assert barred
    assert {each.fate for each in barred} == {"barred"}
    assert all("requests failed (status 500)" in each.why for each in barred)
    assert not any(choice.worker_class == "gevent" for choice in tuned.front)


def test_nobody_wins_where_all_fail_requests_and_it_is_said_what_to_do() -> None:
    surface = Surface(errors={"gevent": 0.1, "gthread": 0.1, "sync": 0.1})
    tuned = tune(Simulated(surface), wanted(surface))
    assert tuned.winner is None
    assert not tuned.against
    assert tuned.front == ()
    assert any("--expect-status" in text for text in tuned.next)


def test_a_class_that_does_not_start_is_barred_with_the_reason_and_soon_left_alone() -> None:
    surface = Surface(fails=frozenset({"gevent"}))
    bench = Simulated(surface)
    tuned = tune(bench, wanted(surface))
    tried = [choice for _, _, choice in bench.ran if choice.worker_class == "gevent"]
    barred = [each for each in tuned.standings if each.choice.worker_class == "gevent"]
    assert len(tried) == 2
    assert len(barred) > 2
    assert {each.why for each in barred} == {"class gevent not found"}
    assert {each.rps.n for each in barred} == {0}


def test_where_nothing_starts_the_reason_is_raised() -> None:
    surface = Surface(fails=frozenset({"gevent", "sync", "gthread"}))
    with pytest.raises(ServeError, match="not found"):
        tune(Simulated(surface), wanted(surface))


def test_of_equals_the_one_with_least_memory_wins_and_the_others_are_ties() -> None:
    surface = SURFACES["io, database pool of 12"]
    tuned = tune(Simulated(surface, seed=5), wanted(surface, budget_s=400))
    ties = [each for each in tuned.standings if each.fate == "tie"]
    assert ties
    assert tuned.winner is not None
    assert isinstance(tuned.winner.memory_bytes, int)
    for each in ties:
        assert isinstance(each.memory_bytes, int)
        assert tuned.winner.memory_bytes <= each.memory_bytes * 1.06
        assert each.rps.value >= tuned.winner.rps.value * 0.95


def test_the_highest_p99_allowed_bars_the_others() -> None:
    surface = SURFACES["cpu"]
    tuned = tune(Simulated(surface), wanted(surface, max_p99_ms=200.0))
    barred = [each for each in tuned.standings if each.fate == "barred"]
    assert tuned.winner is not None
    assert isinstance(tuned.winner.p99_ms, float)
    assert tuned.winner.p99_ms <= 200
    assert any(each.why.startswith("p99 ") for each in barred)


def test_a_p99_that_nobody_holds_leaves_no_winner() -> None:
    tuned = tune(Simulated(Surface()), wanted(max_p99_ms=1.0))
    assert tuned.winner is None
    assert any("--max-p99" in text for text in tuned.next)


def test_unknown_latency_bars_nobody_and_is_told() -> None:
    tuned = tune(Simulated(Surface(), latency=False), wanted(max_p99_ms=1.0))
    assert tuned.winner is not None
    assert isinstance(tuned.winner.p99_ms, Unknown)
    assert any("wrk does not tell it" in text for text in tuned.notes)
    assert tuned.finals == ()


def test_unknown_memory_lets_fewer_processes_decide() -> None:
    surface = SURFACES["io, database pool of 12"]
    tuned = tune(Simulated(surface, memory=False), wanted(surface, budget_s=400))
    ties = [each.choice for each in tuned.standings if each.fate == "tie"]
    assert ties
    assert all(won(tuned).workers <= choice.workers for choice in ties)
    assert tuned.winner is not None
    assert isinstance(tuned.winner.memory_bytes, Unknown)
    assert tuned.front


def test_least_p99_is_another_winner_than_most_throughput() -> None:
    surface = SURFACES["cpu"]
    most = tune(Simulated(surface, speed_sd=0.01, turn_sd=0.0), wanted(surface))
    least = tune(Simulated(surface, speed_sd=0.01, turn_sd=0.0), wanted(surface, objective="p99"))
    assert won(most).worker_class == "gevent"
    assert won(least).worker_class != "gevent"


def test_p99_can_not_be_the_objective_where_nothing_tells_it() -> None:
    with pytest.raises(UsageError, match="--objective p99"):
        tune(Simulated(Surface(), latency=False), wanted(objective="p99"))


def test_least_memory_still_serves_nine_tenths_of_the_best() -> None:
    surface = Surface()
    tuned = tune(
        Simulated(surface, speed_sd=0.01), wanted(surface, objective="memory", budget_s=400)
    )
    best = max(each.rps.value for each in tuned.standings)
    assert tuned.winner is not None
    assert tuned.winner.rps.value >= 0.88 * best
    assert won(tuned).workers == 2
    little = [each for each in tuned.standings if each.why.startswith("it serves too little")]
    assert little


def test_more_memory_than_the_limit_bars() -> None:
    surface = Surface(worker_bytes=400 * MIB)
    request = wanted(surface, classes=("sync",))
    request = replace(
        request,
        host=replace(request.host, memory_bytes=2000 * MIB),
        space=replace(request.space, memory=Memory(2000 * MIB, worker=10 * MIB)),
    )
    tuned = tune(Simulated(surface), request)
    assert won(tuned).workers <= 4
    assert "of memory of" in by_role(tuned, "2*cpu+1").why


def test_a_guard_that_is_sure_keeps_even_the_rule_of_thumb_from_starting() -> None:
    surface = Surface(worker_bytes=400 * MIB)
    request = wanted(surface)
    memory = Memory(1500 * MIB, worker=400 * MIB, sure=True)
    bench = Simulated(surface)
    tuned = tune(bench, replace(request, space=replace(request.space, memory=memory)))
    assert max(choice.workers for _, _, choice in bench.ran) <= 3
    thumb = by_role(tuned, "2*cpu+1")
    assert (thumb.fate, thumb.blocks) == ("barred", 0)
    assert "not started: 5 workers need about 2" in thumb.why
    assert tuned.against == ()


def test_void_blocks_are_repeated_a_few_times_and_then_counted_with_a_note() -> None:
    noisy = Choice("sync", 5)
    seen = Seen()
    bench = Simulated(Surface(), void={noisy: "the hypervisor took it"})
    tuned = tune(bench, wanted(), watch=seen)
    first = [choice for phase, turn, choice in bench.ran if (phase, turn) == ("search", 0)]
    assert first.count(noisy) == 3
    assert by_role(tuned, "2*cpu+1").blocks >= 3
    assert any("has no valid block" in text for text in tuned.notes)
    assert any("blocks were void: the hypervisor took it" in text for text in tuned.notes)
    assert any("repeated" in text for text in seen.notes)


def test_valid_blocks_alone_count_where_there_are_any() -> None:
    request = wanted()

    @dataclass
    class Sometimes(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            block = Simulated.run(self, choice, load, phase=phase, round=round)
            if len(self.ran) % 3:
                return block
            answered = replace(block.answered, served=block.answered.served // 4)
            return replace(block, answered=answered, void=("a neighbour",))

    tuned = tune(Sometimes(Surface()), request)
    best = max(Surface().expected(choice, 32) for choice in everything(request.space))
    assert Surface().expected(won(tuned), 32) >= 0.93 * best


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


def test_when_time_is_short_the_finals_go_before_the_closing_comparison() -> None:
    bench = Simulated(Surface())
    tuned = tune(bench, wanted(budget_s=60))
    assert not any(phase == "final" for phase, _, _ in bench.ran)
    assert tuned.against
    assert any("no finals" in text for text in tuned.notes)


def test_a_rate_that_many_hold_is_won_by_the_cheapest() -> None:
    surface = Surface()
    request = wanted(surface, load=Load(concurrency=32, rps=60.0))
    tuned = tune(Simulated(surface), request)
    assert won(tuned).workers <= 2
    assert surface.rps(won(tuned), 32) >= 57
    assert any("open loop already" in text for text in tuned.notes)
    assert tuned.limited.startswith("the load: 60 requests per second")


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
        return replace(block, answered=replace(block.answered, errors={"reset": 3}))


def test_a_winner_that_fails_in_the_closing_comparison_loses_to_whom_it_was_compared_with() -> None:
    seen = Seen()
    tuned = tune(Late(Surface()), wanted(current=CURRENT), watch=seen)
    assert won(tuned) == CURRENT
    assert any(f"{CURRENT} wins instead of gevent" in text for text in seen.notes)
    ratios = {ratio.name: ratio for ratio in tuned.against}
    assert ratios["current"].ratio == 1.0
    assert ratios["2*cpu+1"].ratio > 1.2
    assert any("3 of" in each.why for each in tuned.standings if each.fate == "barred")


def test_a_finalist_that_fails_in_open_loop_does_not_win() -> None:
    @dataclass
    class Paced(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            block = Simulated.run(self, choice, load, phase=phase, round=round)
            if load.rps is None or choice.worker_class != "gevent":
                return block
            return replace(block, answered=replace(block.answered, errors={"timeout": 9}))

    tuned = tune(Paced(Surface()), wanted(budget_s=400))
    barred = [each for each in tuned.standings if "under open load" in each.why]
    assert barred
    assert won(tuned) not in [each.choice for each in barred]


def test_a_budget_for_hardly_anything_says_what_is_missing() -> None:
    tuned = tune(Simulated(Surface()), wanted(budget_s=1.0, current=CURRENT))
    assert len(tuned.blocks) == 1
    assert any("closing comparison is not complete" in text for text in tuned.notes)


def test_blocks_that_serve_nothing_leave_no_winner() -> None:
    @dataclass
    class Dead(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            block = Simulated.run(self, choice, load, phase=phase, round=round)
            return replace(block, answered=replace(block.answered, served=0))

    tuned = tune(Dead(Surface()), wanted())
    assert tuned.winner is None
    assert {each.why for each in tuned.standings} == {"it served nothing"}
    assert {each.rps.value for each in tuned.standings} == {0.0}
