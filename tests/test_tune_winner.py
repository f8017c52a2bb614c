"""Who may win and who does, on simulated apps: errors, limits, ties, what does not start."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from grids import SURFACES, Simulated, Surface, wanted
from gunitune.errors import UsageError
from gunitune.model import MIB, Unknown
from gunitune.serve.failure import ServeError
from gunitune.trial import Block, Choice, Load
from gunitune.tune.lattice import everything
from gunitune.tune.run import tune
from gunitune.tune.space import Memory
from searched import Seen, by_role, won


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
        cheaper = each.memory_bytes * 1.06 < tuned.winner.memory_bytes
        assert cheaper == ("too seldom or too uneven" in each.why)
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
    steady = [each.choice for each in tuned.standings if "no more memory" in each.why]
    assert steady
    assert all(won(tuned).workers <= choice.workers for choice in ties if choice in steady)
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

    tuned = tune(Sometimes(Surface(), seed=2), request)
    best = max(Surface().expected(choice, 32) for choice in everything(request.space))
    assert Surface().expected(won(tuned), 32) >= 0.93 * best


def test_a_rate_that_many_hold_is_won_by_the_cheapest() -> None:
    surface = Surface()
    request = wanted(surface, load=Load(concurrency=32, rps=60.0))
    tuned = tune(Simulated(surface), request)
    assert won(tuned).workers <= 2
    assert surface.rps(won(tuned), 32) >= 57
    assert any("open loop already" in text for text in tuned.notes)
    assert tuned.limited.startswith("the load: 60 requests per second")


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


def test_where_all_is_disturbed_all_the_time_blocks_are_soon_repeated_no_more() -> None:
    request = wanted()

    @dataclass
    class Stolen(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            block = Simulated.run(self, choice, load, phase=phase, round=round)
            return replace(block, void=("the hypervisor took a third",))

    bench = Stolen(Surface(), seed=2)
    tuned = tune(bench, request)
    repeated = len(bench.ran) - len(set(bench.ran))
    assert repeated <= 6
    best = max(Surface().expected(choice, 32) for choice in everything(request.space))
    assert Surface().expected(won(tuned), 32) >= 0.93 * best
    assert any("has no valid block" in text for text in tuned.notes)
