"""Counts what of all that a loop saw belongs to its window."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunitune.load.loop import Loop

SLICE_S = 0.1
UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests of the window: how many were served, latencies in seconds, errors by kind."""

    served: int
    latencies: array[float]
    errors: Mapping[str, int]
    slices: list[int]


def tallied(loop: Loop) -> Tally:
    """Count what belongs to the window.

    Closed loop: what was answered within it, whenever it was asked for. In a steady state as many
    requests reach into the window as are cut by its end, so that neither throughput nor latency is
    biased. Only a request that was open from before the window until after it would never be seen:
    its time so far joins the latencies. Open loop: what was due within it, however late it was
    answered; what was not answered at all is an error.
    """
    latencies = array("d", (done - due for due, done in _pairs(loop) if loop.counts(due, done)))
    served = len(latencies)
    errors = Counter(kind for due, done, kind in loop.failures if loop.counts(due, done))
    if loop.plan.rps is None:
        latencies.extend(_spanning(loop))
    else:
        errors[UNANSWERED] = sum(loop.counts(due, loop.stopped) for due in loop.unanswered())
    return Tally(served, latencies, +errors, _slices(loop))


def _pairs(loop: Loop) -> Iterator[tuple[float, float]]:
    return zip(loop.dues, loop.dones, strict=True)


def _spanning(loop: Loop) -> Iterator[float]:
    """Seconds so far of the requests that were open all through the window."""
    for due, done in _pairs(loop):
        if due < loop.start and done >= loop.end:
            yield done - due
    for due in loop.unanswered():
        if due < loop.start:
            yield loop.stopped - due


def _slices(loop: Loop) -> list[int]:
    """How many answers came in each tenth of a second of the window."""
    found = [0] * max(round((loop.end - loop.start) / SLICE_S), 1)
    for done in loop.dones:
        if loop.start <= done < loop.end:
            found[min(int((done - loop.start) / SLICE_S), len(found) - 1)] += 1
    return found
