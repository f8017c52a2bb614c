"""The model against an event simulation of its own assumptions, and the simulation against both.

Seeds are fixed, so that a case either always passes or always fails.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from gunitune.predict.arrivals import capacity, open_loop
from gunitune.predict.closed import ClosedLoop
from gunitune.predict.demands import Demands
from gunitune.predict.queueing import closed, erlang_c
from gunitune.predict.simulate import simulate

SERVED = 4000


def sync(workers: int, cpu_ms: float, wait_ms: float) -> Demands:
    return Demands(workers, 1, True, 0.0, 0.0, cpu_ms, wait_ms)


def drawn(seed: int) -> tuple[Demands, float, int, bool]:
    """A server, its CPUs and clients, and whether they stay with a worker: all over the place."""
    draw = random.Random(seed)
    cpus = draw.choice([0.5, 1, 1.5, 2, 2, 4, 8])
    workers = draw.choice([1, 2, 3, 5, 9, 17])
    cpu, wait = draw.choice([0.3, 1, 4, 10]), draw.choice([0, 1, 5, 10, 40, 100])
    threads, held = draw.choice([2, 4, 8, 16, 32]), draw.choice([0.1, 0.5, 0.9])
    overlap = draw.choice([0.2, 0.7])
    found = draw.choice(
        [
            sync(workers, cpu, wait),
            Demands(workers, threads, False, cpu, 0.0, 0.0, wait),
            Demands(workers, threads, True, cpu, 0.0, 0.0, wait),
            Demands(workers, threads, False, cpu * held, 0.0, cpu * (1 - held), wait),
            Demands(workers, 1000, False, cpu, (1 - overlap) * wait, 0.0, overlap * wait),
            Demands(workers, math.inf, False, cpu, 0.0, 0.0, wait),
        ]
    )
    return found, cpus, draw.choice([1, 2, 8, 16, 32, 64, 100]), draw.random() < 0.7


@pytest.fixture(scope="module")
def closed_errors() -> list[tuple[float, float]]:
    """Errors of throughput and p99 in closed loop, as shares, over many servers."""
    found = []
    for seed in range(60):
        server, cpus, clients, sticky = drawn(seed)
        flow = ClosedLoop(server, cpus, clients, sticky=sticky).flow()
        seen = simulate(
            server, cpus, concurrency=clients, sticky=sticky, requests=SERVED, seed=seed
        )
        found.append((1000 * flow.rate / seen.rps - 1, flow.p99_ms / seen.quantile(0.99) - 1))
    return found


@pytest.fixture(scope="module")
def open_errors() -> list[tuple[float, float]]:
    """Errors of mean and p99 latency in open loop."""
    found = []
    for seed in range(60):
        server, cpus, _, _ = drawn(seed)
        rate = capacity(server, cpus) * random.Random(seed).choice([0.3, 0.5, 0.7])
        flow = open_loop(server, cpus, rate)
        assert flow is not None
        seen = simulate(server, cpus, rps=1000 * rate, requests=SERVED, seed=seed)
        found.append((flow.mean_ms / seen.mean_ms - 1, flow.p99_ms / seen.quantile(0.99) - 1))
    return found


def spread(errors: list[float]) -> tuple[float, float, float]:
    """Median, nine tenths and most of the errors' sizes."""
    sizes = sorted(map(abs, errors))
    return sizes[len(sizes) // 2], sizes[9 * len(sizes) // 10], sizes[-1]


def test_throughput_is_what_a_simulation_serves(closed_errors: list[tuple[float, float]]) -> None:
    median, most, worst = spread([error for error, _ in closed_errors])
    assert median < 0.01
    assert most < 0.05
    assert worst < 0.2


def test_p99_in_closed_loop_is_near_a_simulations(
    closed_errors: list[tuple[float, float]],
) -> None:
    median, most, _ = spread([error for _, error in closed_errors])
    assert median < 0.06
    assert most < 0.4


def test_latency_under_arrivals_is_near_a_simulations(
    open_errors: list[tuple[float, float]],
) -> None:
    median, most, _ = spread([error for error, _ in open_errors])
    assert median < 0.03
    assert most < 0.15
    median, most, _ = spread([error for _, error in open_errors])
    assert median < 0.1
    assert most < 0.4


@pytest.mark.parametrize(
    "server",
    [
        sync(3, 4, 40),  # all slots taken
        Demands(3, 4, False, 4.0, 0.0, 0.0, 40.0),
        Demands(3, math.inf, False, 4.0, 0.0, 0.0, 40.0),  # the CPUs
        Demands(1, math.inf, False, 1.0, 9.0, 0.0, 0.0),  # the process
    ],
)
def test_more_than_can_be_served_has_no_latency(server: Demands) -> None:
    most = capacity(server, 2)
    assert open_loop(server, 2, most * 1.001) is None
    assert open_loop(server, 2, most * 0.9) is not None


IN_TURN = [
    Demands(9, 1, True, 0.0, 0.0, 2.0, 12.0, serial_ms=3.0),
    Demands(3, 16, False, 2.0, 0.0, 0.0, 40.0, serial_ms=3.0),
    Demands(3, 16, True, 2.0, 0.0, 0.0, 40.0, serial_ms=1.5),
    Demands(2, math.inf, False, 1.0, 0.0, 0.0, 40.0, serial_ms=3.0),
    # a process that stands still for its turn, and the others that wait for it
    Demands(3, math.inf, False, 1.0, 3.0, 0.0, 10.0, serial_ms=3.0),
    Demands(3, math.inf, False, 1.0, 3.0, 0.0, 10.0, serial_ms=0.5),
]


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize("server", IN_TURN)
def test_requests_that_take_turns_are_served_as_in_a_simulation(server: Demands, cpus: int) -> None:
    flow = ClosedLoop(server, cpus, 32).flow()
    seen = simulate(server, cpus, concurrency=32, requests=SERVED)
    assert 1000 * flow.rate == pytest.approx(seen.rps, rel=0.06)
    free = ClosedLoop(replace(server, serial_ms=0.0), cpus, 32).flow()
    assert flow.rate < free.rate


@pytest.mark.parametrize("server", IN_TURN)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_arrivals_that_take_turns_wait_as_in_a_simulation(server: Demands, share: float) -> None:
    rate = share * capacity(server, 2)
    flow = open_loop(server, 2, rate)
    assert flow is not None
    seen = simulate(server, 2, rps=1000 * rate, requests=2 * SERVED)
    assert flow.mean_ms == pytest.approx(seen.mean_ms, rel=0.25)


def test_the_simulation_of_a_plain_queue_is_erlangs() -> None:
    seen = simulate(sync(4, 10, 0), 4, rps=280, requests=40_000)
    load = 2.8
    assert seen.mean_ms - 10 == pytest.approx(10 * erlang_c(load, 4) / (4 - load), rel=0.1)


def test_the_simulation_of_one_process_is_mean_value_analysis() -> None:
    one = Demands(1, 16, False, 4.0, 0.0, 0.0, 40.0)
    seen = simulate(one, 2, concurrency=12, requests=10_000)
    assert seen.rps == pytest.approx(1000 * closed(12, 4, 40), rel=0.02)
    assert seen.mean_ms == pytest.approx(12_000 / seen.rps, rel=0.02)


def test_constant_cpu_times_make_a_clockwork() -> None:
    seen = simulate(sync(2, 4, 6), 2, concurrency=2, random_cpu=False, requests=200)
    assert seen.mean_ms == pytest.approx(10)
    assert seen.quantile(1.0) == pytest.approx(10)
    assert seen.rps == pytest.approx(200, rel=0.02)
