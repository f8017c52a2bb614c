"""The advisors side by side as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render import describe
from gunitune.render.layout import Page
from gunitune.units import format_size

if TYPE_CHECKING:
    from gunitune.compare import Answer, Comparison


def render(comparison: Comparison, *, width: int = 80, color: bool = False) -> str:
    """The page, `width` columns wide."""
    page = Page(width)
    page.labelled("machine", describe.machine(comparison.advice.host))
    page.labelled("app", describe.app(comparison.advice.app))
    memory = comparison.worker_memory
    page.labelled("worker", [f"{format_size(memory.value)} memory each ({memory.source})"])
    page.gap()
    page.row([("ADVISOR", 26, "bold"), ("WORKERS", 9, "bold"), ("MEMORY", 11, "bold"),
              ("FORMULA", 0, "bold")])  # fmt: skip
    for answer in comparison.answers:
        style = "green bold" if answer is comparison.answers[-1] else ""
        row = [answer.name, _number(answer.workers), _size(answer.memory_bytes), answer.formula]
        widths = (26, 9, 11, 0)
        page.row([(describe.plain(text), size, style)
                  for text, size in zip(row, widths, strict=True)])  # fmt: skip
        for text, shade in ((verdict(answer), "red"), (answer.note, "dim")):
            if text:
                page.row([("", 46, ""), (text, 0, shade)])
    return page.coloured() if color else page.plain()


def verdict(answer: Answer) -> str:
    """What the memory limit makes of it."""
    if isinstance(answer.killed, Unknown):
        return ""
    return "would be killed: more than the limit" if answer.killed else ""


def _number(value: int | Unknown) -> str:
    return "?" if isinstance(value, Unknown) else str(value)


def _size(value: int | Unknown) -> str:
    return "?" if isinstance(value, Unknown) else format_size(value)
