"""The winner against those it is compared with, once more in turn: A B B A."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from gunitune.tune.estimate import levels
from gunitune.tune.result import Ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gunitune.trial import Block, Choice, Load
    from gunitune.tune.estimate import Levels
    from gunitune.tune.gauge import Supply
    from gunitune.tune.runs import Runs

MOST_TURNS = 8
SURE = 1.03  # the interval is narrow enough when it reaches no further than this


def closing(  # noqa: PLR0913  (what the comparison is made of)
    runs: Runs,
    winner: Choice,
    others: Mapping[str, Choice],
    load: Load,
    *,
    supply: Supply,
    searched: Levels,
) -> tuple[Ratio, ...]:
    """Run them forth and back until the ratios are sure or the time is up; at least once each way.

    Nothing is started when the time is over: a budget that was too short leaves fewer pairs.
    """
    budget = runs.budget
    line = list(dict.fromkeys([winner, *others.values()]))
    found: tuple[Ratio, ...] = ()
    for turn in range(0, MOST_TURNS if len(line) > 1 else 0, 2):
        if turn and budget.blocks(load) < 2 * len(line):
            break
        for step, choice in enumerate([*line, *reversed(line)]):
            if not budget.over:
                runs.block(choice, load, "closing", turn + step // len(line))
        found = against(runs, winner, others, supply=supply, searched=searched, paced=load.open)
        if all(_sure(ratio) for ratio in found) and not disturbed(runs, line):
            break
    return found or against(runs, winner, others, supply=supply, searched=searched, paced=load.open)


def disturbed(runs: Runs, choices: Iterable[Choice]) -> list[Block]:
    """The closing blocks of those that have none but void ones."""
    blocks = runs.counted("closing")
    return [block for choice in choices for block in blocks.get(choice, ()) if block.void]


def against(  # noqa: PLR0913  (what the ratios are made of)
    runs: Runs,
    winner: Choice,
    others: Mapping[str, Choice],
    *,
    supply: Supply,
    searched: Levels,
    paced: bool,
) -> tuple[Ratio, ...]:
    """Throughput of the winner over the others', from the closing blocks alone.

    How noisy blocks are is known from the search too (`searched`): few pairs then do.
    """
    blocks = runs.counted("closing")
    fitted = levels(chain.from_iterable(blocks.values()), supply, searched, paced=paced, lent=False)
    return tuple(
        _ratio(name, winner, other, blocks, fitted)
        for name, other in others.items()
        if winner == other or {winner, other} <= fitted.level.keys()
    )


def _ratio(
    name: str,
    winner: Choice,
    other: Choice,
    blocks: Mapping[Choice, Sequence[Block]],
    fitted: Levels,
) -> Ratio:
    if winner == other:
        return Ratio(name, other, 1.0, 1.0, 1.0, 0)
    found = fitted.ratio(winner, other)
    turns = [{block.round for block in blocks[choice]} for choice in (winner, other)]
    return Ratio(name, other, found.value, found.low, found.high, len(turns[0] & turns[1]))


def _sure(ratio: Ratio) -> bool:
    return ratio.high <= ratio.ratio * SURE and ratio.low >= ratio.ratio / SURE
