"""How clients spread over workers that accept more than they serve: the urn, and what it costs."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from statistics import mean

import pytest

from gunitune.predict import hoarding
from gunitune.predict.closed import ClosedLoop
from gunitune.predict.demands import Demands
from gunitune.predict.simulate import simulate

WAITS = Demands(5, 2, False, 2.0, 0.0, 0.0, 40.0, hoards=hoarding.THREADS)


def drawn(clients: int, workers: int, weight: float, seed: int) -> list[int]:
    """How many clients each worker has, from the urn itself."""
    draw, weights = random.Random(seed), [weight] * workers
    for _ in range(clients):
        weights[draw.choices(range(workers), weights)[0]] += 1
    return [round(each - weight) for each in weights]


@pytest.mark.parametrize("clients", [5, 32, 256])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_client_is_with_some_worker(clients: int, workers: int) -> None:
    found = hoarding.chances(clients, workers, 0.2)
    assert math.fsum(found) == pytest.approx(1)
    assert workers * math.fsum(n * p for n, p in enumerate(found)) == pytest.approx(clients)
    assert math.fsum(p for _, p in hoarding.peopled(clients, workers, 0.2)) == pytest.approx(1)


@pytest.mark.parametrize(("clients", "workers"), [(32, 2), (32, 3), (8, 5), (32, 5)])
def test_the_chances_are_those_of_drawing_from_the_urn(clients: int, workers: int) -> None:
    starts = [drawn(clients, workers, 0.4, seed) for seed in range(4000)]
    for some, chance in hoarding.peopled(clients, workers, 0.4):
        found = [start for start in starts if sum(map(bool, start)) == some]
        assert len(found) / len(starts) == pytest.approx(chance, abs=0.03)
        served = [sum(min(n, 4) for n in start) for start in found]
        if len(served) > 200:
            assert mean(served) == pytest.approx(hoarding.inside(clients, some, 0.4, 4), rel=0.05)


def test_a_heavy_urn_spreads_them_as_coins_do() -> None:
    found = hoarding.chances(10, 2, 1e6)
    coins = [math.comb(10, here) / (2**10 - 2) for here in range(1, 10)]
    assert found == pytest.approx([0.0, *coins, 0.0], rel=1e-3)
    assert dict(hoarding.peopled(10, 2, 1e6))[1] == pytest.approx(2 / 2**10, rel=1e-3)


def test_many_workers_are_stood_for_by_a_few_numbers_of_them() -> None:
    found = hoarding.peopled(256, 65, 3.2)
    assert len(found) == hoarding.FEW
    assert [some for some, _ in found] == sorted(some for some, _ in found)
    starts = [sum(map(bool, drawn(256, 65, 3.2, seed))) for seed in range(200)]
    assert sum(some * chance for some, chance in found) == pytest.approx(mean(starts), rel=0.02)


def test_none_has_more_in_service_than_its_slots() -> None:
    assert hoarding.inside(32, 1, 0.2, 8) == 8
    assert hoarding.inside(3, 1, 0.2, math.inf) == 3
    assert hoarding.inside(32, 5, 0.2, math.inf) == pytest.approx(32)
    assert hoarding.inside(32, 5, 0.2, 1) == 5


def test_as_many_threads_have_work_as_were_seen_to() -> None:
    # gthread of 2, 3 and 5 workers of two threads, 32 connections, on one CPU and on two: how
    # many times what one such worker serves
    seen = {(1, 2): 1.4, (1, 3): 1.9, (1, 5): 2.3, (2, 2): 1.8, (2, 3): 2.4, (2, 5): 3.4}
    for (cpus, workers), times in seen.items():
        weight = cpus * hoarding.THREADS
        parts = hoarding.peopled(32, workers, weight)
        busy = sum(chance * hoarding.inside(32, some, weight, 2) for some, chance in parts)
        assert busy / 2 == pytest.approx(times, rel=0.2)


def test_the_slowest_percent_is_served_by_the_worker_that_has_most() -> None:
    assert hoarding.fullest(32, 1, 0.2, 2) == 32
    assert 20 < hoarding.fullest(32, 3, 0.2, 2) <= 30
    assert 16 < hoarding.fullest(32, 2, 1e6, 2) < 25


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize(
    "server",
    [
        WAITS,
        replace(WAITS, workers=3, slots=8),
        replace(WAITS, workers=2, slots=32, held_cpu_ms=4.0),
        replace(WAITS, held_cpu_ms=1.0, free_cpu_ms=1.0),
        replace(WAITS, held_cpu_ms=0.0, free_cpu_ms=2.0),
        replace(WAITS, slots=8, serial_ms=3.0),
    ],
)
def test_throughput_is_what_simulated_starts_serve_on_average(server: Demands, cpus: int) -> None:
    flow = ClosedLoop(server, cpus, 32).flow()
    starts = [
        simulate(server, cpus, concurrency=32, requests=400, seed=seed).rps for seed in range(60)
    ]
    assert 1000 * flow.rate == pytest.approx(mean(starts), rel=0.12)


def test_hoarding_costs_what_threads_can_not_take() -> None:
    even = ClosedLoop(replace(WAITS, hoards=0.0), 1, 32).flow()
    hoarded = ClosedLoop(WAITS, 1, 32).flow()
    assert hoarded.rate < 0.7 * even.rate
    assert hoarded.p99_ms > 2 * even.p99_ms
    roomy = replace(WAITS, slots=32)
    assert (
        ClosedLoop(roomy, 1, 32).flow().rate
        > 0.85 * ClosedLoop(replace(roomy, hoards=0.0), 1, 32).flow().rate
    )


@pytest.mark.parametrize("clients", [1, 2, 100_000, math.inf])
def test_few_clients_and_any_number_of_them_are_served(clients: float) -> None:
    flow = ClosedLoop(WAITS, 2, clients).flow()
    assert 0 < flow.rate <= ClosedLoop(replace(WAITS, hoards=0.0), 2, clients).flow().rate * 1.001


def test_connections_that_are_not_kept_are_not_hoarded() -> None:
    even = ClosedLoop(replace(WAITS, hoards=0.0), 1, 32, sticky=False).flow()
    assert ClosedLoop(WAITS, 1, 32, sticky=False).flow() == even
