"""The outcome of a study as a page: what won, by how much, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render import describe
from gunitune.render.layout import LABEL, Page
from gunitune.render.tune import _words as words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gunitune.trial import Choice
    from gunitune.tune.result import OpenRun, Standing, Tuned

COLUMNS: Mapping[str, Callable[[Standing], str]] = {
    "CHOICE": lambda item: words.name(item.choice),
    "REQUESTS/S": words.throughput,
    "P50": lambda item: words.milliseconds(item.p50_ms),
    "P99": lambda item: words.milliseconds(item.p99_ms),
    "MEMORY": lambda item: words.size(item.memory_bytes),
    "FATE": words.fate,
    "CORES": words.cores,
    "CPU/REQ": words.cpu,
    "BLOCKS": lambda item: str(item.blocks),
    "MODEL REQ/S": words.model,
}
OUTCOME = 5  # columns after the first that tell it
GAP = 2
WRAPPED = 20  # the least that a row leaves to its last cell
STYLES = {"winner": "green bold", "tie": "green", "barred": "red", "dropped": "dim"}
# Of what left early, the first tell enough; -f json has them all.
SHOWN_DROPPED = 6


def render(tuned: Tuned, *, width: int = 80, color: bool = False, **_: object) -> str:
    """The page, `width` columns wide."""
    page = Page(width)
    _inputs(page, tuned)
    _verdict(page, tuned)
    _table(page, tuned)
    _finals(page, tuned)
    _remarks(page, tuned)
    return page.coloured() if color else page.plain()


def _inputs(page: Page, tuned: Tuned) -> None:
    page.labelled("app", describe.app(tuned.app))
    held = [tuned.confined] if tuned.confined else []
    page.labelled("machine", [*describe.machine(tuned.host)[:2], *held])
    launch = tuned.launch
    started = f"Gunicorn {tuned.gunicorn} of {launch.python} ({launch.python_source})"
    beneath = [] if launch.conf is None else [f"with what else {launch.conf} sets"]
    page.labelled("gunicorn", [started, *beneath])
    page.labelled("load", words.load(tuned.load))
    page.labelled("wanted", [words.objective(tuned)])
    page.gap()


def _verdict(page: Page, tuned: Tuned) -> None:
    winner = tuned.winner
    if winner is None:
        page.labelled("winner", ["none: no choice met the goal"], "red bold")
    else:
        held = words.settings(winner.choice, tuned.launch.conf)
        page.labelled("winner", [words.said(f"{winner.choice}: {held}")], "green bold")
        page.labelled("", [_measured(winner), words.after(tuned)])
        page.labelled("", [*words.ratios(tuned), *words.kept(tuned)])
    page.labelled("ties", words.ties(tuned))
    page.labelled("limited by", [words.said(tuned.limited)] if tuned.limited else [])
    page.gap()


def _measured(found: Standing) -> str:
    return (
        f"{words.estimate(found.rps)} requests/s, p99 {words.milliseconds(found.p99_ms)}, "
        f"{words.size(found.memory_bytes)} of memory"
    )


def _table(page: Page, tuned: Tuned) -> None:
    """A row for each choice, in as many pieces as the width asks for."""
    shown = _shown(tuned.standings)
    columns = [_column(name, shown, tuned.front) for name in COLUMNS]
    for piece in _pieces(columns, page.width):
        _rows(page, piece, shown)
        page.gap()
    if left := len(tuned.standings) - len(shown):
        page.labelled("", [f"and {left} more that left early: -f json has them"], "dim")
    page.labelled("* front", ["no other was better in throughput, p99 and memory at once"], "dim")
    page.labelled("( - )", ["95 % interval; CPU/REQ: CPU time of the server per request"], "dim")
    barred = [words.said(f"{item.choice}: {item.why}") for item in tuned.standings if _barred(item)]
    page.labelled("barred", barred)


def _barred(found: Standing) -> bool:
    return found.fate == "barred" and bool(found.why)


def _shown(standings: Sequence[Standing]) -> list[Standing]:
    """All but those that left early, of which the first and those that somebody runs."""
    dropped = [item for item in standings if item.fate == "dropped" and not words.role(item)]
    hidden = dropped[SHOWN_DROPPED:]
    return [item for item in standings if item not in hidden]


def _column(name: str, shown: Sequence[Standing], front: Sequence[Choice]) -> tuple[str, ...]:
    """A column with its head; the first says what is on the front."""
    cells = [COLUMNS[name](item) for item in shown]
    if name != "CHOICE":
        return (name, *cells)
    marks = ["* " if item.choice in front else "  " for item in shown]
    return (f"  {name}", *map(str.__add__, marks, cells))


def _pieces(columns: Sequence[tuple[str, ...]], width: int) -> Iterator[list[tuple[str, ...]]]:
    """One table if it fits; else what tells the outcome, then the rest, each within the width."""
    first, *others = columns
    if sum(map(_width, columns)) <= width + GAP:
        yield list(columns)
        return
    for group in (others[:OUTCOME], others[OUTCOME:]):
        piece = [first]
        for column in group:
            if len(piece) > 1 and sum(map(_width, piece)) + _least(column) > width + GAP:
                yield piece
                piece = [first]
            piece.append(column)
        yield piece


def _least(column: Sequence[str]) -> int:
    """What a column needs at the end of a row, where it may wrap."""
    return min(_width(column), WRAPPED + GAP)


def _width(column: Sequence[str]) -> int:
    return max(map(len, column)) + GAP


def _rows(page: Page, columns: Sequence[tuple[str, ...]], shown: Sequence[Standing]) -> None:
    widths = [_width(column) for column in columns]
    styles = ["bold", *(STYLES.get(item.fate, "") for item in shown)]
    for row, style in zip(zip(*columns, strict=True), styles, strict=True):
        page.row([(text, size, style) for text, size in zip(row, widths, strict=True)])


def _finals(page: Page, tuned: Tuned) -> None:
    if not tuned.finals:
        return
    page.gap()
    page.labelled("finals", ["requests arriving by themselves, as shares of the best throughput"])
    name = max(len(words.name(run.choice)) for run in tuned.finals) + GAP
    before = None
    for run in tuned.finals:
        _final(page, run, name, repeated=run.choice == before)
        before = run.choice


def _final(page: Page, run: OpenRun, name: int, *, repeated: bool) -> None:
    offered = f"{run.share:.0%}".replace("%", " %") + f" ({words.number(run.offered_rps)}/s)"
    cells = [("", LABEL, ""), ("" if repeated else words.name(run.choice), name, ""),
             (offered, 16, ""), (words.open_run(run), 0, "")]  # fmt: skip
    page.row(cells)


def _remarks(page: Page, tuned: Tuned) -> None:
    error = tuned.model_error
    off = f"not told: {error.reason}" if isinstance(error, Unknown) else (
        f"median error of the predicted throughput {error:.0%}".replace("%", " %")
    )  # fmt: skip
    spent = words.spent(tuned)
    page.gap()
    page.labelled("model", [off])
    page.labelled("spent", [f"{spent}; in {tuned.study}" if tuned.study else spent])
    if tuned.notes:
        page.labelled("notes", [words.said(note) for note in tuned.notes], "dim")
    if steps := words.steps(tuned):
        page.gap()
        page.labelled("next", steps)
