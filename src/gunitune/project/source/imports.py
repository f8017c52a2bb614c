"""Which modules and known libraries the project imports, where, and which files an app loads."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.project.source.layout import is_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gunitune.project.libraries import Libraries, Library
    from gunitune.project.source import Source
    from gunitune.project.source.layout import Layout
    from gunitune.project.source.scan import Import


@dataclass(frozen=True, slots=True)
class Site:
    """One place where a library is imported."""

    path: str
    line: int
    module: str


@dataclass(frozen=True, slots=True)
class Imports:
    """What files that requests may reach import from outside the project.

    `modules` are top-level names; `sites` has the places by library, `near` the libraries by file.
    """

    modules: frozenset[str]
    libraries: Mapping[str, Library]
    sites: Mapping[str, tuple[Site, ...]]
    near: Mapping[str, frozenset[str]]


def read_imports(source: Source, libraries: Libraries) -> Imports:
    """Collect the imports of every file but tests, migrations and the like."""
    known: dict[str, Library | None] = {}
    used: dict[str, Library] = {}
    sites: dict[str, list[Site]] = {}
    near: dict[str, set[str]] = {}
    modules: set[str] = set()
    for path, item in _outside(source):
        modules.add(item.module.partition(".")[0])
        for target in item.targets():
            if target not in known:
                known[target] = libraries.by_module(target)
            library = known[target]
            if library is not None:
                used[library.name] = library
                sites.setdefault(library.name, []).append(Site(path, item.line, item.module))
                near.setdefault(path, set()).add(library.name)
    return Imports(
        frozenset(modules),
        used,
        {name: tuple(places) for name, places in sites.items()},
        {path: frozenset(names) for path, names in near.items()},
    )


def _outside(source: Source) -> Iterator[tuple[str, Import]]:
    for path, glance in source.scans.items():
        if not is_aside(path):
            for item in glance.imports:
                if not item.module.startswith(".") and not _is_own(
                    source.layout, path, item.module
                ):
                    yield path, item


def _is_own(layout: Layout, path: str, module: str) -> bool:
    """Whether the project itself has the module; a folder without Python files in it is none."""
    found = layout.find(path, module)
    return found is not None and (found.endswith(".py") or "." in module)


def reachable(source: Source, roots: Iterable[str]) -> frozenset[str]:
    """Files that are loaded when the roots are, by following imports inside the project."""
    reached, queue = set[str](), deque(root for root in roots if root in source.scans)
    while queue:
        path = queue.popleft()
        if path not in reached:
            reached.add(path)
            queue += [p for p in _loaded(source, path) if p not in reached]
    return frozenset(reached)


def _loaded(source: Source, path: str) -> Iterator[str]:
    layout = source.layout
    for item in source.scans[path].imports:
        level = len(item.module) - len(item.module.lstrip("."))
        for target in item.targets():
            dotted = target[level:]
            found = layout.relative(path, level, dotted) if level else layout.find(path, dotted)
            if found is not None and found in source.scans:
                yield found
                yield from _packages(source, found)


def _packages(source: Source, path: str) -> Iterator[str]:
    parts = path.split("/")
    inits = ("/".join([*parts[:end], "__init__.py"]) for end in range(1, len(parts)))
    return (init for init in inits if init in source.scans)
