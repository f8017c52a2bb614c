"""Reads Pipenv's Pipfile and Pipfile.lock."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from gunitune.project.dependencies.groups import is_dev
from gunitune.project.dependencies.poetry import from_value
from gunitune.project.dependencies.pyproject import take_table
from gunitune.project.dependencies.reading import MAX_ENTRIES, Entries, Reading, locked
from gunitune.project.dependencies.toml import Lines, load, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.project.dependencies.reading import Locked

_NOT_PACKAGES = frozenset(("source", "requires", "scripts", "pipenv", "pipfile", "_meta"))


def read(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read a Pipfile; ValueError or RecursionError where it is no TOML."""
    data = load(text)
    entries, lines = Entries(path, dev=dev), Lines(text)
    for category in sorted(data.keys() - _NOT_PACKAGES):
        packages = table(data, category)
        take_table(entries, packages, lines, f"[{category}]", dev=is_dev(category))
    return entries.reading()


def read_lock(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read a Pipfile.lock; ValueError or RecursionError where it is no JSON object."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what every reader raises
    lines = {name: number for number, line in enumerate(text.split("\n"), 1) for name in _key(line)}
    return Reading(locked=tuple(islice(_packages(data, path, lines, dev=dev), MAX_ENTRIES)))


def _packages(
    data: dict[str, Any], path: str, lines: dict[str, int], *, dev: bool
) -> Iterator[Locked]:
    for category in sorted(data.keys() - _NOT_PACKAGES):
        for name, value in table(data, category).items():
            for found in from_value(name, value):
                for_dev = dev or category == "develop" or is_dev(category)
                if found.pinned and not found.windows:
                    line = lines.get(name, 1)
                    yield locked(found.name, found.pinned, path, line, dev=for_dev)


def _key(line: str) -> list[str]:
    """The key of a JSON object that opens on this line."""
    name, colon, rest = line.strip().partition(":")
    return [name.strip('"')] if colon and rest.strip().startswith("{") else []
