"""Reads TOML files that may be hostile, and finds the line of what they say."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import Any

# tomllib takes time in the square of a key's parts; a line of strings may have more dots.
_MAX_DOTS = 2000
_MAX_DOTS_OUTSIDE_STRINGS = 100
_STRING = re.compile(r"""(["'])((?:(?!\1)[^\n]){1,300})\1""")
_KEY = re.compile(r"""^[ \t]*(["']?)([A-Za-z0-9._-]{1,128}?)\1[ \t]*[=.]""", re.MULTILINE)


def load(text: str) -> dict[str, Any]:
    """Parse TOML; ValueError or RecursionError where it is none."""
    for line in text.split("\n"):
        dots = line.count(".")
        if dots > _MAX_DOTS_OUTSIDE_STRINGS:
            outside = _STRING.sub("", line).count(".")
            if dots > _MAX_DOTS or outside > _MAX_DOTS_OUTSIDE_STRINGS:
                raise ValueError("a line with too many dots")
    return tomllib.loads(text)


def table(data: Any, *keys: str) -> dict[str, Any]:
    """Give the table below `keys`; an empty one where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def strings(value: Any) -> list[str]:
    """Give the strings of an array; none where it is no array."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


class Lines:
    """Where in a text something stands: a best effort, since TOML readers don't say."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._strings = _places(_STRING, text)
        self._keys = _places(_KEY, text)

    def string(self, string: str, *marks: str) -> int:
        """Line of the first such string after the marks, which follow each other."""
        return self._line(self._strings.get(string, []), marks)

    def key(self, key: str, *marks: str) -> int:
        """Line of the first `key = ...` after the marks, which follow each other."""
        return self._line(self._keys.get(key, []), marks)

    def _line(self, places: list[int], marks: tuple[str, ...]) -> int:
        start = 0
        for mark in marks:
            start = max(self._text.find(mark, start), start)
        nearest = bisect_left(places, start)
        at = places[nearest] if nearest < len(places) else start
        return self._text.count("\n", 0, at) + 1


def _places(pattern: re.Pattern[str], text: str) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for match in pattern.finditer(text):
        places.setdefault(match[2], []).append(match.start(2))
    return places
