"""Draws the requests of the load from an access log, as often as they came."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gunitune.errors import UsageError
from gunitune.load.payload import SAFE, check_path
from gunitune.trial import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOG_MOST_BYTES = 256 << 20
LINE_MOST_BYTES = 65_536
# "GET /path HTTP/1.1" 200: Gunicorn's default access_log_format, the common and the combined one.
_LINE = re.compile(r'"([A-Z]{1,20}) (\S+) HTTP/[0-9.]+" ([0-9]{3})\b')
_METHODS = ("method", "request_method", "verb", "http_method")
_PATHS = ("request_uri", "uri", "path", "url", "target")
_STATUSES = ("status", "status_code", "response_status", "code")


@dataclass(frozen=True, slots=True)
class Drawn:
    """The requests of a log, most frequent first, and how many of its lines were left out, by why.

    Weights are how often each came.
    """

    requests: tuple[Request, ...]
    lines: int
    left_out: tuple[tuple[str, int], ...]

    def __iter__(self) -> Iterator[Request]:
        """The requests."""
        return iter(self.requests)

    def __str__(self) -> str:
        """What was taken and what was not, in a sentence."""
        taken = self.lines - sum(count for _, count in self.left_out)
        many = f"{len(self.requests)} request{'s' * (len(self.requests) != 1)}"
        text = f"{taken} of {self.lines} lines, as {many}"
        reasons = ", ".join(f"{count} {why}" for why, count in self.left_out)
        return f"{text}; left out: {reasons}" if reasons else text


def drawn_from_log(path: Path, most: int = 200, *, allow_unsafe: bool = False) -> Drawn:
    """Draw the `most` frequent requests that were answered with 2xx or 304.

    Lines in Gunicorn's default format, the common and combined ones, or JSON with a method and a
    path. GET and HEAD alone unless others are allowed: a log holds no bodies. UsageError where the
    file can't be read or nothing can be drawn from it.
    """
    counts: Counter[tuple[str, str]] = Counter()
    left: Counter[str] = Counter()
    lines = 0
    for line in _lines(path):
        lines += 1
        entry = _entry(line)
        why = _refused(entry, allow_unsafe=allow_unsafe)
        if why or entry is None:
            left[why] += 1
        else:
            counts[entry[:2]] += 1
    kept = counts.most_common(most)
    rare = counts.total() - sum(count for _, count in kept)
    if rare:
        left[f"beyond the {most} most frequent requests"] = rare
    requests = [Request(target, method, weight=count) for (method, target), count in kept]
    drawn = Drawn(tuple(requests), lines, tuple(left.most_common()))
    if not kept:
        raise UsageError(f"no request can be drawn from {path}: {drawn}", "is it an access log?")
    return drawn


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            if path.stat().st_size > LOG_MOST_BYTES:
                file.seek(-LOG_MOST_BYTES, 2)  # the newest part
                file.readline(LINE_MOST_BYTES)
            while line := file.readline(LINE_MOST_BYTES):
                if line.strip():
                    yield line.decode(errors="replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {path}: {reason}", "check the path") from None


def _entry(line: str) -> tuple[str, str, int] | None:
    """Method, target and status of a line; None where it is no request."""
    if line.lstrip().startswith("{"):
        return _json_entry(line)
    match = _LINE.search(line)
    return (match[1], match[2], int(match[3])) if match else None


def _json_entry(line: str) -> tuple[str, str, int] | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    method, path = _first(told, _METHODS), _first(told, _PATHS)
    if not (isinstance(method, str) and isinstance(path, str)):
        return None
    if not path.startswith("/"):
        path = _target(path)
    status = str(_first(told, _STATUSES) or 200)
    return (method.upper(), path, int(status)) if re.fullmatch("[0-9]{3}", status) else None


def _first(told: dict[str, Any], names: tuple[str, ...]) -> object:
    return next((told[name] for name in names if name in told), None)


def _target(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _refused(entry: tuple[str, str, int] | None, *, allow_unsafe: bool) -> str:
    """Why the line is left out; "" where it is not."""
    if entry is None:
        return "not understood"
    method, target, status = entry
    if method not in SAFE and not allow_unsafe:
        return "neither GET nor HEAD"
    if not (200 <= status < 300 or status == 304):
        return "not answered with 2xx"
    try:
        check_path(target)
    except UsageError:
        return "with a path that can't be sent"
    return ""
