"""What the user must know of a study besides its numbers, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.units import format_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.trial import Block
    from gunitune.tune.result import OpenRun
    from gunitune.tune.standing import Ranking
    from gunitune.tune.wanted import Wanted


def notes(
    wanted: Wanted,
    ranking: Ranking,
    *,
    opened: Sequence[OpenRun],
    missing: bool,
    spent_s: float,
) -> Iterator[str]:
    """What was left out, repeated or can't be told; `missing`: somebody was not compared."""
    yield from _doubts(wanted, ranking)
    if ranking.winner is None:
        return
    if wanted.load.open:
        yield "no finals: the load is an open loop already"
    elif not opened:
        yield "no finals in open loop: the budget was too short"
    if missing:
        yield "the closing comparison is not complete: the budget was too short"
    if spent_s >= wanted.budget_s and ranking.tied:
        yield "the time was up with ties left: a longer --budget may part them"


def _doubts(wanted: Wanted, ranking: Ranking) -> Iterator[str]:
    """Of the blocks themselves."""
    blocks = ranking.runs.blocks
    if void := [block for block in blocks if block.void]:
        yield f"{len(void)} of {len(blocks)} blocks were void: {'; '.join(_reasons(void))}"
    for choice, own in ranking.blocks.items():
        if own[0].void:
            yield f"{choice} has no valid block; counted nevertheless: {'; '.join(_reasons(own))}"
    if wanted.max_p99_ms is not None and (unknown := _p99_unknown(ranking)):
        yield f"p99 was not held against {format_number(wanted.max_p99_ms)} ms: {unknown}"


def following(wanted: Wanted, ranking: Ranking, study: str) -> Iterator[str]:
    """What to do next."""
    if ranking.winner is None:
        yield from _unmet(wanted, ranking)
        return
    if study:
        yield f"gunitune emit --from-study {study}"
    if ranking.tied and wanted.load.rps is None:
        yield f"gunitune tune --budget {format_number(2 * wanted.budget_s)}s, to part the ties"


def _unmet(wanted: Wanted, ranking: Ranking) -> Iterator[str]:
    if any("requests failed" in why for why in ranking.barred.values()):
        yield "look at the app's log for the failed requests, or say what counts: --expect-status"
    if wanted.max_p99_ms is not None:
        yield "ask for less at once (--concurrency) or allow a higher --max-p99"
    if not ranking.blocks:
        yield "nothing ran: give it a longer --budget"


def _reasons(blocks: Sequence[Block]) -> list[str]:
    return list(dict.fromkeys(reason for block in blocks for reason in block.void))[:3]


def _p99_unknown(ranking: Ranking) -> str:
    """Why no latency is known; "" where it is."""
    seen = [block.answered.latency for own in ranking.blocks.values() for block in own]
    unknown = [latency.reason for latency in seen if isinstance(latency, Unknown)]
    return unknown[0] if unknown and len(unknown) == len(seen) else ""
