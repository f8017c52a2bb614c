"""Which line of a file a finding points at, with carets under the place."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.mask import HIDDEN
from gunitune.render.layout import plain
from gunitune.secret import secrets

if TYPE_CHECKING:
    from gunitune.conf.model import Span

TAB = "    "
CUT = "..."
CONTEXT = 12


@dataclass(frozen=True, slots=True)
class Source:
    """A file's lines, where each starts in the text, and the text's secrets."""

    lines: list[str]
    starts: list[int]
    secrets: list[tuple[int, int]]

    def excerpt(self, span: Span, width: int) -> tuple[str, str] | None:
        """The span's first line and the carets below it, `width` columns; None if there is none."""
        if not 1 <= span.line <= len(self.lines) or self.starts[-1] + len(self.lines[-1]) == 0:
            return None
        line = self.lines[span.line - 1]
        start = min(max(span.column - 1, 0), len(line))
        end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
        cells = self._cells(span.line - 1)
        end = min(max(end, start + 1), len(cells))
        first, last = _window([_columns(cell) for cell in cells], start, end, width)
        lead = CUT if first else ""
        trail = CUT if last < len(line) else ""
        indent = _columns(lead) + sum(map(_columns, cells[first:start]))
        carets = sum(map(_columns, cells[start : min(end, last)]))
        shown = lead + "".join(cells[first:last]) + trail
        return shown.rstrip(), " " * indent + "^" * max(1, carets)

    def _cells(self, at: int) -> list[str]:
        """What each character of a line is shown as, and one blank after the last."""
        cells = [TAB if char == "\t" else plain(char) for char in self.lines[at]]
        first = self.starts[at]
        for start, end in self._secrets(first, first + len(cells)):
            cells[start - first : end - first] = [HIDDEN, *[""] * (end - start - 1)]
        return [*cells, " "]

    def _secrets(self, first: int, last: int) -> list[tuple[int, int]]:
        """The secrets' parts from one place in the text to another."""
        at = bisect_right(self.secrets, (first, first))
        found = []
        for start, end in self.secrets[max(0, at - 1) :]:
            if start >= last:
                break
            if end > first:
                found.append((max(start, first), min(end, last)))
        return found


def source(text: str) -> Source:
    """A text split as Python counts lines: a form feed or U+2028 ends none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    return Source(lines, starts, secrets(text))


def _window(columns: list[int], start: int, end: int, width: int) -> tuple[int, int]:
    """The characters to show of a line so that the span's start is seen: (first, last)."""
    if sum(columns) - 1 <= width:
        return 0, len(columns)
    room = width - len(CUT)
    first = 0
    if sum(columns[:end]) > room:
        first, taken = start, 0
        while first and taken + columns[first - 1] <= CONTEXT:
            first -= 1
            taken += columns[first]
        room -= len(CUT) if first else 0
    last, taken = first, 0
    while last < len(columns) and taken + columns[last] <= room:
        taken += columns[last]
        last += 1
    return first, max(last, start + 1)


def _columns(text: str) -> int:
    """The columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    wide = sum(east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(category(char) in {"Mn", "Me"} for char in text)
