"""The advisors side by side as a Markdown table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render import describe
from gunitune.render.recommend.markdown import escape
from gunitune.units import format_size

if TYPE_CHECKING:
    from gunitune.compare import Answer, Comparison


def render(comparison: Comparison, **_: object) -> str:
    """A table, the machine above it."""
    machine = "; ".join(describe.machine(comparison.advice.host)[:2])
    memory = f"{format_size(comparison.worker_memory.value)} ({comparison.worker_memory.source})"
    return "\n".join(
        [
            f"**Machine:** {escape(machine)}; **worker:** {escape(memory)}",
            "",
            "| advisor | workers | memory | fits | formula | |",
            "|---|---|---|---|---|---|",
            *(_row(answer) for answer in comparison.answers),
            "",
        ]
    )


def _row(answer: Answer) -> str:
    workers = "?" if isinstance(answer.workers, Unknown) else str(answer.workers)
    size = "?" if isinstance(answer.memory_bytes, Unknown) else format_size(answer.memory_bytes)
    fits = "?" if isinstance(answer.killed, Unknown) else ("**no**" if answer.killed else "yes")
    cells = [escape(cell) for cell in (answer.name, workers, size, answer.formula, answer.note)]
    cells.insert(3, fits)
    return "| " + " | ".join(cells) + " |"
