"""What the looks at an app tell: estimates, shares, the kind, and what there is time for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gunitune.errors import GunituneError
from gunitune.facts import SAMPLE_HOST
from gunitune.measure.asgi import waited_ms as waited_alone_ms
from gunitune.measure.course import Course, Step, clients_for
from gunitune.measure.cpus import cpus_there
from gunitune.measure.estimate import estimate, spread
from gunitune.measure.kind import judge
from gunitune.measure.learn import learn_in
from gunitune.measure.look import KEPT, STOLEN, Look, SlowError
from gunitune.measure.overlap import gil_share, overlap_share
from gunitune.measure.wsgi import waited_ms
from gunitune.meters.memory import Memory
from gunitune.model import MIB, Host, Unknown
from gunitune.predict.queueing import closed
from gunitune.render import renderer
from gunitune.trial import (
    UVICORN,
    Answered,
    AppFacts,
    Choice,
    Estimate,
    Latency,
    Launch,
    Limits,
    Load,
    Usage,
)
from measured import MISSING, app_facts, number, profile

LAUNCH = Launch(Path("python"), "", "app:app", "wsgi", Path(), None, {})
GEVENT_MISSING = "gevent is not installed"


def look(choice: Choice, served: int = 100, **changes: Any) -> Look:
    """One second of one worker: 4 ms of computing in each of 100 requests."""
    cpu_s = changes.pop("cpu_s", 0.4)
    children_s = changes.pop("children_s", 0.0)
    memory = Memory(30 * MIB, 20 * MIB, 20 * MIB, 40 * MIB)
    answered = Answered("embedded", 10.0, 11.0, served, {}, Unknown("none"), 3, 0.01)
    usage = Usage(
        wall_s=1.0,
        cpu_s=cpu_s + children_s + 0.01,
        cpu_source="",
        pss_bytes=MISSING,
        peak_bytes=MISSING,
        memory_source="",
        workers=choice.workers,
        restarts=changes.pop("restarts", 0),
        voluntary_switches=MISSING,
        involuntary_switches=MISSING,
        throttled_s=MISSING,
        steal_s=changes.pop("steal_s", 0.0),
        other_cpu_s=changes.pop("other_cpu_s", 0.0),
        pressure_cpu_s=MISSING,
        per_worker_cpu_s=(cpu_s,),
    )
    made = Look(
        choice=choice,
        clients=3,
        answered=answered,
        usage=usage,
        boot_s=0.3,
        confined="",
        gunicorn="27.0.1",
        queued_s=0.0,
        master=Memory(20 * MIB, 12 * MIB, 20 * MIB, 32 * MIB),
        workers=(memory,) * choice.workers,
        beside_s=0.01,
        master_cpu_s=0.01,
    )
    return replace(made, **changes)


@dataclass
class Stand:
    """In the place of a server that takes a second and more to look at: what is told is known."""

    launch: Launch = LAUNCH
    load: Load = field(default_factory=Load)
    limits: Limits = field(default_factory=lambda: Limits(cores=frozenset({0, 1})))
    generator_cores: frozenset[int] = frozenset()
    changes: dict[str, Any] = field(default_factory=dict)
    taken: list[tuple[Choice, int, float]] = field(default_factory=list)

    def look(self, choice: Choice, concurrency: int, duration_s: float) -> Look:
        self.taken.append((choice, concurrency, duration_s))
        if choice.worker_class == "gevent":
            raise GunituneError(GEVENT_MISSING)
        if choice.worker_class == "slow" and duration_s < 5:
            raise SlowError("no request was answered")
        return look(choice, **self.changes)


def course(stand: Stand, budget_s: float = 60.0) -> Course:
    return Course(stand, budget_s, lambda _: None)  # type: ignore[arg-type]


def learned(stand: Stand, budget_s: float = 60.0) -> AppFacts:
    place: Any = stand
    return learn_in(place, budget_s=budget_s, progress=lambda _: None).facts


def test_an_asgi_app_is_looked_at_under_every_class_there_is() -> None:
    stand: Any = Stand(replace(LAUNCH, interface="asgi"))
    classes = ("asgi", UVICORN)
    found = learn_in(stand, budget_s=60, progress=lambda _: None, asgi_classes=classes).facts
    assert found.cpu_ms["asgi"].source == "2 busy asgi workers"
    assert found.cpu_ms[UVICORN].source == "2 busy uvicorn_worker workers"
    assert list(found.lone_cpu_ms) == ["asgi", UVICORN]  # what is told of one is scaled from it
    one: Any = Stand(replace(LAUNCH, interface="asgi"))
    assert set(learn_in(one, budget_s=60, progress=lambda _: None).facts.cpu_ms) == {"asgi"}


def test_several_loops_get_no_more_clients_than_are_asked_for() -> None:
    def given(asked: int) -> list[int]:
        stand: Any = Stand(replace(LAUNCH, interface="asgi"), Load(concurrency=asked))
        learn_in(stand, budget_s=60, progress=lambda _: None)
        ran = [(choice.workers, clients) for choice, clients, _ in stand.taken]
        return [ran[at][1] for at in (1, 2)]  # one busy worker, and several

    one, several = given(1000)
    assert several == 2 * one
    assert given(1) == [one, one]
    assert given(one + 3) == [one, one + 3]


# estimates


def test_the_interval_is_students() -> None:
    found = estimate([9.0, 10.0, 11.0], "three blocks")
    assert isinstance(found, Estimate)
    assert (found.value, found.n) == (10.0, 3)
    assert (found.low, found.high) == pytest.approx((10 - 2.484, 10 + 2.484), abs=0.001)


def test_many_blocks_come_close_to_the_normal_interval() -> None:
    found = estimate([9.0, 11.0] * 50, "many")
    assert isinstance(found, Estimate)
    assert found.high - found.value == pytest.approx(1.96 * 1.005 / 10, rel=0.01)


def test_a_single_block_is_not_held_to_be_exact() -> None:
    found = estimate([10.0], "one block")
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == pytest.approx((7.8, 12.2))


def test_a_share_stays_within_its_bounds_and_nothing_is_unknown() -> None:
    found = estimate([0.1, 0.99], "two blocks", most=1.0)
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == (0.0, 1.0)
    assert estimate([], "none", lost="no time") == Unknown("no time")
    assert spread([], "none", "no time") == Unknown("no time")


# shares


@pytest.mark.parametrize("share", [0.1, 0.4, 0.9, 1.0])
def test_the_gil_share_is_the_one_that_explains_the_cpus_used(share: float) -> None:
    cores = closed(8, share * 4.0, 2.0 + (1 - share) * 4.0) * 4.0
    assert gil_share(cores, 4.0, 2.0, 8) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_the_overlap_is_the_one_that_explains_the_throughput(share: float) -> None:
    rps = 1000 * closed(20, 4.0 + (1 - share) * 30.0, share * 30.0)
    assert overlap_share(rps, 4.0, 30.0, 20) == pytest.approx(share, abs=0.01)


def test_more_than_the_model_allows_is_all_of_it() -> None:
    assert overlap_share(10_000, 4.0, 30.0, 20) == pytest.approx(1.0, abs=0.001)
    assert gil_share(0.1, 4.0, 2.0, 8) == pytest.approx(1.0, abs=0.001)


# looks


def test_waiting_is_the_rest_of_a_busy_workers_window() -> None:
    sync = Choice("sync", 1)
    assert waited_ms(look(sync)) == pytest.approx(6.0)
    assert waited_ms(look(sync, queued_s=0.2)) == pytest.approx(4.0)
    assert waited_ms(look(sync, cpu_s=1.1)) == 0
    # of 0.42 s of work on the machine 0.4 are the worker's
    assert waited_ms(look(sync, steal_s=0.105)) == pytest.approx(5.0)
    assert waited_ms(look(sync, steal_s=1.0)) == pytest.approx(2.0)


def test_what_the_children_of_a_worker_compute_is_no_waiting() -> None:
    sync = Choice("sync", 1)
    assert look(sync).children_ms == pytest.approx(0)
    shelling = look(sync, children_s=0.4)
    assert shelling.children_ms == pytest.approx(4.0)
    assert waited_ms(shelling) == pytest.approx(2.0)

    def told(children_s: float) -> list[str]:
        notes = learned(Stand(changes={"children_s": children_s})).notes
        return [note for note in notes if "processes that the workers start" in note]

    (note,) = told(0.4)
    assert note.startswith("50% of the CPU time")
    assert told(0.03) == []


def test_waiting_of_a_single_client_is_its_latency_less_the_computing() -> None:
    found = look(Choice("asgi", 1))
    latency = Latency(100, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0)
    seen = replace(found, answered=replace(found.answered, latency=latency))
    assert waited_alone_ms(seen) == pytest.approx(5.0)
    assert waited_alone_ms(found) == pytest.approx(6.0)


def test_what_spoils_a_look_is_said() -> None:
    sync = Choice("sync", 1)
    assert look(sync).void == ()
    assert look(sync, steal_s=0.2).void == (STOLEN,)
    assert look(sync, steal_s=0.07).void == ()  # what many a host takes all the time
    assert look(sync, steal_s=0.2, cpus=2).void == ()
    assert look(sync, queued_s=0.5).void == (KEPT,)
    assert look(sync, restarts=2).void == ("2 workers died",)
    answered = replace(look(sync).answered, limit="the generator was at its limit")
    assert look(sync, answered=answered).void == ("the generator was at its limit",)


def test_a_spoilt_look_gives_way_to_others_and_counts_alone() -> None:
    taken = course(Stand())
    sync = Choice("sync", 1)
    taken.looks["sync"] = [look(sync, steal_s=0.2), look(sync)]
    assert taken.of("sync") == taken.looks["sync"][1:]
    taken.looks["sync"] = taken.looks["sync"][:1]
    assert len(taken.of("sync")) == 1
    (note,) = taken.remarks()
    assert note.startswith(f"{STOLEN} in 1 of 1 looks")


def test_an_app_that_computes_on_its_own_is_remarked() -> None:
    taken = course(Stand())
    odd = look(Choice("sync", 1), note="the app computes without any request", restarts=1)
    taken.looks["sync"] = [odd, odd]
    assert taken.remarks() == ("the app computes without any request", "sync 1: 1 workers died")


# what there is time for


def test_the_facts_of_a_wsgi_app() -> None:
    stand = Stand()
    facts = learned(stand)
    assert facts.cpu_ms.keys() == {"sync", "gthread"}
    assert facts.wait_ms == estimate([6.0] * 8, facts.wait_ms.source)  # type: ignore[union-attr]
    assert facts.overlap == Unknown(GEVENT_MISSING)
    assert isinstance(facts.worker_bytes, Estimate)
    assert facts.worker_bytes.value == 20 * MIB
    assert isinstance(facts.shared_bytes, Estimate)
    assert facts.shared_bytes.value == (20 + 30 + 30 - 12 - 20 - 20) * MIB
    assert isinstance(facts.thread_bytes, Estimate)
    assert facts.generator_ms == pytest.approx(0.1)
    assert sum(choice.worker_class == "gevent" for choice, *_ in stand.taken) == 1


def test_a_budget_that_is_over_leaves_the_rest_unknown() -> None:
    facts = learned(Stand(), budget_s=0.1)
    assert isinstance(facts.wait_ms, Estimate)
    for lost in (facts.gil_share, facts.overlap, facts.worker_bytes, facts.thread_bytes):
        assert isinstance(lost, Unknown)
        assert "--budget" in lost.reason


def test_on_one_cpu_the_gil_can_not_be_told() -> None:
    facts = learned(Stand(limits=Limits(cpus=1.0)))
    assert isinstance(facts.gil_share, Unknown)
    assert "two CPUs" in facts.gil_share.reason


def test_where_others_hold_the_second_cpu_the_gil_can_not_be_told() -> None:
    facts = learned(Stand(changes={"other_cpu_s": 0.9}))
    assert facts.gil_share == Unknown("other work left no second CPU free")


def test_two_cpus_busy_are_proof_whatever_others_do() -> None:
    facts = learned(Stand(changes={"other_cpu_s": 0.9, "cpu_s": 1.7}))
    assert isinstance(facts.gil_share, Estimate)
    assert facts.gil_share.value < 0.7


def test_where_all_cpus_were_busy_the_gil_share_is_an_upper_bound() -> None:
    facts = learned(Stand(changes={"cpu_s": 1.9}))
    assert isinstance(facts.gil_share, Estimate)
    assert facts.gil_share.low == 0 < facts.gil_share.value <= facts.gil_share.high
    assert facts.gil_share.source.endswith("all CPUs busy: at most")
    (note,) = facts.notes
    assert f"at most {facts.gil_share.value:.0%}" in note
    bound = learned(Stand(changes={"cpu_s": 1.0}))
    assert isinstance(bound.gil_share, Estimate)
    assert bound.gil_share.low > 0.5
    assert bound.notes == ()
    many = Limits(cores=frozenset({0, 1, 2, 3}))
    room = learned(Stand(limits=many, changes={"cpu_s": 1.9}))
    assert isinstance(room.gil_share, Estimate)
    assert room.gil_share.low > 0


def test_a_generator_on_cpus_of_its_own_costs_the_server_nothing() -> None:
    facts = learned(Stand(generator_cores=frozenset({5})))
    assert facts.generator_ms == 0


def test_the_facts_of_an_asgi_app() -> None:
    stand = Stand(launch=replace(LAUNCH, interface="asgi"))
    facts = learned(stand)
    assert facts.cpu_ms.keys() == {"asgi"}
    assert facts.interface == "asgi"
    assert isinstance(facts.overlap, Estimate)
    assert isinstance(facts.thread_bytes, Unknown)
    short = learned(Stand(launch=replace(LAUNCH, interface="asgi")), budget_s=0.1)
    assert isinstance(short.overlap, Unknown)
    assert short.cpu_ms.keys() == {"asgi"}


def test_a_loop_that_others_kept_from_its_cpu_says_nothing_of_overlap() -> None:
    facts = learned(
        Stand(launch=replace(LAUNCH, interface="asgi"), changes={"queued_s": 0.85, "cpu_s": 0.1})
    )
    assert isinstance(facts.overlap, Unknown)
    assert facts.overlap.reason.startswith(KEPT)


def test_an_app_that_hardly_waits_says_nothing_of_overlap() -> None:
    facts = learned(Stand(launch=replace(LAUNCH, interface="asgi"), changes={"cpu_s": 0.95}))
    assert facts.overlap == Unknown("a request waits too little to tell")


def test_a_slow_app_gets_longer_looks() -> None:
    stand = Stand()
    taken = course(stand, budget_s=80.0)
    taken.must(Step("slow", "", Choice("slow", 1), 3))
    assert [duration for *_, duration in stand.taken] == [2.0, 10.0]
    seldom = course(Stand(changes={"served": 10}), budget_s=80.0)
    seldom.must(Step("sync", "", Choice("sync", 1), 3))
    assert seldom.duration_s == pytest.approx(4.0)


def test_memory_that_can_not_be_read_is_unknown() -> None:
    facts = learned(Stand(changes={"master": Unknown("no smaps_rollup"), "workers": ()}))
    for lost in (facts.master_bytes, facts.worker_bytes, facts.shared_bytes, facts.thread_bytes):
        assert isinstance(lost, Unknown)


def test_clients_follow_the_knee_within_bounds() -> None:
    assert clients_for(0.0, 4, 64) == 4
    assert clients_for(9.0, 4, 64) == 25
    assert clients_for(1000.0, 4, 64) == 64


def test_the_cpus_there_are_the_least_of_all_bounds() -> None:
    assert cpus_there(Limits(cpus=1.5, cores=frozenset({0, 1, 2}))) == 1.5
    assert cpus_there(Limits(cores=frozenset({0, 1, 2}))) == 3
    assert cpus_there(Limits()) >= 1


# the kind


def host(memory_mib: int = 4096) -> Host:
    return replace(SAMPLE_HOST, memory_bytes=memory_mib * MIB)


@pytest.mark.parametrize(
    ("wait_ms", "kind", "confidence"),
    [(40.0, "io", "high"), (4.2, "io", "medium"), (3.9, "cpu", "medium"), (0.0, "cpu", "high")],
)
def test_the_kind_is_what_a_request_does_most(wait_ms: float, kind: str, confidence: str) -> None:
    judged = judge(app_facts(wait_ms=number(wait_ms)), host())
    assert (judged.kind, judged.confidence) == (kind, confidence)
    assert "4 ms computing" in judged.why


def test_an_app_is_memory_bound_where_its_workers_do_not_fit() -> None:
    facts = app_facts(wait_ms=number(0.0), worker_bytes=number(300.0 * MIB))
    judged = judge(facts, host(512))
    assert (judged.kind, judged.confidence) == ("memory", "high")
    assert judged.why == (
        "2 workers for 2 CPUs need 630 MiB (300 MiB each), 80% of 512 MiB is 409.6 MiB"
    )
    assert judge(facts, host(4096)).kind == "cpu"
    assert judge(facts, replace(SAMPLE_HOST, memory_bytes=MISSING)).kind == "cpu"
    assert judge(app_facts(worker_bytes=MISSING), host(512)).kind == "io"


def test_without_times_there_is_no_kind() -> None:
    assert judge(app_facts(wait_ms=Unknown("no time")), host()).why == "not told: no time"
    assert judge(app_facts(cpu_ms={}), host()).kind == "unknown"


# what is shown


def test_the_page_shows_each_number_with_its_interval_and_source() -> None:
    facts = app_facts(overlap=Unknown(GEVENT_MISSING), notes=("a note",))
    render = renderer("measure", "text")
    page = render(profile(facts=facts), stored=".gunitune/measure.json", width=100)
    assert re.search(r"CPU per request, sync +4 ms \(3.8 to 4.2 ms\) +three blocks; 3 looks", page)
    assert re.search(rf"waiting overlaps +unknown +{GEVENT_MISSING}", page)
    assert re.search(r"worker's memory +30 MiB \(range 28.5 to 31.5 MiB\)", page)
    assert re.search(r"master's memory +20 MiB \(19 to 21 MiB\)", page)
    assert "kind       I/O-bound: requests mostly wait (high confidence)" in page
    assert "a request waits 91 % of its time" in page
    assert "note       a note" in page
    assert "stored     .gunitune/measure.json" in page
    assert "gunitune recommend" in page
    assert "gunitune tune" in page


def test_the_page_of_a_measurement_with_little_to_say() -> None:
    facts = app_facts(
        cpu_ms={}, wait_ms=Unknown("no time"), boot_s=number(120.0), overlap=number(0.5, 0.0)
    )
    lost = profile(
        facts=facts,
        judged=judge(facts, host()),
        gunicorn=MISSING,
        memory_bytes=MISSING,
        confined="cgroup v1",
        cpus=1.0,
        keep_alive=False,
        requests=("GET /a", "GET /b", "GET /c", "GET /d"),
    )
    page = renderer("measure", "text")(lost)
    assert "Gunicorn unknown" in page
    assert "memory unknown" in page
    assert "1 CPU (affinity)" in page
    assert "cgroup v1" in page
    assert "GET /a, GET /b, GET /c and 1 more; connections one per request" in page
    assert "kind       kind unknown\n" in page
    assert "120 s" in page
    assert "gunitune recommend" not in page
    assert "\x1b[" in renderer("measure", "text")(lost, color=True)


def test_the_json_is_what_is_stored(tmp_path: Path) -> None:
    from gunitune.measure.store import save

    text = renderer("measure", "json")(profile())
    assert save(profile(), tmp_path).read_text() == text
