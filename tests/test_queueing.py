"""The formulas of queueing theory, against known values, closed forms and brute force."""

from __future__ import annotations

import math
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.predict.queueing import (
    LARGEST_POPULATION,
    Queue,
    behind_slots,
    closed,
    erlang_c,
    gamma_quantile,
    interference,
    mva,
    quantile,
    regular,
    root,
    stationary,
)

times = st.floats(0.01, 100)


@pytest.mark.parametrize(
    ("waiting", "threads"),
    [(0.25, (1, 2, 2)), (1, (2, 3, 4)), (9, (10, 12, 14)), (49, (43, 50, 55))],
)
def test_so_many_threads_keep_one_process_busy_to_80_90_and_95_percent(
    waiting: float, threads: tuple[int, ...]
) -> None:
    for share, least in zip((0.8, 0.9, 0.95), threads, strict=True):
        assert closed(least, 1, waiting) >= share - 1e-12
        assert closed(least - 1, 1, waiting) < share


def brute_force(customers: int, demand: float, delay: float, stations: int) -> float:
    """Throughput by the normalising constants of the product form, summed over all states."""

    def constant(population: int) -> float:
        # every split over equal stations has the same weight: count them
        return math.fsum(
            math.comb(queued + stations - 1, queued)
            * demand**queued
            / stations**queued
            * delay ** (population - queued)
            / math.factorial(population - queued)
            for queued in range(population + 1)
        )

    return constant(customers - 1) / constant(customers)


@given(st.integers(1, 12), times, times, st.integers(1, 4))
def test_mean_value_analysis_is_the_product_form(
    customers: int, demand: float, delay: float, stations: int
) -> None:
    exact = brute_force(customers, demand, delay, stations)
    assert closed(customers, demand, delay, stations) == pytest.approx(exact, rel=1e-9)


@given(times, st.floats(0, 100), st.floats(0, 1))
def test_a_network_never_serves_more_than_its_station_or_its_population_allows(
    demand: float, delay: float, variation: float
) -> None:
    steps = list(islice(mva(demand, delay, 1, variation), 30))
    for fewer, more in pairwise(steps):
        assert more >= fewer * (1 - 1e-9)
    for customers, throughput in enumerate(steps, 1):
        bound = min(1 / demand, customers / (demand + delay))
        assert throughput <= bound * (1 + 1e-9)


def test_constant_service_loses_less_to_queueing_than_exponential() -> None:
    assert closed(8, 4, 40, variation=0) > closed(8, 4, 40) * 1.02


def test_a_crowd_saturates_the_station() -> None:
    assert closed(math.inf, 4, 40) == 1 / 4
    assert closed(LARGEST_POPULATION * 2, 4, 40, 3) == 3 / 4
    assert closed(LARGEST_POPULATION * 2, 1e-6, 1e9) == pytest.approx(LARGEST_POPULATION * 2 / 1e9)
    assert closed(0, 4, 40) == 0


@given(st.integers(1, 60), times, times)
def test_one_server_with_interference_is_mean_value_analysis(
    customers: int, demand: float, delay: float
) -> None:
    states = interference(customers, 1, demand, delay)
    rate = (1 - (states.probabilities[0] if states.first == 0 else 0)) / demand
    assert rate == pytest.approx(closed(customers, demand, delay), rel=1e-6)


@given(st.integers(1, 200), st.floats(0.1, 64), times, times)
def test_what_arrives_at_the_servers_leaves_them(
    customers: int, servers: float, demand: float, delay: float
) -> None:
    states = interference(customers, servers, demand, delay)
    served = states.mean(lambda here: min(here, servers)) / demand
    asked = (customers - states.mean()) / delay
    assert served == pytest.approx(asked, rel=1e-6)
    assert math.fsum(states.probabilities) == pytest.approx(1)


def test_without_delay_all_are_at_the_servers_and_without_demand_none() -> None:
    assert interference(7, 2, 4, 0).mean() == 7
    assert interference(7, 2, 0, 4).mean() == 0


