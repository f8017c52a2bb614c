"""Where a Python text's lines, comments and statements lie, however broken the text is.

Lines end where Python ends them: at LF, CR LF or CR alone, never at a form feed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gunitune.conf.model import LINE_END

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.conf.model import Span

# The alternatives exclude each other and give nothing back, so that no text is slow.
_TRIPLE = r"""
    (?P<text> \"{3}(?:[^"\\]|\\[\s\S]|"(?!""))*+\"{3} | '{3}(?:[^'\\]|\\[\s\S]|'(?!''))*+'{3} )
  | (?P<unfinished> (?:\"{3}|'{3})[\s\S]*+ ) |
"""
_QUOTED = r"""
    (?P<comment> \#[^\r\n]*+ )
  | (?P<string>
        "(?:[^"\\\r\n]|\\(?:\r\n|[\s\S]))*+"? | '(?:[^'\\\r\n]|\\(?:\r\n|[\s\S]))*+'?
    )
"""
_CODE = r"""
  | (?P<joined> \\(?:\r\n|\r|\n) )
  | (?P<open> [(\[{] ) | (?P<close> [)\]}] )
  | (?P<end> \r\n|\r|\n )
  | (?P<code> [^\s\ufeff"'\#\\()\[\]{}]++ )
"""
_STRINGS_AND_COMMENTS = _TRIPLE + _QUOTED
_PARTS = _TRIPLE + _QUOTED + _CODE
_LINE_PARTS = _QUOTED + _CODE
_SPREAD = frozenset(("text", "unfinished", "string", "joined", "end"))  # may hold the end of a line


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, from its `#` to the end of the line."""

    text: str
    line: int
    column: int


@dataclass(slots=True)
class Statement:
    """The lines, counted from 1, of one logical line, which may hold comments alone."""

    line: int
    end_line: int
    comments: list[Comment]
    code: bool = False


class Lines:
    """The offsets at which a text's lines start and end, in characters; lines count from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        self._ends: list[int] = []
        for end in LINE_END.finditer(text):
            self._ends.append(end.start())
            self._starts.append(end.end())
        self._ends.append(len(text))

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, line: int) -> str:
        """A line without its end."""
        return self.text[self._starts[line - 1] : self._ends[line - 1]]

    def ending(self, line: int) -> str:
        """What ends a line: LF, CR LF, CR, or nothing for the last."""
        return self.text[self._ends[line - 1] : self.start(line + 1)]

    def start(self, line: int) -> int:
        """Where a line starts; the text's end for the line after the last."""
        return self._starts[line - 1] if line <= len(self) else len(self.text)

    def offset(self, line: int, column: int) -> int | None:
        """Where a place is, or None where the text has no such place."""
        if not 0 < line <= len(self):
            return None
        at = self._starts[line - 1] + column - 1
        return at if column > 0 and at <= self._ends[line - 1] else None

    def at(self, offset: int) -> int:
        """The line of an offset."""
        return bisect_right(self._starts, offset)

    def range(self, span: Span) -> tuple[int, int] | None:
        """Start and end of a span, or None where the text has no such span."""
        start = self.offset(span.line, span.column)
        end = self.offset(span.end_line, span.end_column)
        return None if start is None or end is None or start > end else (start, end)

    def slice(self, span: Span) -> str | None:
        """The text of a span, or None where the text has no such span."""
        found = self.range(span)
        return None if found is None else self.text[found[0] : found[1]]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)


def unquoted(text: str) -> str:
    """The text without its comments, each string as an empty one."""
    return _compiled(_STRINGS_AND_COMMENTS).sub("''", text)


def statements(text: str) -> list[Statement]:
    """Logical lines in order, blank ones left out.

    Where a string or bracket is never closed, each line speaks for itself.
    """
    reading = _Reading(text)
    found = list(reading.statements(_PARTS))
    return list(_Reading(text).statements(_LINE_PARTS)) if reading.depth else found


class _Reading:
    """One pass over a text; `depth` is above 0 at its end where something is never closed."""

    def __init__(self, text: str) -> None:
        self._lines = Lines(text)
        self._line = 1
        self.depth = 0

    def statements(self, parts: str) -> Iterator[Statement]:
        """Logical lines; brackets join lines unless `parts` are those of single lines."""
        brackets = parts == _PARTS
        current: Statement | None = None
        for part in _compiled(parts).finditer(self._lines.text):
            kind = part.lastgroup or ""
            if kind == "end" and self.depth == 0:
                if current is not None:
                    yield current
                current = None
            elif kind != "end":
                current = current or Statement(self._line, self._line, [])
                self._take(current, part)
            if brackets:
                self._nest(kind)
            if kind in _SPREAD:
                self._line += len(LINE_END.findall(part[0]))
            if current is not None:
                current.end_line = self._line
        if current is not None:
            yield current

    def _take(self, statement: Statement, part: re.Match[str]) -> None:
        if part.lastgroup != "comment":
            statement.code = True
            return
        column = part.start() - self._lines.start(self._line) + 1
        statement.comments.append(Comment(part[0], self._line, column))

    def _nest(self, kind: str) -> None:
        if kind in {"open", "unfinished"}:
            self.depth += 1
        elif kind == "close" and self.depth:
            self.depth -= 1
