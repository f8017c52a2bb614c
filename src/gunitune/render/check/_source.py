"""Which line of a file a finding points at, with carets under the place."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from gunitune.mask import HIDDEN
from gunitune.render.layout import plain
from gunitune.secret import secrets

if TYPE_CHECKING:
    from gunitune.conf.model import Span

TAB = "    "
CUT = "..."
CONTEXT = 12
# Characters that take no column, combining or hidden, must not fill a page either.
CHARACTERS_PER_COLUMN = 8


@dataclass(frozen=True, slots=True)
class Cells:
    """What each character of a line is shown as, one blank after the last, and where each ends.

    `ends[i]` is the number of columns that the first `i` cells take.
    """

    texts: list[str]
    ends: list[int]


@dataclass(frozen=True, slots=True)
class Source:
    """A file's lines, where each starts in the text, and the text's secrets.

    `_shown` keeps the cells of lines that were asked for: a long one may have many findings.
    """

    lines: list[str]
    starts: list[int]
    secrets: list[tuple[int, int]]
    _shown: dict[int, Cells] = field(default_factory=dict)

    def excerpt(self, span: Span, width: int) -> tuple[str, str] | None:
        """The span's first line and the carets below it, `width` columns; None if there is none."""
        if not 1 <= span.line <= len(self.lines) or self.starts[-1] + len(self.lines[-1]) == 0:
            return None
        line = self.lines[span.line - 1]
        start = min(max(span.column - 1, 0), len(line))
        end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
        cells = self._cells(span.line - 1)
        end = min(max(end, start + 1), len(cells.texts))
        first, last = _window(cells.ends, start, end, width)
        lead = CUT if first else ""
        trail = CUT if last < len(line) else ""
        indent = _columns(lead) + cells.ends[start] - cells.ends[first]
        carets = cells.ends[min(end, last)] - cells.ends[start]
        shown = lead + "".join(cells.texts[first:last]) + trail
        return shown.rstrip(), " " * indent + "^" * max(1, carets)

    def _cells(self, at: int) -> Cells:
        if at not in self._shown:
            cells = [TAB if char == "\t" else plain(char) for char in self.lines[at]]
            first = self.starts[at]
            for start, end in self._secrets(first, first + len(cells)):
                cells[start - first : end - first] = [HIDDEN, *[""] * (end - start - 1)]
            cells.append(" ")
            self._shown[at] = Cells(cells, [0, *accumulate(map(_columns, cells))])
        return self._shown[at]

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


def _window(ends: list[int], start: int, end: int, width: int) -> tuple[int, int]:
    """The characters to show of a line so that the span's start is seen: (first, last)."""
    most, count = width * CHARACTERS_PER_COLUMN, len(ends) - 1
    if ends[-1] - 1 <= width and count <= most:
        return 0, count
    room = width - len(CUT)
    first = 0
    if ends[end] > room or end > most:
        first = max(bisect_left(ends, ends[start] - CONTEXT), start - CONTEXT, 0)
        room -= len(CUT) if first else 0
    last = min(bisect_right(ends, ends[first] + room) - 1, first + most, count)
    return first, max(last, start + 1)


def _columns(text: str) -> int:
    """The columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    wide = sum(east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(category(char) in {"Mn", "Me"} for char in text)
