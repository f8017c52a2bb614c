"""Answers what the project declares of a library: whether, in which version, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.project.dependencies.requirement import normalised
from gunitune.project.dependencies.specifier import allows, lowest, version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.model import Dependency


@dataclass(frozen=True, slots=True)
class Pin:
    """A version and the words that name it: `gunicorn==23.0.0 in requirements.txt:4`."""

    version: str
    source: str


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Every declaration found, and one line for each file that could not be read."""

    all: tuple[Dependency, ...] = ()
    problems: tuple[str, ...] = ()
    _named: dict[str, list[Dependency]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named: dict[str, list[Dependency]] = {}
        for dependency in sorted(self.all, key=_rank):
            named.setdefault(dependency.name, []).append(dependency)
        object.__setattr__(self, "_named", named)

    @property
    def names(self) -> frozenset[str]:
        """Normalised names of what the app runs with, direct or locked; dev-only ones left out."""
        return frozenset(name for name, records in self._named.items() if not records[0].dev)

    def get(self, name: str) -> Dependency | None:
        """Give the declaration of a library that says most: the app's own, nearest to the root."""
        records = self._named.get(normalised(name), ())
        return next(iter(records), None)

    def pin(self, name: str) -> Pin | None:
        """Give the exact version that a declaration or lock file names.

        What the app runs with goes before what serves development, a file nearer to the root before
        one further down, a declaration before a lock file, and a file's newest before its others.
        Another file of the same standing that names another version is mentioned.
        """
        records = [record for record in self._named.get(normalised(name), ()) if record.pinned]
        standing = [record for record in records if _standing(record) == _standing(records[0])]
        newest = _newest(record for record in standing if record.path == standing[0].path)
        if newest is None or newest.pinned is None:
            return None
        others = (record for record in standing if record.path != newest.path)
        other = next((record for record in others if record.pinned != newest.pinned), None)
        doubt = f" (but {other.pinned} in {other.path}:{other.line})" if other else ""
        return Pin(newest.pinned, _words(newest) + doubt)

    def minimum(self, name: str) -> Pin | None:
        """Give the lowest version that the declaration with most standing allows, if it says."""
        for record in self._named.get(normalised(name), ()):
            version = lowest(record.specifier) or record.pinned
            if version:
                return Pin(version, _words(record))
        return None

    def newest(self, name: str, releases: Iterable[str]) -> Pin | None:
        """Give the newest of these releases that the declaration with most standing allows."""
        for record in self._named.get(normalised(name), ())[:1]:
            fitting = [each for each in releases if allows(record.specifier, each)]
            if record.specifier and fitting:
                return Pin(max(fitting, key=version_key), _words(record))
        return None


def _standing(record: Dependency) -> tuple[bool, int, bool]:
    return (record.dev, record.path.count("/"), not record.direct)


def _rank(record: Dependency) -> tuple[bool, int, bool, str, int]:
    return (*_standing(record), record.path, record.line)


def _newest(records: Iterable[Dependency]) -> Dependency | None:
    return max(records, key=lambda record: version_key(record.pinned or ""), default=None)


def _words(record: Dependency) -> str:
    specifier = record.specifier or f"=={record.pinned}"
    gap = "" if specifier[0] in "<>=!" or specifier.startswith("~=") else " "
    return f"{record.name}{gap}{specifier} in {record.path}:{record.line}"
