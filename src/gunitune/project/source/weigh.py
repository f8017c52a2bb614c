"""Which kind of app the findings speak for, and how surely.

The score of a kind is the sum of its findings' weights; what says the same thing again counts for
less: the n-th finding of one library counts 1/sqrt(n) of its weight, so that what many handlers do
outweighs what one does. A finding in a request handler has the full weight of what was found (0 to
1), an import and a declaration a share of it (source/finding.py).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gunitune.model import Confidence, Kind
    from gunitune.project.source.finding import Finding

# Below this score nothing is convincing.
LEAST = 0.5
# A kind must have this many times the score of the other one; more of it makes it sure.
MARGIN, WIDE_MARGIN = 2.0, 4.0
# Score of loads at start-up, and of imports that bring models, from which an app is memory-bound,
# whatever its handlers do.
LOADED = 0.9
# Independent findings in handlers, and the score, that high confidence takes.
MANY, SURE = 3, 1.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind, and a remark where it could not be told."""

    kind: Kind
    confidence: Confidence
    note: str = ""


def weigh(findings: Sequence[Finding]) -> Verdict:
    """Decide between the kinds; what is close or thin stays unknown."""
    memory = [item for item in findings if item.evidence.kind == "memory"]
    loads = [item for item in memory if _is_work(item)]
    if _score(loads) >= LOADED:
        return Verdict("memory", "high" if len({i.key for i in loads}) > 1 else "medium")
    if _score(memory) >= LOADED:
        return Verdict("memory", "low")
    io, cpu = (_score(i for i in findings if i.evidence.kind == kind) for kind in ("io", "cpu"))
    kind: Kind = "io" if io >= cpu else "cpu"
    most, other = max(io, cpu), min(io, cpu)
    if most < LEAST:
        return Verdict("unknown", "low")
    if most < other * MARGIN:
        return Verdict("unknown", "low", _both(findings))
    return Verdict(kind, _confidence([i for i in findings if i.evidence.kind == kind], most, other))


def _both(findings: Sequence[Finding]) -> str:
    if {"io", "cpu"} <= {item.evidence.kind for item in findings if _is_work(item)}:
        return "the request handlers both wait and compute: measure which is more"
    return "what is used speaks for waiting as much as for computing: measure which is more"


def _confidence(findings: Sequence[Finding], most: float, other: float) -> Confidence:
    work = {item.key for item in findings if _is_work(item)}
    if len(work) >= MANY and most >= SURE and most >= other * WIDE_MARGIN:
        return "high"
    return "medium" if work else "low"


def _is_work(item: Finding) -> bool:
    return item.place in ("handler", "startup")


def _score(findings: Iterable[Finding]) -> float:
    weights: dict[str, list[float]] = defaultdict(list)
    for item in findings:
        weights[item.evidence.library or item.source or item.key].append(item.evidence.weight)
    shares = (
        weight / math.sqrt(place)
        for same in weights.values()
        for place, weight in enumerate(sorted(same, reverse=True), 1)
    )
    return round(sum(shares), 3)
