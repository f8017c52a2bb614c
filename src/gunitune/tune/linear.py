"""The little of linear algebra and of Student's t that the estimates need."""

from __future__ import annotations

import math
from statistics import NormalDist


def inverse(matrix: list[list[float]]) -> list[list[float]]:
    """The inverse of a symmetric positive definite matrix, by Gauss and Jordan in place.

    Positive definite as the normal equations with proper priors are: no pivoting is needed.
    """
    rows = [row[:] for row in matrix]
    for pivot, line in enumerate(rows):
        scale = 1.0 / line[pivot]
        line[pivot] = 1.0
        line[:] = [value * scale for value in line]
        for index, row in enumerate(rows):
            factor = row[pivot]
            if index != pivot and factor:
                row[pivot] = 0.0
                row[:] = [own - factor * other for own, other in zip(row, line, strict=True)]
    return rows


def student(share: float, freedom: float) -> float:
    """Quantile of Student's t with `freedom` degrees of freedom, for a share over 0.5.

    Exact for 1 and 2 (below 3 the next lower whole number is taken), beyond that the expansion of
    Abramowitz and Stegun 26.7.5, good to a percent.
    """
    if freedom < 2:
        return math.tan((share - 0.5) * math.pi)
    if freedom < 3:
        return (2 * share - 1) / math.sqrt(2 * share * (1 - share))
    x = NormalDist().inv_cdf(share)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + sum(term / freedom**power for power, term in enumerate(terms, 1))
