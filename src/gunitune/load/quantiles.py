"""Gives the exact percentiles of latencies, and how sure p99 is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.trial import Latency

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping

NONE = "no request was served"
Z95 = 1.96
TAIL = 0.025  # on either side
EXACT_MOST = 5000  # samples
MS = 1000


def latency_of(*windows: array[float]) -> Latency | Unknown:
    """The latency of all samples (seconds) of these windows together; Unknown where there is none.

    Percentiles are order statistics, the sample of rank ceil(q * n): no interpolation, no buckets.
    """
    samples = sorted(sample for window in windows for sample in window)
    if not samples:
        return Unknown(NONE)
    low, high = ranks(0.99, len(samples))
    return Latency(
        count=len(samples),
        mean_ms=MS * math.fsum(samples) / len(samples),
        p50_ms=MS * quantile(samples, 0.50),
        p90_ms=MS * quantile(samples, 0.90),
        p95_ms=MS * quantile(samples, 0.95),
        p99_ms=MS * quantile(samples, 0.99),
        p999_ms=MS * quantile(samples, 0.999),
        max_ms=MS * samples[-1],
        p99_low_ms=MS * samples[low - 1],
        p99_high_ms=MS * samples[high - 1],
    )


def quantile(ordered: list[float], share: float) -> float:
    """The smallest sample that at least this share of the ordered samples does not exceed."""
    # 0.99 * 100 is a little more than 99 in floating point.
    return ordered[max(math.ceil(share * len(ordered) - 1e-9), 1) - 1]


def ranks(share: float, count: int) -> tuple[int, int]:
    """The ranks (from 1) of the samples between which the quantile lies with 95 % confidence.

    How many of `count` samples lie above it is binomial: exact tails where they are few, else the
    normal approximation n q -+ 1.96 sqrt(n q (1 - q)), rounded up (Conover, Practical Nonparametric
    Statistics, 3rd ed., 3.2). Where there are too few samples for an upper bound, it is the
    largest of them.
    """
    if count > EXACT_MOST:
        middle = count * share
        reach = Z95 * math.sqrt(middle * (1 - share))
        return math.ceil(middle - reach), min(math.ceil(middle + reach), count)
    above, chance, high = 0, share**count, count
    total = chance
    while total < 1 - TAIL:
        if total <= TAIL:
            high = count - above
        chance *= (count - above) / (above + 1) * (1 - share) / share
        above += 1
        total += chance
    return max(count - above, 1), high


def summarised(count: int, mean_s: float, max_s: float, levels: Mapping[float, float]) -> Latency:
    """The latency from percentiles (share: seconds) that another program has computed.

    `levels` holds 0.5, 0.9, 0.95, 0.99 and 0.999. The interval of p99 lies between the nearest of
    them that enclose it: wider than it need be, never narrower.
    """
    low, high = ranks(0.99, count)
    known = {**levels, 0.0: 0.0, 1.0: max_s}
    return Latency(
        count=count,
        mean_ms=MS * mean_s,
        p50_ms=MS * levels[0.5],
        p90_ms=MS * levels[0.9],
        p95_ms=MS * levels[0.95],
        p99_ms=MS * levels[0.99],
        p999_ms=MS * levels[0.999],
        max_ms=MS * max_s,
        p99_low_ms=MS * known[max(share for share in known if share * count <= low)],
        p99_high_ms=MS * known[min(share for share in known if share * count >= high)],
    )
