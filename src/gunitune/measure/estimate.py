"""How sure a number is that was measured a few times."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.trial import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

# Student's t, two-sided 95 %, for 1, 2, 3, ... degrees of freedom.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
_NORMAL = 1.96
# A single block has no spread of its own: throughput of one and the same start varies by 11 % from
# second to second on a quiet shared machine, so that two of three lie within that.
_SINGLE = 0.22


def estimate(
    values: Sequence[float], source: str, *, most: float = math.inf, lost: str = "not measured"
) -> Estimate | Unknown:
    """The mean with its 95 % interval by Student's t, kept within 0 and `most`.

    Of a single value the interval is 22 % to each side, what single blocks are known to vary by.
    Unknown with the reason `lost` where there is none.
    """
    if not values:
        return Unknown(lost)
    mean = fmean(values)
    if len(values) == 1:
        half = _SINGLE * mean
    else:
        freedom = len(values) - 1
        t = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL
        half = t * stdev(values) / math.sqrt(len(values))

    def kept(value: float) -> float:
        return min(most, max(0.0, value))

    return Estimate(kept(mean), kept(mean - half), kept(mean + half), source, len(values))


def spread(values: Sequence[float], source: str, lost: str) -> Estimate | Unknown:
    """The largest of a few readings, with the least and itself as bounds: memory, to be safe."""
    if not values:
        return Unknown(lost)
    return Estimate(max(values), min(values), max(values), source, len(values))


def times(found: Estimate, factor: float, why: str) -> Estimate:
    """The number with its interval, scaled; `why` says by what it is taken to grow or shrink."""
    return replace(
        found,
        value=factor * found.value,
        low=factor * found.low,
        high=factor * found.high,
        source=f"{found.source}, times {factor:.2f} {why}",
    )