@given(st.floats(0.05, 20), st.integers(0, 300))
def test_a_constant_death_rate_per_head_makes_a_truncated_poisson(load: float, top: int) -> None:
    states = stationary(lambda state: load / state, top)
    weights = [math.exp(k * math.log(load) - math.lgamma(k + 1)) for k in range(top + 1)]
    mean = sum(k * weight for k, weight in enumerate(weights)) / sum(weights)
    assert states.mean() == pytest.approx(mean, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("servers", "utilisation", "waits"),
    # the mean wait in service times, as tables of M/M/c have it
    [(1, 0.7, 2.333), (1, 0.9, 9.0), (2, 0.8, 1.778), (4, 0.7, 0.357), (8, 0.9, 0.877),
     (16, 0.8, 0.096)],
)  # fmt: skip
def test_erlang_c_gives_the_wait_of_the_tables(
    servers: int, utilisation: float, waits: float
) -> None:
    load = servers * utilisation
    assert erlang_c(load, servers) / (servers - load) == pytest.approx(waits, abs=0.001)


def test_erlang_c_knows_no_more_than_always() -> None:
    assert erlang_c(2, 2) == 1
    assert erlang_c(1e6, 3) == 1


@given(st.integers(1, 64), st.floats(0.05, 0.98), times)
def test_slots_before_a_network_without_contention_are_erlangs(
    servers: int, utilisation: float, service: float
) -> None:
    arrivals = utilisation * servers / service
    queue = behind_slots(arrivals, servers, lambda inside: inside / service)
    waiting = erlang_c(arrivals * service, servers)
    assert queue.waiting == pytest.approx(waiting, rel=1e-6, abs=1e-12)
    assert queue.wait == pytest.approx(waiting / (servers / service - arrivals), rel=1e-6, abs=1e-9)
    assert queue.inside == pytest.approx(service, rel=1e-6)


@given(st.floats(0.05, 0.95), times, st.floats(0.5, 0.999))
def test_the_quantile_of_one_exponential_server_is_exponential(
    utilisation: float, service: float, share: float
) -> None:
    arrivals = utilisation / service
    queue = behind_slots(arrivals, 1, lambda _: 1 / service)
    exact = -math.log(1 - share) / (1 / service - arrivals)
    assert quantile(share, queue, 0) == pytest.approx(exact, rel=1e-5)


def test_who_waits_as_long_as_the_service_takes_has_an_erlang_quantile() -> None:
    # the sum of two equal exponential times: P(> t) = (1 + t) exp(-t)
    assert quantile(0.99, Queue(1.0, 1.0, 1.0), 0) == pytest.approx(6.6384, abs=1e-3)


def test_who_never_waits_and_takes_constant_time_has_a_constant_quantile() -> None:
    assert quantile(0.99, Queue(0.0, 0.0, 40.0), 40.0) == pytest.approx(40.0)


def test_constant_service_halves_the_wait_before_one_server() -> None:
    # Pollaczek, Khinchine
    assert regular(Queue(0.5, 10.0, 4.0), 0.0).wait == 5.0


@pytest.mark.parametrize(("shape", "exact"), [(1, 4.605), (2, 6.638), (5, 11.605), (20, 31.85)])
def test_the_gamma_quantile_is_near_the_exact_one(shape: int, exact: float) -> None:
    assert gamma_quantile(0.99, shape, shape) == pytest.approx(exact, rel=0.01)


def test_a_certain_time_is_its_own_quantile() -> None:
    assert gamma_quantile(0.99, 5, 0) == 5
    assert gamma_quantile(0.99, -1, 3) == 0


@given(st.floats(0.1, 50), st.floats(1, 4))
def test_a_root_is_found_wherever_it_lies(zero: float, power: float) -> None:
    assert root(lambda x: zero**power - x**power, 0.0, 100.0) == pytest.approx(zero, rel=1e-6)


def test_a_root_beyond_the_bounds_is_the_bound() -> None:
    assert root(lambda x: -1 - x, 0, 5) == 0
    assert root(lambda x: 10 - x, 0, 5) == 5
