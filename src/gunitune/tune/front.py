"""Which choices no other beats in everything: throughput, p99, memory (Pareto)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.trial import Choice
    from gunitune.tune.result import Standing

# Differences smaller than these (natural logarithms) are noise and put nobody on the front.
ALIKE = (0.01, 0.05, 0.02)


def front(standings: Sequence[Standing]) -> tuple[Choice, ...]:
    """The choices on the front, most throughput first; barred ones are not on it."""
    able = [standing for standing in standings if standing.fate != "barred" and standing.blocks]
    scores = {standing.choice: _scores(standing) for standing in able}
    kept = [
        choice
        for choice, own in scores.items()
        if not any(_beats(other, own) for other in scores.values())
    ]
    return tuple(sorted(kept, key=lambda choice: scores[choice][0], reverse=True))


def _scores(standing: Standing) -> tuple[float, float, float]:
    """Logarithms, higher is better; what is not known is worst."""
    return (
        _log(standing.rps.value),
        -_log(standing.p99_ms, math.inf),
        -_log(standing.memory_bytes, math.inf),
    )


def _log(value: float | Unknown, unknown: float = -math.inf) -> float:
    known = not isinstance(value, Unknown) and value > 0
    return math.log(value) if known and not isinstance(value, Unknown) else unknown


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """At least as good in all within the noise, and clearly better in one."""
    pairs = list(zip(one, other, ALIKE, strict=True))
    never_worse = all(a >= b - alike for a, b, alike in pairs)
    return never_worse and any(a > b + alike for a, b, alike in pairs)
