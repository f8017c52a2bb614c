"""What Gunicorn and the app wrote, and which line of it tells why it failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.mask import mask
from gunitune.render.layout import plain

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 64 * 1024
_LINE = 300  # characters of a line that are shown
_TRACEBACK = "Traceback (most recent call last):"
_LOGGED = re.compile(r"(?:\[[^\]]*\] )+\[(?P<level>[A-Z]+)\] ?(?P<text>.*)")
_ERRORS = ("WARNING", "ERROR", "CRITICAL")
# What Gunicorn says after the reason, whatever it was.
_EPILOGUE = re.compile(r"Shutting down: |Reason: |Exception in worker process")
_EXITED = re.compile(r"Worker \(pid:\d+\) exited with code")
_HALTED = "gunicorn.errors.HaltServer"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_OURS = re.compile(r"^(?:Error|gunitune): ")
_NAME = re.compile(r"KeyError: '\w+'")


def tail(path: Path, start: int = 0) -> list[str]:
    """The last lines of a file, from byte `start` on; none where it can't be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(start, file.tell() - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def key_line(lines: list[str]) -> str:
    """The line that says most about a failure; "" where none does.

    That is the last exception's, else the last that is marked as an error, else the last that
    Gunicorn did not log itself. On one line, short, without control characters and secrets.
    """
    exceptions, rest = _exceptions(lines)
    logged = [_LOGGED.match(line) for line in rest]
    errors = [entry["text"] for entry in logged if entry and entry["level"] in _ERRORS]
    errors = [text for text in errors if not _EPILOGUE.search(text)]
    told = [text for text in errors if not _EXITED.search(text)]
    own = [_OURS.sub("", line) for line in rest if _OURS.match(line)]
    bare = [line for line, entry in zip(rest, logged, strict=True) if not entry and line.strip()]
    return shown(next((found[-1] for found in (exceptions, own, told, bare, errors) if found), ""))


def raised(lines: list[str]) -> str:
    """The last exception whose traceback was written, on one line; "" without any."""
    exceptions, _ = _exceptions(lines)
    return shown(exceptions[-1]) if exceptions else ""


def _exceptions(lines: list[str]) -> tuple[list[str], list[str]]:
    """The line after each traceback that names its exception, and the lines of no traceback."""
    exceptions, rest, inside = [], [], False
    for line in lines:
        if _TRACEBACK in line:
            inside = True
        elif not inside and not line.startswith(_CHAINED):
            rest.append(line)
        elif line.strip() and not line.startswith((" ", "\t")):
            inside = False
            if not line.startswith(
                (_HALTED, *_CHAINED)
            ):  # Gunicorn halts for a reason given before
                exceptions.append(line)
    return exceptions, rest


def shown(text: str) -> str:
    """A text of the project's as one short line of ours."""
    joined = " ".join(text.split())
    line = plain(joined if _NAME.fullmatch(joined) else mask(joined))  # a name is no secret
    return line if len(line) <= _LINE else line[: _LINE - 3] + "..."
