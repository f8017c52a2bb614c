"""What the user must know of a study besides its numbers, and what to do next."""

from __future__ import annotations

import math
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.tune.closing import disturbed
from gunitune.tune.objective import quantile_of
from gunitune.units import format_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.trial import Block, Choice
    from gunitune.tune.result import OpenRun, Ratio
    from gunitune.tune.standing import Ranking
    from gunitune.tune.wanted import Wanted

NAMED = 3  # choices, where many are meant
# Of the winner's p99, and of its throughput: what is worth a word to whom answers matter.
QUICKER, NEARLY = 0.6, 0.9
CORRECTED = 1.15  # times; less than that from the counted to the told needs no word


def notes(  # noqa: PLR0913  (all that may have gone wrong)
    wanted: Wanted,
    ranking: Ranking,
    *,
    opened: Sequence[OpenRun],
    against: Sequence[Ratio],
    missing: bool,
    spent_s: float,
) -> Iterator[str]:
    """What was left out, repeated or can't be told; `missing`: somebody was not compared."""
    yield from _doubts(wanted, ranking, opened, against)
    if ranking.winner is None:
        return
    yield from _corrected(ranking)
    yield from _untold(ranking, ranking.winner)
    yield from _quicker(wanted, ranking, ranking.winner)
    if wanted.load.open:
        by = " and those that keep up are ranked by p99" if wanted.aim.ranked_by == "p99" else ""
        yield f"no finals: the load is an open loop already,{by}".rstrip(",")
    elif not opened:
        yield "no finals in open loop: the budget was too short"
    if missing:
        yield "the closing comparison is not complete: the budget was too short"
    if spent_s >= wanted.budget_s and ranking.tied:
        yield "the time was up with ties left: a longer --budget may part them"


def _corrected(ranking: Ranking) -> Iterator[str]:
    """How the winner's requests per second differ from what was counted, where they do much."""
    assert ranking.winner is not None
    own = ranking.blocks.get(ranking.winner, [])
    if not own or ranking.winner not in ranking.levels.level:
        return
    raw = median([block.rps for block in own])
    told = ranking.levels.estimate(ranking.winner).value
    if raw > 0 and not 1 / CORRECTED < told / raw < CORRECTED:
        yield (
            f"requests per second are told for the mean speed of the host during the study: "
            f"{ranking.winner} was counted at {raw:.0f} in the middle of its runs"
        )


def _untold(ranking: Ranking, winner: Choice) -> Iterator[str]:
    """That the recommended one stays for want of anything that speaks against it."""
    merit, aim = ranking.merit, ranking.aim
    if winner != ranking.recommended or winner not in merit.level:
        return
    others = [choice for choice in ranking.tied if aim.untold(merit, choice, winner)]
    if others:
        named = ", ".join(map(str, others[:NAMED])) + (", ..." if len(others) > NAMED else "")
        yield f"{winner}, which is recommended, could not be told apart from {named}: it stays"


def _quicker(wanted: Wanted, ranking: Ranking, winner: Choice) -> Iterator[str]:
    """Who answers much sooner and serves nearly as much as the winner of most requests."""
    own = quantile_of(ranking.blocks.get(winner, ()), "p99_ms")
    if wanted.aim.ranked_by != "throughput" or isinstance(own, Unknown):
        return
    found = []
    for choice in ranking.able:
        p99 = quantile_of(ranking.blocks.get(choice, ()), "p99_ms")
        ratio = ranking.levels.ratio(choice, winner).value
        if not isinstance(p99, Unknown) and p99 <= QUICKER * own and ratio >= NEARLY:
            found.append((p99, ratio, choice))
    if found:
        p99, ratio, choice = min(found)
        less = f"{1 - ratio:.0%} fewer".replace("%", " %") if ratio < 0.995 else "no fewer"
        yield (
            f"{choice} answers sooner: p99 {format_number(round(p99))} ms instead of"
            f" {format_number(round(own))} ms, for {less} requests per second:"
            f" --max-p99 {format_number(math.ceil(1.2 * p99))}ms would take it"
        )


def _doubts(
    wanted: Wanted, ranking: Ranking, opened: Sequence[OpenRun], against: Sequence[Ratio]
) -> Iterator[str]:
    """Of the blocks themselves."""
    yield from _disturbed(ranking)
    yield from _unsure(ranking, opened, against)
    blocks = ranking.runs.blocks
    for said, count in Counter(note for block in blocks for note in block.notes).items():
        yield said if count == 1 else f"{said} ({count} of {len(blocks)} blocks)"
    if wanted.max_p99_ms is not None and (unknown := _p99_unknown(ranking)):
        yield f"p99 was not held against {format_number(wanted.max_p99_ms)} ms: {unknown}"


def _disturbed(ranking: Ranking) -> Iterator[str]:
    blocks = ranking.runs.blocks
    void = [block for block in blocks if block.void]
    if void and len(void) == len(blocks):
        yield (
            f"every block was disturbed: {'; '.join(_reasons(void))}: repeat on a quieter machine"
        )
        return
    if void:
        yield f"{len(void)} of {len(blocks)} blocks were void: {'; '.join(_reasons(void))}"
    alone = [choice for choice, own in ranking.blocks.items() if own[0].void]
    if alone:
        named = ", ".join(map(str, alone[:NAMED])) + (", ..." if len(alone) > NAMED else "")
        verb = "has" if len(alone) == 1 else "have"
        yield f"{named} {verb} no valid block; counted nevertheless"


def _unsure(ranking: Ranking, opened: Sequence[OpenRun], against: Sequence[Ratio]) -> Iterator[str]:
    """What rests on disturbed blocks alone, or may."""
    if spoilt := [run for run in opened if run.void]:
        why = "; ".join(dict.fromkeys(reason for run in spoilt for reason in run.void))
        yield f"finals: {len(spoilt)} of {len(opened)} runs were disturbed: {why}"
    for ratio in against:
        pair = [choice for choice in (ranking.winner, ratio.choice) if choice]
        if ratio.pairs and (spoilt_ := disturbed(ranking.runs, pair)):
            yield (
                f"{ratio.name}: all {ratio.pairs} pairs of the closing comparison were disturbed: "
                f"{'; '.join(_reasons(spoilt_))}: the ratio is not to be relied on"
            )


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
