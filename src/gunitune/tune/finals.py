"""How the finalists answer when arrivals come by themselves, at shares of the best capacity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.trial import Latency
from gunitune.tune.result import OpenRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.trial import Block, Choice, Load
    from gunitune.tune.runs import Runs

SHARES = (0.7, 0.5, 0.85)  # in the order of what they tell, should time run out
FINALISTS = 3


def finals(
    runs: Runs,
    finalists: Sequence[Choice],
    load: Load,
    *,
    capacity_rps: float,
    reserve_s: float,
) -> tuple[OpenRun, ...]:
    """Each finalist in open loop (Poisson arrivals) at 50, 70 and 85 % of `capacity_rps`.

    One finalist after the other. `reserve_s` seconds are kept back for the closing comparison:
    where time is short, these go first.
    """
    found: list[OpenRun] = []
    for choice in finalists[:FINALISTS]:
        for turn, share in enumerate(SHARES):
            paced = replace(load, rps=share * capacity_rps)
            if runs.budget.blocks(paced, reserve_s) < 1:
                return _ordered(found)
            block = runs.block(choice, paced, "final", turn)
            if block and isinstance(block.answered.latency, Latency):
                found.append(_open_run(block, block.answered.latency, share, share * capacity_rps))
    return _ordered(found)


def _ordered(found: list[OpenRun]) -> tuple[OpenRun, ...]:
    """Finalist by finalist, light load first."""
    order = list(dict.fromkeys(run.choice for run in found))
    return tuple(sorted(found, key=lambda run: (order.index(run.choice), run.share)))


def _open_run(block: Block, latency: Latency, share: float, offered: float) -> OpenRun:
    return OpenRun(
        choice=block.choice,
        share=share,
        offered_rps=offered,
        served_rps=block.rps,
        p50_ms=latency.p50_ms,
        p95_ms=latency.p95_ms,
        p99_ms=latency.p99_ms,
        errors=block.answered.failed,
        lag_p99_ms=block.answered.lag_p99_ms,
        void=block.void,
    )
