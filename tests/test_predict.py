"""The model of a Gunicorn: what it serves, how late, and what it says binds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunitune.errors import GunituneError
from gunitune.model import MIB, Unknown
from gunitune.predict.demands import PredictError, demands, family
from gunitune.predict.model import predict
from gunitune.trial import Choice, Prediction
from predicted import NOT_MEASURED, facts

SYNC = Choice("sync", 5)
CHOICES = st.one_of(
    st.builds(Choice, st.just("sync"), st.integers(1, 40)),
    st.builds(Choice, st.just("gthread"), st.integers(1, 20), st.integers(1, 64),
              st.sampled_from([None, 4, 1000])),
    st.builds(Choice, st.just("gevent"), st.integers(1, 20)),
)  # fmt: skip


def served(choice: Choice, cpus: float = 2, clients: int = 32, **app: Any) -> float:
    return predict(facts(**app), choice, cpus, concurrency=clients).rps


def test_one_sync_worker_serves_one_request_after_the_other() -> None:
    found = predict(facts(4, 40), Choice("sync", 1), 2, concurrency=32)
    assert found.rps == pytest.approx(1000 / 44)
    assert found.mean_ms == pytest.approx(32 * 44)
    assert found.in_flight == 1
    assert found.cores == pytest.approx(4 / 44)
    assert found.limit == "slots"
    assert found.why.startswith("slots: 1 request at a time, each waits 40 ms;")


def test_an_app_that_waits_is_served_best_by_many_slots_as_it_was_when_measured() -> None:
    best = served(Choice("gevent", 2))
    assert served(Choice("gevent", 5)) == pytest.approx(best, rel=0.05)
    assert 0.15 < served(SYNC) / best < 0.35  # measured: 0.21
    assert served(Choice("sync", 1)) / best < 0.1  # measured: 0.03
    assert 0.9 < served(Choice("gthread", 2, 16, 16)) / best <= 1.01
    assert 0.45 < served(Choice("gthread", 2, 16)) / best < 0.9  # hoarded; measured: 0.48


def test_an_app_that_computes_is_served_the_same_by_all_that_use_both_cpus() -> None:
    app: dict[str, Any] = {"cpu_ms": 5.0, "wait_ms": 0.0}
    best = served(Choice("sync", 2), **app)
    for choice in (SYNC, Choice("gthread", 2, 16, 16), Choice("gevent", 5)):
        assert served(choice, **app) == pytest.approx(best, rel=0.04)
    assert 0.8 < served(Choice("gthread", 2, 16), **app) / best < 1  # hoarded; measured: 0.91
    assert served(Choice("sync", 1), **app) == pytest.approx(best / 2)
    assert served(Choice("gthread", 1, 16), **app) == pytest.approx(best / 2)


def test_code_that_releases_the_gil_uses_all_cpus_from_one_process() -> None:
    held = served(Choice("gthread", 1, 16), cpu_ms=5, wait_ms=0)
    free = served(Choice("gthread", 1, 16), cpu_ms=5, wait_ms=0, gil_share=0.0)
    assert free == pytest.approx(2 * held, rel=0.01)


def test_greenlets_that_block_serve_as_one_sync_worker_does() -> None:
    blocking = served(Choice("gevent", 2), overlap=0.0)
    assert blocking == pytest.approx(served(Choice("sync", 2)), rel=0.01)
    found = predict(facts(overlap=0.0), Choice("gevent", 2), 2, concurrency=32)
    assert found.limit == "class"
    assert "40 ms of each request's waiting stop the whole gevent worker" in found.why


@settings(deadline=None)
@given(
    CHOICES,
    st.sampled_from([0.25, 1, 1.5, 2, 4, 16]),
    st.integers(1, 300),
    st.floats(0.1, 20),
    st.sampled_from([0.0, 1.0, 30.0, 500.0]),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from([0.0, 0.2]),
)
def test_no_law_of_operations_is_broken(
    choice: Choice,
    cpus: float,
    clients: int,
    cpu_ms: float,
    wait_ms: float,
    share: float,
    keep_alive: bool,
    generator_ms: float,
) -> None:
    app = facts(cpu_ms, wait_ms, gil_share=share, overlap=share)
    found = predict(
        app, choice, cpus, concurrency=clients, keep_alive=keep_alive, generator_ms=generator_ms
    )
    assert found.cores <= cpus * (1 + 1e-6)
    assert found.rps * (found.mean_ms + generator_ms) == pytest.approx(1000 * clients, rel=1e-6)
    assert found.mean_ms + generator_ms >= (cpu_ms + wait_ms) * (1 - 1e-6)
    assert found.in_flight <= clients
    assert isinstance(found.p99_ms, float)
    assert found.p99_ms >= wait_ms
    assert found.why


@settings(deadline=None)
@given(CHOICES, st.sampled_from([0.25, 1, 2, 3.5, 16]), st.floats(0.01, 0.97), st.floats(0, 1))
def test_arrivals_below_the_capacity_are_served_and_above_it_are_not(
    choice: Choice, cpus: float, share: float, held: float
) -> None:
    app = facts(gil_share=held, overlap=held)
    most = predict(app, choice, cpus, rps=1e9)
    assert most.mean_ms == math.inf
    assert isinstance(most.p99_ms, Unknown)
    found = predict(app, choice, cpus, rps=share * most.rps)
    assert found.rps == pytest.approx(share * most.rps)
    if isinstance(found.p99_ms, Unknown):
        # the capacity is that of a closed loop: a little more than what arrivals may come to
        assert share > 0.8
    else:
        assert found.mean_ms >= 44 * (1 - 1e-6)
        assert found.p99_ms >= 40
        assert found.in_flight <= found.rps * found.mean_ms / 1000 * (1 + 1e-6)


@settings(deadline=None)
@given(st.sampled_from(["sync", "gthread", "gevent"]), st.integers(1, 12), st.integers(1, 100))
def test_more_workers_never_serve_less(name: str, workers: int, clients: int) -> None:
    fewer = served(Choice(name, workers, 4), clients=clients)
    assert served(Choice(name, workers + 1, 4), clients=clients) >= fewer * 0.97


def test_the_wait_grows_with_the_load() -> None:
    means = [predict(facts(), Choice("gevent", 2), 2, rps=rps).mean_ms for rps in (50, 250, 450)]
    assert means == sorted(means)
    assert means[0] == pytest.approx(44, rel=0.02)
    assert means[2] > 60


def test_one_sync_worker_under_arrivals_is_one_server() -> None:
    # M/M/1 at 0.8: 5 service times on average, 5 ln 100 for the 0.99 quantile
    found = predict(facts(5, 0), Choice("sync", 1), 2, rps=160)
    assert found.mean_ms == pytest.approx(25)
    assert found.p99_ms == pytest.approx(25 * math.log(100), rel=1e-4)
    assert found.why.startswith("80 % of the capacity of 200 requests per second; there, slots:")


def test_the_load_generator_takes_its_part_of_the_cpus() -> None:
    found = predict(facts(4, 0), Choice("sync", 2), 2, concurrency=32, generator_ms=1.0)
    assert found.rps == pytest.approx(400, rel=0.01)
    assert "1.6 of 2 cores busy, 0.4 by the load generator" in found.why
    alone = predict(facts(4, 0), Choice("sync", 2), 2, concurrency=1, generator_ms=1.0)
    assert alone.rps == pytest.approx(200, rel=0.01)
    assert alone.mean_ms == pytest.approx(4, rel=0.02)


def test_a_quota_below_one_cpu_bounds_the_throughput() -> None:
    assert served(Choice("sync", 1), 0.5, cpu_ms=5, wait_ms=0) == pytest.approx(100)
    assert served(Choice("gthread", 2, 4), 0.5, cpu_ms=5, wait_ms=0) == pytest.approx(100)


def test_connections_that_move_between_workers_leave_some_idle() -> None:
    app = facts(4, 0)
    kept = predict(app, Choice("gevent", 2), 2, concurrency=8)
    new = predict(app, Choice("gevent", 2), 2, concurrency=8, keep_alive=False)
    assert new.rps == pytest.approx(kept.rps * 8 / 9)
    assert isinstance(kept.p99_ms, float)
    assert isinstance(new.p99_ms, float)
    assert new.p99_ms > kept.p99_ms
    beyond = predict(app, Choice("gevent", 2, 1, 4), 2, concurrency=64, keep_alive=False)
    assert beyond.rps == pytest.approx(kept.rps * 8 / 9)


@pytest.mark.parametrize(
    ("choice", "app", "clients", "limit", "words"),
    [
        (Choice("sync", 9), (5.0, 0.0), 32, "cpu", "CPU: 2 of 2 cores busy; more workers will not"),
        (Choice("gthread", 1, 8), (5.0, 0.0), 32, "gil",
         "GIL: a process runs Python on one core at a time, and there is 1 process for 2 cores"),
        (Choice("gevent", 1), (5.0, 0.0), 32, "gil", "GIL: a process runs on one core at a time"),
        (SYNC, (4.0, 40.0), 32, "slots", "5 requests at a time, each waits 40 ms; more workers, "),
        (Choice("gthread", 2, 2), (4.0, 40.0), 32, "slots", "more threads or workers would help"),
        (Choice("gevent", 2, 1, 2), (4.0, 40.0), 32, "slots", "more worker_connections or workers"),
        (Choice("sync", 1), (5.0, 1.0), 32, "slots", "computes 5 ms; more workers would help"),
        (Choice("gevent", 2), (4.0, 40.0), 3, "wait", "all 3 requests are served at once, in 44"),
        (Choice("gevent", 2), (4.0, 40.0), 1, "wait", "the one client's request is served at once"),
    ],
)  # fmt: skip
def test_what_binds_is_said(
    choice: Choice, app: tuple[float, float], clients: int, limit: str, words: str
) -> None:
    found = predict(facts(*app), choice, 2, concurrency=clients)
    assert found.limit == limit
    assert words in found.why


def test_memory_is_the_master_the_shared_part_and_every_workers_own_with_its_threads() -> None:
    assert memory(Choice("sync", 3)) == (30 + 5 + 3 * 40) * MIB
    assert memory(Choice("gthread", 3, 8)) == (30 + 5 + 3 * 48) * MIB
    preloaded = Choice("gevent", 3, extra=(("preload_app", True),))
    assert memory(preloaded) == (30 + 35 + 3 * 10) * MIB


def memory(choice: Choice) -> int | Unknown:
    return predict(facts(), choice, 2, concurrency=8).memory_bytes


def test_memory_that_was_not_measured_is_unknown_but_for_a_threads() -> None:
    found = predict(facts(worker_bytes=NOT_MEASURED), SYNC, 2, concurrency=8, memory_bytes=1)
    assert found.memory_bytes == NOT_MEASURED
    assert found.feasible
    threads = predict(facts(thread_bytes=NOT_MEASURED), Choice("gthread", 1, 32), 2, concurrency=8)
    assert threads.memory_bytes == (30 + 5 + 40 + 1) * MIB


def test_what_does_not_fit_into_memory_can_not_run() -> None:
    found = predict(facts(), SYNC, 2, concurrency=8, memory_bytes=200 * MIB)
    assert not found.feasible
    assert found.limit == "memory"
    assert found.why == "memory: needs 235 MiB of 200 MiB"
    assert found.rps > 0


@pytest.mark.parametrize(
    ("choice", "interface", "words"),
    [
        (Choice("asgi", 2), "wsgi", "asgi serves ASGI apps, and this one is WSGI"),
        (Choice("uvicorn_worker.UvicornWorker", 2), "wsgi", "serves ASGI apps"),
        (Choice("gevent", 2), "asgi", "gevent serves WSGI apps, and this one is ASGI"),
        (Choice("tornado", 2), "asgi", "tornado serves WSGI apps"),
    ],
)  # fmt: skip
def test_a_class_of_the_other_interface_can_not_run(
    choice: Choice, interface: str, words: str
) -> None:
    app = facts(interface="asgi" if interface == "asgi" else "wsgi")
    found = predict(app, choice, 2, concurrency=8, memory_bytes=1)
    assert not found.feasible
    assert found.limit == "class"
    assert words in found.why
    assert found.rps == 0


def test_an_event_loop_takes_any_number_of_requests_and_is_one_station() -> None:
    app = facts(2, 98, interface="asgi", classes=("asgi",))
    for name in ("asgi", "uvicorn_worker.UvicornWorker", "uvicorn.workers.UvicornH11Worker"):
        found = predict(app, Choice(name, 1), 4, concurrency=5000)
        assert found.rps == pytest.approx(500)
        assert found.limit == "gil"
        assert found.in_flight == 5000
        open_loop = predict(app, Choice(name, 1), 4, rps=250)
        assert open_loop.mean_ms == pytest.approx(98 + 2 / 0.5)  # M/M/1, then a delay


def test_tornado_serves_a_wsgi_app_one_request_at_a_time() -> None:
    assert served(Choice("tornado", 2)) == pytest.approx(served(Choice("sync", 2)))
    found = predict(facts(), Choice("tornado", 2), 2, concurrency=7)
    assert isinstance(found.p99_ms, float)
    assert found.p99_ms > found.mean_ms


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gunicorn.workers.ggevent.GeventWorker", "greenlets"),
        ("gunicorn.workers.sync.SyncWorker", "sync"),
        ("egg:gunicorn#gthread", "threads"),
        ("gevent_pywsgi", "greenlets"),
        ("eventlet", "greenlets"),
        ("gunicorn.workers.gasgi.ASGIWorker", "loop"),
    ],
)
def test_a_class_is_known_by_any_of_its_names(name: str, kind: str) -> None:
    assert family(name) == kind


def test_a_class_of_the_projects_own_is_not_foretold() -> None:
    with pytest.raises(PredictError, match=r"how project\.sync\.Worker takes requests is not"):
        predict(facts(), Choice("project.sync.Worker", 2), 2, concurrency=8)


def test_a_class_that_was_not_measured_costs_what_the_nearest_one_does_and_says_so() -> None:
    app = facts(classes=("sync", "project.Own"))
    found = predict(app, Choice("gevent", 2), 2, concurrency=32)
    assert "CPU time per request as measured under sync" in found.why
    assert "as measured" not in predict(app, SYNC, 2, concurrency=32).why


def test_shares_that_were_not_measured_are_taken_as_all_and_said_so() -> None:
    app = facts(gil_share=NOT_MEASURED, overlap=NOT_MEASURED)
    threads = predict(app, Choice("gthread", 2, 4), 2, concurrency=32)
    assert "under the GIL taken as all: the test did not measure it" in threads.why
    assert "waiting that overlaps taken as all" in (
        predict(app, Choice("gevent", 2), 2, concurrency=32).why
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wait_ms": NOT_MEASURED}, "the waiting per request is unknown: the test did not"),
        ({"cpu_ms": {}}, "no CPU time per request was measured"),
    ],
)
def test_without_cpu_time_or_waiting_nothing_is_foretold(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(PredictError, match=words):
        predict(replace(facts(), **changes), SYNC, 2, concurrency=8)


@pytest.mark.parametrize(
    ("cpus", "load"),
    [
        (2, {}),
        (2, {"concurrency": 8, "rps": 5.0}),
        (0, {"concurrency": 8}),
        (2, {"concurrency": 0}),
        (2, {"rps": math.inf}),
        (math.nan, {"concurrency": 8}),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(cpus: float, load: dict[str, Any]) -> None:
    with pytest.raises(GunituneError):
        predict(facts(), SYNC, cpus, **load)


def test_noise_below_zero_is_no_time() -> None:
    app = facts(0.0, -0.2, gil_share=1.3, overlap=-0.1)
    needs = demands(app, Choice("gevent", 2))
    assert needs.cpu_ms > 0
    assert needs.wait_ms == 0
    assert demands(app, Choice("gthread", 2, 4)).free_cpu_ms == 0


@pytest.mark.parametrize(
    "choice",
    [Choice("sync", 131073), Choice("gthread", 131073, 128, 128), Choice("gevent", 131073),
     Choice("gthread", 255, 8, 8)],
)  # fmt: skip
@pytest.mark.parametrize("load", [{"concurrency": 10_000_000}, {"rps": 100_000.0}])
def test_no_size_of_machine_or_load_takes_long(choice: Choice, load: dict[str, Any]) -> None:
    found: Prediction = predict(facts(gil_share=0.5), choice, 65536, **load)
    assert found.cores <= 65536
