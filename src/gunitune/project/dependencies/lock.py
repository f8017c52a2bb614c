"""Reads the lock files of uv, Poetry and PDM, and pylock.toml, line by line.

They run to megabytes, for which tomllib takes seconds; their writers lay them out in one way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.project.dependencies.groups import is_dev
from gunitune.project.dependencies.reading import MAX_ENTRIES, Reading, locked
from gunitune.project.dependencies.requirement import is_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.project.dependencies.reading import Locked

_VERSION = re.compile(r"[A-Za-z0-9.+!_-]{1,64}")
_QUOTED = re.compile(r"""["']([^"']{0,128})["']""")
_NEED = re.compile(r'(?:\{ ?name = |^ {1,4})"([A-Za-z0-9._-]{1,128})')
_GROUP = re.compile(r"""["']([\w.-]{1,64})\\?["'] in (?:dependency_groups|extras)""")
_KEY = re.compile(r'"?([A-Za-z0-9._-]{1,128})"? *=')
_HEADERS = ("version =", "lock-version =", "[metadata", "requires-python =")


@dataclass(slots=True)
class _Package:
    """What has been met of one `[[package]]`. `own` marks the project itself."""

    line: int
    name: str = ""
    version: str = ""
    needs: list[str] = field(default_factory=list)
    groups: list[str] | None = None
    own: bool = False
    listing: bool = False

    def head(self, line: str) -> None:
        """Take one line of the package's own table."""
        if line.startswith("name = "):
            self.name = _quoted(line)
        elif line.startswith("version = "):
            self.version = _quoted(line)
        elif line.startswith(("groups = ", "category = ")):
            self.groups = _QUOTED.findall(line)
        elif line.startswith("marker = ") and (groups := _GROUP.findall(line)):
            self.groups = groups
        elif line.startswith(("source = { virtual", "source = { editable")):
            self.own = True
        self.listing = line.startswith("dependencies =") or (self.listing and line[:1] == " ")
        if self.listing:
            self.needs += _NEED.findall(line)

    def need(self, line: str) -> None:
        """Take one line of a table of Poetry's: the name of what is needed, and its version."""
        key = _KEY.match(line)
        if key:
            self.needs.append(key[1])

    def extra(self, line: str) -> None:
        """Take one line of the extras that uv locked."""
        self.needs += _NEED.findall(line)

    def record(self, path: str, *, dev: bool) -> Locked | None:
        """Give the record; None for the project itself and for what is no package."""
        if self.own or not is_name(self.name) or not _VERSION.fullmatch(self.version):
            return None
        grouped = None if self.groups is None else all(map(is_dev, self.groups))
        needs = tuple(self.needs)
        return locked(self.name, self.version, path, self.line, needs, dev=dev or grouped)


_TABLES: dict[str, Callable[[_Package, str], None]] = {
    "[[package]]": _Package.head,
    "[[packages]]": _Package.head,
    "[package.dependencies]": _Package.need,
    "[package.optional-dependencies]": _Package.extra,
}


def read(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read a lock file; what is not laid out as its tool does is passed over."""
    packages = _packages(text)
    records = [package.record(path, dev=dev) for package in packages[:MAX_ENTRIES]]
    return Reading(
        locked=tuple(record for record in records if record is not None),
        problem=_problem(text, packages),
    )


def _packages(text: str) -> list[_Package]:
    packages: list[_Package] = []
    take = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("["):
            table = line.rstrip()
            take = _TABLES.get(table)
            if table.startswith("[[") and take:
                packages.append(_Package(number))
            if len(packages) > MAX_ENTRIES:
                break
        elif take and packages:
            take(packages[-1], line)
    return packages


def _problem(text: str, packages: list[_Package]) -> str:
    if len(packages) > MAX_ENTRIES:
        return f"more than {MAX_ENTRIES} packages, the rest not read"
    if packages or not text.strip():
        return ""
    headed = any(line.startswith(_HEADERS) for line in text.split("\n"))
    return "" if headed else "not a lock file"


def _quoted(line: str) -> str:
    match = _QUOTED.search(line)
    return match[1] if match else ""
