"""The predictions as a table, the best first, and what binds them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.predict.limits import milliseconds
from gunitune.render import describe
from gunitune.render.layout import Page
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from gunitune.predict.table import Measured, Predicted, Row
    from gunitune.trial import Estimate, Load

HEAD = ("SETTINGS", "RPS", "MEAN", "P99", "IN FLIGHT", "MEMORY", "LIMIT", "")
WIDTHS = (9, 11, 11, 11, 11, 7, 0)
MARK = "*"


def render(predicted: Predicted, *, width: int = 80, color: bool = False) -> str:
    """The page, `width` columns wide."""
    page = Page(width)
    page.labelled("machine", describe.machine(predicted.host))
    page.labelled("app", _app(predicted.measured))
    page.labelled("load", [_load(predicted.load)])
    page.gap()
    _table(page, predicted)
    page.gap()
    _limits(page, predicted)
    page.gap()
    page.labelled("notes", [describe.plain(text) for text in predicted.notes], "dim")
    page.labelled("next", list(predicted.next))
    return page.coloured() if color else page.plain()


def _app(measured: Measured) -> list[str]:
    facts = measured.facts
    spent = ", ".join(
        f"{milliseconds(item.value)} under {name}" for name, item in sorted(facts.cpu_ms.items())
    )
    lines = [f"CPU per request: {spent}", f"waiting per request: {_estimate(facts.wait_ms, 'ms')}"]
    if facts.interface == "wsgi":
        lines.append(f"CPU time under the GIL: {_estimate(facts.gil_share, '%')}")
    lines.append(f"waiting that overlaps in one process: {_estimate(facts.overlap, '%')}")
    source = f"{measured.app}: {measured.source}" if measured.app else measured.source
    return [describe.plain(line) for line in [source, *lines]]


def _estimate(number: Estimate | Unknown, unit: str) -> str:
    if isinstance(number, Unknown):
        return f"unknown ({number.reason})"
    return f"{100 * number.value:.0f} %" if unit == "%" else milliseconds(number.value)


def _load(load: Load) -> str:
    kept = "connections kept alive" if load.keep_alive else "a connection for each request"
    if load.rps is not None:
        return f"{format_number(load.rps)} requests per second arrive by themselves, {kept}"
    who = "client asks" if load.concurrency == 1 else "clients ask"
    return f"{load.concurrency} {who} again as soon as answered, {kept}"


def _table(page: Page, predicted: Predicted) -> None:
    names = max(len(_name(row)) for row in predicted.rows) + 2
    for row, style in [(HEAD, "bold"), *((_cells(row), _style(row)) for row in predicted.rows)]:
        widths = (max(names, 10), *WIDTHS)
        page.row([(text, width, style) for text, width in zip(row, widths, strict=True)])


def _style(row: Row) -> str:
    return "" if row.prediction.feasible else "dim"


def _name(row: Row) -> str:
    mark = MARK if row.prediction.extrapolated else ""
    return f"{row.prediction.choice}{mark}"


def _cells(row: Row) -> tuple[str, ...]:
    found = row.prediction
    p99 = "?" if isinstance(found.p99_ms, Unknown) else milliseconds(found.p99_ms)
    memory = "?" if isinstance(found.memory_bytes, Unknown) else format_size(found.memory_bytes)
    return (
        _name(row),
        f"{found.rps:.0f}" if found.rps >= 100 else f"{found.rps:.3g}",
        milliseconds(found.mean_ms) if math.isfinite(found.mean_ms) else "grows",
        p99,
        format_number(round(found.in_flight, 1)) if math.isfinite(found.in_flight) else "any",
        memory,
        found.limit,
        ", ".join([*row.names, *([] if found.feasible else ["cannot run"])]),
    )


def _limits(page: Page, predicted: Predicted) -> None:
    """Why, once for each limit: of the best row that has it."""
    shown: dict[str, str] = {}
    for row in predicted.rows:
        shown.setdefault(row.prediction.limit, f"{row.prediction.choice}: {row.prediction.why}")
    page.labelled("limits", [describe.plain(text) for text in shown.values()])
    if any(row.prediction.extrapolated for row in predicted.rows):
        page.labelled(MARK, ["extrapolated beyond what was measured"], "dim")
