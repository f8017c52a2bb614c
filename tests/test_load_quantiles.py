"""Percentiles are order statistics, and the interval of p99 holds what it promises."""

from __future__ import annotations

import math
import statistics
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunitune.load.quantiles import latency_of, quantile, ranks, summarised
from gunitune.model import Unknown
from gunitune.trial import Latency


def test_the_percentiles_of_a_thousand_samples_are_the_samples_of_their_rank() -> None:
    found = latency_of(array("d", (number / 1000 for number in range(1000, 0, -1))))
    assert isinstance(found, Latency)
    assert found.count == 1000
    assert found.mean_ms == pytest.approx(500.5)
    levels = (found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.p999_ms, found.max_ms)
    assert levels == pytest.approx((500, 900, 950, 990, 999, 1000))
    # Of 1000 samples, at most 3 lie above it in 1.0 % of all cases, and 18 or more in 1.4 %.
    assert (found.p99_low_ms, found.p99_high_ms) == pytest.approx((983, 997))


def test_several_windows_count_as_one() -> None:
    parts = (array("d", [0.1, 0.5]), array("d"), array("d", [0.3]))
    assert latency_of(*parts) == latency_of(array("d", [0.5, 0.3, 0.1]))


def test_no_sample_has_no_latency() -> None:
    assert latency_of() == latency_of(array("d")) == Unknown("no request was served")


def test_a_single_sample_is_every_percentile() -> None:
    found = latency_of(array("d", [0.002]))
    assert found == Latency(1, 2, 2, 2, 2, 2, 2, 2, 2, 2)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e3), min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_the_smallest_sample_that_the_share_does_not_exceed(
    samples: list[float], share: float
) -> None:
    ordered = sorted(samples)
    found = quantile(ordered, share)
    least = share * len(ordered) - 1e-6
    assert sum(sample <= found for sample in ordered) >= least
    below = [sample for sample in ordered if sample < found]
    assert len(below) < share * len(ordered) + 1e-6


@pytest.mark.parametrize("count", [400, 1000, 5000, 20_000])
def test_the_interval_covers_p99_at_least_as_often_as_it_says(count: int) -> None:
    low, high = ranks(0.99, count)
    # It holds the quantile unless fewer than `low` or at least `high` samples lie below it; how
    # many do is binomial, here by its exact logarithms.
    covered = sum(
        math.exp(
            math.lgamma(count + 1)
            - math.lgamma(below + 1)
            - math.lgamma(count - below + 1)
            + below * math.log(0.99)
            + (count - below) * math.log(0.01)
        )
        for below in range(low, high)
    )
    assert 0.948 < covered < 0.985


@settings(deadline=None)
@given(st.integers(1, 10**7))
def test_the_ranks_are_those_of_samples(count: int) -> None:
    low, high = ranks(0.99, count)
    assert 1 <= low <= high <= count


@pytest.mark.parametrize(
    ("count", "low_ms", "high_ms"), [(10, 900, 2000), (100, 950, 2000), (1000, 950, 999)]
)
def test_a_summary_gives_an_interval_that_is_wide_enough(
    count: int, low_ms: float, high_ms: float
) -> None:
    levels = {share: share for share in (0.5, 0.9, 0.95, 0.99, 0.999)}
    found = summarised(count, 0.6, 2.0, levels)
    assert (found.count, found.mean_ms, found.p99_ms, found.max_ms) == (count, 600, 990, 2000)
    assert (found.p99_low_ms, found.p99_high_ms) == (low_ms, high_ms)


def test_a_summary_encloses_the_interval_of_its_samples() -> None:
    samples = [math.exp(number % 977 / 100) / 1e6 for number in range(3000)]
    ordered, exact = sorted(samples), latency_of(array("d", samples))
    levels = {share: quantile(ordered, share) for share in (0.5, 0.9, 0.95, 0.99, 0.999)}
    found = summarised(len(samples), statistics.fmean(samples), max(samples), levels)
    assert isinstance(exact, Latency)
    assert found.p99_low_ms <= exact.p99_low_ms <= exact.p99_high_ms <= found.p99_high_ms
    assert found.p999_ms == exact.p999_ms
