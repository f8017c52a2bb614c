"""Who may win and who does, on simulated apps: errors, limits, ties, what does not start."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

import gunitune.tune.closing
from grids import SURFACES, Simulated, Surface, wanted
from gunitune.errors import GunituneError, UsageError
from gunitune.model import MIB, Unknown
from gunitune.serve.failure import ServeError
from gunitune.trial import Block, Choice, Load
from gunitune.tune.budget import Budget
from gunitune.tune.closing import MOST_TURNS
from gunitune.tune.lattice import everything
from gunitune.tune.objective import Aim
from gunitune.tune.plan import plan
from gunitune.tune.record import Recorded
from gunitune.tune.result import Objective
from gunitune.tune.run import tune
from gunitune.tune.runs import Runs
from gunitune.tune.space import Memory
from gunitune.tune.standing import Ranking
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
    said = [text for text in tuned.notes if "disturbed" in text or "no valid block" in text]
    assert said[0] == (
        "every block was disturbed: the hypervisor took a third: repeat on a quieter machine"
    )
    assert any("2*cpu+1: all" in text for text in said[1:])
    assert not any("no valid block" in text for text in said)


@pytest.mark.parametrize(
    ("served", "errors", "barred"),
    [
        (6000, {"reset": 1}, False),
        (50, {"reset": 2}, False),
        (6000, {"status 500": 6}, False),
        (6000, {"status 500": 7}, True),
        (600, {"status 500": 3}, True),
        (0, {"refused": 1}, True),
    ],
)
def test_a_share_of_failed_requests_bars_and_a_few_in_thousands_do_not(
    served: int, errors: dict[str, int], *, barred: bool
) -> None:
    block = Simulated(Surface()).run(Choice("sync", 2), Load(), phase="search", round=0)
    block = replace(block, answered=replace(block.answered, served=served, errors=errors))
    assert ("requests failed" in Aim().bar([block])) is barred


@dataclass
class Timing(Simulated):
    """A bench whose sync fails requests in open loop, of the kind that `kind` says."""

    kind: str = "timeout"

    def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
        block = Simulated.run(self, choice, load, phase=phase, round=round)
        if load.rps is None:
            return block
        return replace(block, answered=replace(block.answered, errors={self.kind: 90}))


@pytest.mark.parametrize(
    ("kind", "share", "barred"),
    [("timeout", 1.5, False), ("timeout", 0.5, True), ("status 500", 1.5, True)],
)
@pytest.mark.parametrize("disturbed", [False, True])
def test_more_arrivals_than_a_choice_can_serve_do_not_bar_it_in_the_finals(
    kind: str, share: float, *, barred: bool, disturbed: bool
) -> None:
    choice, surface = Choice("sync", 2), Surface()
    request = wanted(surface)
    bench = Timing(surface, kind=kind, void={choice: "a neighbour"} if disturbed else {})
    barred = barred and not (disturbed and kind == "timeout")
    runs = Runs(Recorded(bench, None, 0.0), Budget(lambda: 0.0, 900), Seen(), 0)
    for turn in range(3):
        runs.block(choice, Load(concurrency=32), "search", turn)
    runs.block(choice, Load(rps=share * surface.expected(choice, 32)), "final", 0)
    ranking = Ranking(runs, plan(request.space), Aim(), request.supply, paced=False)
    assert (choice in ranking.barred) is barred


@dataclass
class Disturbed(Simulated):
    """A bench that is disturbed in one phase."""

    phase: str = "closing"

    def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
        block = Simulated.run(self, choice, load, phase=phase, round=round)
        return replace(block, void=("a neighbour",)) if phase == self.phase else block


def test_a_ratio_that_rests_on_disturbed_pairs_alone_says_so() -> None:
    calm = tune(Simulated(Surface()), wanted(budget_s=400))
    tuned = tune(Disturbed(Surface(), speed_sd=0.001), wanted(budget_s=400))
    pairs = tuned.against[0].pairs
    said = f"2*cpu+1: all {pairs} pairs of the closing comparison were disturbed: a neighbour"
    assert pairs
    assert any(text.startswith(said) for text in tuned.notes)
    assert not any("disturbed" in text for text in calm.notes)


def test_pairs_that_were_disturbed_are_never_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunitune.tune.closing, "SURE", 9.0)  # any interval is narrow enough
    calm = tune(Simulated(Surface()), wanted(budget_s=2000))
    tuned = tune(Disturbed(Surface()), wanted(budget_s=2000))
    assert calm.against[0].pairs == 2
    assert tuned.against[0].pairs == MOST_TURNS


def test_who_answers_much_sooner_for_little_throughput_is_told() -> None:
    def told(name: str, objective: Objective = "throughput") -> list[str]:
        surface = SURFACES[name]
        request = wanted(surface, budget_s=400, objective=objective)
        notes = tune(Simulated(surface, speed_sd=0.01, turn_sd=0.01), request).notes
        return [text for text in notes if " answers sooner: p99 " in text]

    (note,) = told("cpu")  # gevent wins, and some requests wait long
    assert note.startswith("sync ")
    assert "--max-p99 " in note
    assert told("io") == told("cpu", "p99") == []


def test_finals_that_were_disturbed_are_marked_and_told() -> None:
    tuned = tune(Disturbed(Surface(), phase="final"), wanted(budget_s=500))
    assert {run.void for run in tuned.finals} == {("a neighbour",)}
    count = len(tuned.finals)
    assert f"finals: {count} of {count} runs were disturbed: a neighbour" in tuned.notes


def test_choices_without_a_valid_block_share_one_remark() -> None:
    noisy = {Choice("sync", 5): "a", Choice("sync", 1): "a", Choice("gevent", 5): "a"}
    tuned = tune(Simulated(Surface(), void=noisy), wanted())
    said = [text for text in tuned.notes if "no valid block" in text]
    assert len(said) == 1
    assert "sync 5" in said[0]
    assert "sync 1" in said[0]


def test_what_was_noted_of_blocks_is_told_once_with_their_number() -> None:
    @dataclass
    class Restless(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            block = Simulated.run(self, choice, load, phase=phase, round=round)
            notes = ("never idle", "alone") if len(self.ran) == 2 else ("never idle",)
            return replace(block, notes=notes)

    tuned = tune(Restless(Surface()), wanted(budget_s=60))
    count = len(tuned.blocks)
    assert f"never idle ({count} of {count} blocks)" in tuned.notes
    assert "alone" in tuned.notes


@dataclass
class Stumbling(Simulated):
    """A bench whose load generator fails the first `falls` times for each block of gevent."""

    falls: int = 1
    fell: dict[tuple[Choice, str, int], int] = field(default_factory=dict)
    error: GunituneError = field(default_factory=lambda: GunituneError("oha failed", "see it"))

    def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
        key = (choice, phase, round)
        self.fell[key] = self.fell.get(key, 0) + 1
        if choice.worker_class == "gevent" and self.fell[key] <= self.falls:
            raise self.error
        return Simulated.run(self, choice, load, phase=phase, round=round)


def test_a_generator_that_fails_once_is_tried_again() -> None:
    plain = tune(Simulated(Surface()), wanted())
    assert tune(Stumbling(Surface()), wanted()).standings == plain.standings


def test_a_generator_that_fails_twice_bars_that_choice_alone() -> None:
    bench = Stumbling(Surface(), falls=2)
    tuned = tune(bench, wanted())
    assert won(tuned).worker_class != "gevent"
    barred = [each for each in tuned.standings if each.choice.worker_class == "gevent"]
    assert barred
    assert {each.why for each in barred} == {"oha failed"}


def test_a_load_that_can_not_be_had_at_all_is_raised() -> None:
    bench = Stumbling(Surface(), error=UsageError("wrk takes no rate", "take oha"))
    with pytest.raises(UsageError, match="wrk takes no rate"):
        tune(bench, wanted())
