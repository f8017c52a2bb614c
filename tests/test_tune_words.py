"""What is said of a study: what limited the app, who is on the front, what to remark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grids import Simulated, Surface
from gunitune.model import MIB, Unknown
from gunitune.trial import AppFacts, Block, Choice, Estimate, Load
from gunitune.tune.front import front
from gunitune.tune.gauge import Supply
from gunitune.tune.objective import Aim, expense, memory_of, quantile_of
from gunitune.tune.result import Standing
from gunitune.tune.words import limited

BOTH = Supply(2.0, 2.0)


def block(
    choice: Choice, cores: float, *, clients: int = 64, rps: float | None = None, **usage: object
) -> Block:
    load = Load(concurrency=clients, rps=rps)
    made = Simulated(Surface()).run(choice, load, phase="search", round=0)
    cpu_s = cores * load.duration_s
    return replace(made, usage=replace(made.usage, cpu_s=cpu_s, **usage))  # type: ignore[arg-type]


def said(made: Block, supply: Supply = BOTH) -> str:
    return limited(made.choice, [made], supply)


def test_turns_behind_the_app_are_told_where_they_are_the_limit() -> None:
    made = block(Choice("gevent", 3), 0.8)
    facts = AppFacts("wsgi", {}, *[Unknown("a test")] * 10)  # type: ignore[arg-type]
    rest = limited(made.choice, [made], BOTH, facts=facts)
    turn = Estimate(950 / made.rps, 0.0, 9.0, "2 gthread workers", 3)
    text = limited(made.choice, [made], BOTH, facts=replace(facts, serial_ms=turn))
    assert text.startswith("behind the app: for ")
    assert "no setting will help" in text
    short = replace(turn, value=turn.value / 2)
    for seldom in (short, replace(turn, value=0.0), Unknown("not looked at")):
        assert limited(made.choice, [made], BOTH, facts=replace(facts, serial_ms=seldom)) == rest


def test_all_cpus_busy_is_the_cpu() -> None:
    text = said(block(Choice("sync", 5), 1.95))
    assert text == "CPU: 1.9 of 2 CPUs busy; more workers will not help"


def test_cpus_that_neighbours_took_are_named() -> None:
    text = said(block(Choice("sync", 5), 1.2, other_cpu_s=0.75 * 4))
    assert text.startswith("CPU: 1.2 of 2 CPUs busy, the rest was taken by others (0.8)")


def test_cpus_that_the_generator_took_are_named() -> None:
    made = block(Choice("sync", 5), 1.5)
    made = replace(made, answered=replace(made.answered, generator_cpu_s=0.4 * 4))
    assert "0.4 by the load generator" in said(made)


def test_a_quota_that_held_back_is_named() -> None:
    text = said(block(Choice("sync", 5), 0.5, throttled_s=2.0), Supply(0.5, 2.0))
    assert text.startswith("CPU quota: 0.5 of 0.5 CPUs busy")


@pytest.mark.parametrize(
    ("choice", "cores", "words"),
    [
        (Choice("gevent", 1), 0.98, "1 worker keeps 1.0 of 4 CPUs busy"),
        (Choice("sync", 2), 1.98, "2 workers keep 2.0 of 4 CPUs busy"),
    ],
)
def test_workers_that_are_all_busy_are_the_cpu_too(
    choice: Choice, cores: float, words: str
) -> None:
    assert words in said(block(choice, cores), Supply(4.0, 4.0))


def test_too_few_slots_are_named() -> None:
    text = said(block(Choice("gthread", 2, 8), 0.8))
    assert text.startswith("slots: 16 requests at once of 64 clients (0.8 CPUs busy)")


def test_whether_more_slots_were_tried_is_said() -> None:
    made = block(Choice("gthread", 2, 8), 0.8)
    alone = limited(made.choice, [made], BOTH, [Choice("sync", 5)])
    beside = limited(made.choice, [made], BOTH, [Choice("sync", 5), Choice("gevent", 1)])
    assert "there was no time to try more of them" in alone
    assert "more of them were no better" in beside


def test_waiting_with_room_for_all_is_what_is_behind_the_app() -> None:
    made = block(Choice("gevent", 2), 0.8)
    assert said(made).startswith("waiting: all 64 clients are served at once, ")
    unknown = replace(made, answered=replace(made.answered, latency=Unknown("wrk")))
    assert said(unknown).startswith("waiting: all 64 clients are served at once (")


def test_arrivals_that_come_by_themselves_are_the_limit() -> None:
    assert said(block(Choice("gevent", 2), 0.3, rps=50.0)) == (
        "the load: 50 requests per second (0.3 CPUs busy)"
    )


def test_a_generator_at_its_limit_is_told_first() -> None:
    made = block(Choice("gevent", 2), 1.99)
    made = replace(made, answered=replace(made.answered, limit="its CPU was full"))
    assert said(made).startswith("the load generator: its CPU was full")


def test_nothing_is_said_of_nothing() -> None:
    assert limited(Choice("sync", 1), [], BOTH) == ""


def test_what_most_blocks_tell_is_said_and_one_disturbed_block_changes_nothing() -> None:
    choice = Choice("gthread", 2, 8)
    calm = [block(choice, 0.8) for _ in range(3)]
    spoilt = block(choice, 0.8, other_cpu_s=1.3 * 4)
    assert limited(choice, [*calm, spoilt], BOTH).startswith("slots: 16 requests at once")
    busy = [block(Choice("sync", 5), 1.95) for _ in range(2)]
    text = limited(Choice("sync", 5), [block(Choice("sync", 5), 0.9), *busy], BOTH)
    assert text == "CPU: 1.9 of 2 CPUs busy; more workers will not help"


def test_a_worker_that_has_all_the_connections_is_named() -> None:
    choice = Choice("gthread", 2, 64)
    text = said(block(choice, 1.1, per_worker_cpu_s=(0.98 * 4, 0.12 * 4)))
    assert text == (
        "one worker: it has taken most of the connections and keeps 1.0 CPUs busy, "
        "while another keeps 0.1; worker_connections equal to threads spreads them"
    )
    even = said(block(choice, 1.1, per_worker_cpu_s=(0.55 * 4, 0.55 * 4)))
    assert even.startswith("waiting: all 64 clients")


def test_greenlets_that_hardly_overlap_their_waiting_are_named() -> None:
    made = block(Choice("gevent", 2), 0.2)
    overlap = Estimate(0.05, 0.0, 0.1, "a test")
    facts = AppFacts("wsgi", {}, *[Unknown("a test")] * 10)  # type: ignore[arg-type]
    text = limited(made.choice, [made], BOTH, facts=replace(facts, overlap=overlap))
    assert text.startswith("waiting: 5% of it overlaps under gevent")
    whole = replace(facts, overlap=replace(overlap, value=0.98))
    for known in (facts, whole):
        assert limited(made.choice, [made], BOTH, facts=known).startswith("waiting: all 64")


def test_a_generator_with_cpus_of_its_own_takes_none_of_the_servers() -> None:
    made = block(Choice("sync", 5), 1.5)
    made = replace(made, answered=replace(made.answered, generator_cpu_s=0.9 * 4))
    assert "load generator" in said(made)
    assert said(made, Supply(2.0, 2.0, apart=True)).startswith("slots: 5 requests at once")


def standing(
    name: int, rps: float, p99: float | Unknown, mib: int | Unknown, fate: str = "dropped"
) -> Standing:
    memory = mib * MIB if isinstance(mib, int) else mib
    return Standing(
        choice=Choice("sync", name),
        roles=("lattice",),
        blocks=1,
        rps=Estimate(rps, rps, rps, "a test"),
        p50_ms=p99,
        p99_ms=p99,
        memory_bytes=memory,
        errors=0,
        cpu_ms=1.0,
        cores=1.0,
        fate=fate,
    )


def on_front(*standings: Standing) -> list[int]:
    return [choice.workers for choice in front(standings)]


def test_the_front_holds_whom_nobody_beats_in_everything() -> None:
    best, small, worse = standing(1, 100, 50, 200), standing(2, 50, 60, 50), standing(3, 50, 60, 60)
    assert on_front(small, worse, best) == [1, 2]


def test_differences_within_the_noise_put_nobody_on_the_front() -> None:
    assert on_front(standing(1, 100, 50, 200), standing(2, 99.5, 49, 260)) == [1]


def test_barred_choices_are_not_on_the_front() -> None:
    assert on_front(standing(1, 100, 50, 100, "barred"), standing(2, 10, 90, 200)) == [2]


def test_what_is_not_known_does_not_put_on_the_front() -> None:
    unknown = Unknown("wrk")
    assert on_front(standing(1, 100, unknown, unknown), standing(2, 50, unknown, unknown)) == [1]
    assert on_front(standing(1, 100, 50.0, 10), standing(2, 50, unknown, unknown)) == [1]


def test_memory_is_the_peak_else_the_share_at_the_end_else_unknown() -> None:
    peak = block(Choice("sync", 2), 1.0, peak_bytes=5, pss_bytes=3)
    end = block(Choice("sync", 2), 1.0, peak_bytes=Unknown("no cgroup"), pss_bytes=3)
    none = block(Choice("sync", 2), 1.0, peak_bytes=Unknown("a"), pss_bytes=Unknown("b"))
    assert memory_of([peak, end]) == 5
    assert memory_of([end]) == 3
    assert memory_of([none]) == Unknown("b")
    assert memory_of([none, end]) == 3
    assert memory_of([]) == Unknown("not measured")


def test_without_a_block_no_quantile_is_known() -> None:
    assert isinstance(quantile_of([], "p99_ms"), Unknown)


def test_what_serves_nothing_is_barred() -> None:
    made = block(Choice("sync", 2), 1.0)
    dead = replace(made, answered=replace(made.answered, served=0))
    assert Aim().bar([dead]) == "it served nothing"
    assert Aim().bar([made]) == ""


def test_the_cheaper_has_less_memory_then_fewer_processes_then_fewer_threads() -> None:
    little = [block(Choice("sync", 2), 1.0, peak_bytes=100 * MIB)]
    much = [block(Choice("sync", 2), 1.0, peak_bytes=200 * MIB)]
    assert expense(Choice("sync", 9), little) < expense(Choice("sync", 1), much)
    assert expense(Choice("sync", 1), little) < expense(Choice("sync", 2), little)
    assert expense(Choice("gthread", 1, 2), []) < expense(Choice("gthread", 1, 4), [])
