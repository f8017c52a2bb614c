"""The advisors side by side as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render import describe
from gunitune.render.layout import Page
from gunitune.units import format_size

if TYPE_CHECKING:
    from gunitune.compare import Answer, Comparison


HEAD = ("ADVISOR", "WORKERS", "MEMORY", "FITS", "FORMULA")
WIDTHS = (26, 9, 11, 6, 0)


def render(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """The page, `width` columns wide."""
    page = Page(width)
    page.labelled("machine", describe.machine(comparison.advice.host))
    page.labelled("app", describe.app(comparison.advice.app))
    memory = comparison.worker_memory
    page.labelled("worker", [f"{format_size(memory.value)} memory each ({memory.source})"])
    page.gap()
    for row, style in [(HEAD, "bold"), *((_row(answer), "") for answer in comparison.answers)]:
        cells = zip(row, WIDTHS, strict=True)
        page.row([(describe.plain(text), width, style) for text, width in cells])
    page.gap()
    notes = [f"{item.name}: {item.note}" for item in comparison.answers if item.note]
    page.labelled("notes", notes, "dim")
    page.labelled("fits", ["no: more than the memory limit, the kernel would kill workers",
                           "-f json gives the sources of the formulas"])  # fmt: skip
    return page.coloured() if color else page.plain()


def _row(answer: Answer) -> tuple[str, ...]:
    fits = "?" if isinstance(answer.killed, Unknown) else ("no" if answer.killed else "yes")
    return answer.name, _number(answer.workers), _size(answer.memory_bytes), fits, answer.formula


def _number(value: int | Unknown) -> str:
    return "?" if isinstance(value, Unknown) else str(value)


def _size(value: int | Unknown) -> str:
    return "?" if isinstance(value, Unknown) else format_size(value)
