"""What a text is as Python, or why it is none: newer than the Python we run on, or of Python 2."""

from __future__ import annotations

import ast
import re
import sys
import warnings

from gunitune.conf.model import LINE_END, Fault, Span

RUNNING = sys.version_info[:2]
_WORDS = r"[A-Za-z_][\w.]*"
# What each release of Python brought, as it looks on the line that an older one stops at.
_NEWER: tuple[tuple[tuple[int, int], str, re.Pattern[str]], ...] = (
    ((3, 12), "a type statement", re.compile(r"\s*type\s+[A-Za-z_]\w*\s*(?:\[.*\])?\s*=")),
    ((3, 12), "type parameters", re.compile(r"\s*(?:async\s+def|def|class)\s+\w+\s*\[")),
    ((3, 12), "an f-string inside an f-string's quotes", re.compile(
        r""".*(?<![\w"'])(?:[fF][rR]?|[rR][fF])(["'])(?:(?!\1).)*\{[^{}]*\1"""
    )),
    ((3, 14), "exceptions without parentheses", re.compile(
        rf"\s*except\s*\*?\s*{_WORDS}\s*,\s*[A-Z][\w.]*\s*(?:,\s*{_WORDS}\s*)*:"
    )),
    ((3, 14), "a template string", re.compile(r""".*(?<![\w"'])(?:[tT][rR]?|[rR][tT])["']""")),
    ((3, 15), "a lazy import", re.compile(r"\s*lazy\s+(?:import|from)\s")),
)  # fmt: skip
_NEWER_MESSAGES: tuple[tuple[tuple[int, int], str, str], ...] = (
    ((3, 12), "a backslash in an f-string's expression", "cannot include a backslash"),
    ((3, 12), "a comment in an f-string's expression", "cannot include '#'"),
    ((3, 15), "unpacking in a comprehension", "unpacking cannot be used in comprehension"),
)
_OCTAL = re.compile(r"(?<![\w.])0+([0-7]+)(?![\w.])")
_PYTHON_2: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*print\b(?!\s*[(=])"), "Python 2: print is a function, write print(...)"),
    (re.compile(r"\s*exec\b(?!\s*[(=])"), "Python 2: exec is a function"),
    (re.compile(rf"\s*except\s+[\w.(), ]+,\s*{_WORDS}\s*:"), "Python 2: write except ... as name"),
    (re.compile(rf"\s*raise\s+{_WORDS}\s*,"), "Python 2: write raise Error(message)"),
    (re.compile(r".*<>"), "Python 2: write != for <>"),
    (re.compile(r".*`[^`]*`"), "Python 2: write repr(...) for backquotes"),
    (re.compile(r".*(?<![\w.])(?:0[xX][\da-fA-F]+|\d+)[lL]\b"), "Python 2: drop the number's L"),
    (re.compile(r""".*(?<!\w)[uU][rR]["']"""), "Python 2: drop the u of the string"),
)  # fmt: skip


def parsed(text: str) -> ast.Module | Fault:
    """The tree of a text, or why it has none; nothing is warned of, and nothing is raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return _fault(error, text)
    except (RecursionError, MemoryError):
        return Fault("too-complex", "it is nested too deeply to be read")
    except ValueError as error:
        return Fault("syntax", str(error).partition("\n")[0])


def _fault(error: SyntaxError, text: str) -> Fault:
    lines = LINE_END.split(text)
    number = min(max(error.lineno or 1, 1), len(lines))
    line = lines[number - 1]
    column = min(max(error.offset or 1, 1), len(line) + 1)
    end_line, end = error.end_lineno or number, error.end_offset or 0
    same = end_line == number and end > column
    span = Span(number, column, number, min(end, len(line) + 1) if same else column)
    message = (error.msg or "invalid syntax").partition("\n")[0]
    if "too many nested" in message or "too many statically nested" in message:
        return Fault("too-complex", f"{message}: it can't be read", span)
    if what := _newer(message, line[:1_000]):
        running = ".".join(map(str, RUNNING))
        newer = f"{what}: it uses syntax newer than the Python {running} that gunitune runs on"
        return Fault("newer-syntax", newer, span)
    return Fault("syntax", _older(message, line[:1_000]) or message, span)


def _newer(message: str, line: str) -> str | None:
    for release, what, part in _NEWER_MESSAGES:
        if release > RUNNING and part in message:
            return what
    for release, what, pattern in _NEWER:
        if release > RUNNING and pattern.match(line):
            return what
    return None


def _older(message: str, line: str) -> str | None:
    if "leading zeros" in message:
        found = _OCTAL.search(line)
        return f"Python 2 octal; write 0o{found[1].zfill(3)}" if found else None
    return next((what for pattern, what in _PYTHON_2 if pattern.match(line)), None)
