"""What there is to see while tuning runs: how far it is, who leads, and what is on trial."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render.describe import plain
from gunitune.render.tune import _words as words
from gunitune.streams import say
from gunitune.tune.bench import Unwatched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, RenderableType

    from gunitune.trial import Block, Choice
    from gunitune.tune.bench import Watch

# Each look takes CPU time of the machine that is being measured: some 5 ms.
LOOKS_PER_SECOND = 1
SHOWN_LEADERS = 5
BAR_COLUMNS = 24
PHASES = {"final": "finals, requests arriving by themselves", "closing": "closing comparison"}


@contextmanager
def watching(
    budget_s: float,
    environ: Mapping[str, str],
    *,
    quiet: bool = False,
    began: float | None = None,
) -> Iterator[Watch]:
    """A live view on a terminal's stderr, a line now and then elsewhere, nothing when quiet.

    `began` is when the budget began to run, in CLOCK_MONOTONIC seconds; None: now.
    """
    clock = _Clock(budget_s, time.monotonic() if began is None else began)
    if quiet:
        yield Unwatched()
    elif not sys.stderr.isatty() or environ.get("TERM") == "dumb":
        yield Lines(clock)
    else:
        with _live(clock, environ) as view:
            yield view


class _Clock:
    """The time that is spent of the budget."""

    def __init__(self, budget_s: float, began: float) -> None:
        self.budget_s = budget_s
        self.began = began

    @property
    def spent_s(self) -> float:
        return time.monotonic() - self.began

    def left(self) -> str:
        """`1 m 48 s left`."""
        left = self.budget_s - self.spent_s
        return f"{words.duration(left)} left" if left >= 0.5 else "ends with this trial"

    def __str__(self) -> str:
        return f"{words.duration(self.spent_s)} of {words.duration(self.budget_s)}"


class Lines:
    """A line at the start and one for each round, for a log."""

    def __init__(self, clock: _Clock) -> None:
        self.clock = clock
        self.contenders = 0
        self.stage = ""
        self.leader: tuple[Choice, float] | None = None

    def planned(self, choices: Sequence[Choice]) -> None:
        """The start of a round; the first is told at once."""
        if not self.contenders:
            say(f"{_choices(len(choices))} to try in {words.duration(self.clock.budget_s)}")
        self.contenders = len(choices)

    def started(self, choice: Choice, phase: str, round: int) -> None:  # noqa: A002  (the field's word)
        """A new stage is told with who leads at its start."""
        del choice
        stage = _stage(phase, round, self.contenders)
        if stage != self.stage and self.leader is not None:
            leader, rps = self.leader
            say(f"{stage}: {leader} leads with {words.number(rps)} requests/s; {self.clock}")
        self.stage = stage

    def ended(self, block: Block, leaders: Sequence[tuple[Choice, float]]) -> None:
        """Remember who leads."""
        del block
        self.leader = leaders[0] if leaders else None

    def note(self, text: str) -> None:
        """A line of its own."""
        say(text)


class View:
    """What a terminal shows: kept by the search, drawn by rich's own thread."""

    def __init__(self, clock: _Clock, console: Console) -> None:
        self.clock = clock
        self.console = console
        self.contenders = 0
        self.tried = 0
        self.now = "starting"
        self.rows: list[tuple[str, ...]] = []
        self.blocks: dict[Choice, list[Block]] = {}

    def planned(self, choices: Sequence[Choice]) -> None:
        """A round begins."""
        self.contenders = len(choices)

    def started(self, choice: Choice, phase: str, round: int) -> None:  # noqa: A002  (the field's word)
        """What runs from now on."""
        self.now = f"{choice}; {_stage(phase, round, self.contenders)}"

    def ended(self, block: Block, leaders: Sequence[tuple[Choice, float]]) -> None:
        """How they stand by now."""
        self.tried += 1
        self.blocks.setdefault(block.choice, []).append(block)
        self.rows = [self._row(choice, rps) for choice, rps in leaders[:SHOWN_LEADERS]]

    def note(self, text: str) -> None:
        """Above the view, where it stays."""
        from rich.text import Text

        self.console.print(Text(plain(f"gunitune: {text}"), style="dim"), soft_wrap=True)

    def _row(self, choice: Choice, rps: float) -> tuple[str, ...]:
        """A leader: the range is of its runs, the rest of the last of them."""
        found = self.blocks.get(choice, [])
        runs = [block for block in found if not block.load.open and not block.void] or found
        if not runs:
            return words.name(choice), words.number(rps)
        rates = [block.rps for block in runs]
        latency = runs[-1].answered.latency
        return (
            words.name(choice),
            words.number(rps),
            f"{words.number(min(rates))}-{words.number(max(rates))}" if len(runs) > 1 else "",
            words.milliseconds(latency if isinstance(latency, Unknown) else latency.p99_ms),
            words.size(runs[-1].usage.pss_bytes),
            str(len(runs)),
        )

    def picture(self) -> RenderableType:
        """The view as it is now."""
        from rich.console import Group
        from rich.text import Text

        running = plain(f"trial {self.tried + 1}: {self.now}")
        table = [self._table()] if self.rows else []
        return Group(self._progress(), Text(running, overflow="ellipsis", no_wrap=True), *table)

    def _progress(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        bar = ProgressBar(self.clock.budget_s, self.clock.spent_s, width=BAR_COLUMNS)
        row = Table.grid(padding=(0, 2))
        row.add_row("tuning", bar, f"{self.clock}, {self.clock.left()}")
        return row

    def _table(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("LEADERS", "REQUESTS/S", "RANGE", "P99", "MEMORY", "RUNS"):
            table.add_column(name, no_wrap=True)
        for at, row in enumerate(self.rows):
            table.add_row(*(Text(cell) for cell in row), style="" if at else "green")
        return table


@contextmanager
def _live(clock: _Clock, environ: Mapping[str, str]) -> Iterator[Watch]:
    """The view, drawn below what else is written to stderr, and gone at the end."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False, no_color=bool(environ.get("NO_COLOR")))
    view = View(clock, console)
    with Live(
        get_renderable=view.picture,
        console=console,
        refresh_per_second=LOOKS_PER_SECOND,
        transient=True,
        redirect_stdout=False,
    ):
        yield view


def _choices(count: int) -> str:
    return f"{count} choice{'' if count == 1 else 's'}"


def _stage(phase: str, round: int, contenders: int) -> str:  # noqa: A002  (the field's word)
    """`search, round 2 (6 choices)`; rounds are counted from 0."""
    return PHASES.get(phase, f"{phase}, round {round + 1} ({_choices(contenders)})")
