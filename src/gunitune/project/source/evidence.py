"""What the source says about the app's kind: findings in handlers, at start-up, in imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.model import Evidence
from gunitune.project.source.finding import (
    BACKGROUND_SHARE,
    DECLARED_SHARE,
    IMPORTED_SHARE,
    Finding,
    at_import,
    best,
    big,
    blocks,
    in_handler,
    of_library,
    once,
)
from gunitune.project.source.handlers import Finder
from gunitune.project.source.imports import Imports, Site, reachable
from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.layout import is_aside
from gunitune.project.source.meaning import Meanings, is_installed
from gunitune.project.source.trace import Tracer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.project.dependencies import Dependencies
    from gunitune.project.libraries import Libraries
    from gunitune.project.source.origins import Origins

# Share of what may be parsed that reading handlers leaves for the functions they call, and those
# for modules that load something at import.
_CALLED_RESERVE = 0.25
_LOADS_RESERVE = 0.12
# What a load counts in a module that the app is not seen to import.
_ELSEWHERE = 0.3
_MANY_HANDLERS = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """How much was looked at, for those who wonder why nothing was found."""

    handlers: int
    files: int
    left_out: int
    blocking: tuple[str, ...]


class Witness:
    """Collects findings from one project."""

    def __init__(self, origins: Origins, libraries: Libraries, imports: Imports) -> None:
        self._source = origins.source
        self._imports = imports
        self._libraries = libraries
        self._tracer = Tracer(origins, Meanings(libraries, imports))
        self._finder = Finder(origins)
        self._scans = {p: s for p, s in self._source.scans.items() if not is_aside(p)}

    def in_handlers(self, entry: str | None) -> tuple[list[Finding], Looked]:
        """Findings in request handlers and in what they call; `entry` is the app's file."""
        paths = [path for path, s in self._scans.items() if s.handlers or path == entry]
        paths.sort(key=lambda path: (path != entry, -self._relevance(path), path))
        self._source.reserve = _CALLED_RESERVE
        read = [path for path in paths if self._source.module(path) is not None]
        handlers = dict.fromkeys(h for path in read for h in self._finder.handlers(path))
        self._source.reserve = _LOADS_RESERVE
        found: list[Finding] = []
        blocking: list[str] = []
        for handler in handlers:
            happenings = list(self._tracer.function(handler.origin))
            found += best(in_handler(item, handler) for item in happenings)
            blocking += [blocks(item) for item in happenings if item.blocks_loop]
        found += [finding for path in read for finding in self._queries(path)]
        found = once(found)
        left_out = len(set(paths) - set(read) - self._source.problems.keys())
        looked = Looked(len(handlers), len(read), left_out, tuple(dict.fromkeys(blocking)))
        return found, looked

    def _relevance(self, path: str) -> int:
        libraries = self._imports.near.get(path, frozenset())
        telling = sum(self._imports.libraries[name].kind != "unknown" for name in libraries)
        return _MANY_HANDLERS * telling + min(self._scans[path].handlers, _MANY_HANDLERS)

    def _queries(self, path: str) -> Iterator[Finding]:
        orm = "django" if "django" in self._imports.modules else None
        for name, node in self._finder.queries(path) if orm else ():
            text = f"{name} queries the database for each request"
            yield Finding(
                "handler", f"{orm} {name}", Evidence("io", 1.0, text, path, node.lineno, orm)
            )

    def at_startup(self, entry: str | None, *, everywhere: bool) -> list[Finding]:
        """Findings in what runs once per worker: models and data loaded into memory.

        `everywhere` says that any module of the project may be loaded by the app.
        """
        self._source.reserve = 0.0
        served = [path for path, s in self._scans.items() if s.handlers or path == entry]
        loaded = self._scans.keys() if everywhere else reachable(self._source, served)
        loaders = {
            name.partition(".")[0]
            for item in self._libraries
            if item.loads
            for name in item.imports
        }
        paths = [p for p, s in self._scans.items() if p in served or loaders & s.packages]
        found: list[Finding] = []
        for path in sorted(paths, key=lambda p: (p != entry, p not in loaded, p)):
            share = 1.0 if path in loaded else _ELSEWHERE
            found += self._loads(path, share)
        return found

    def _loads(self, path: str, share: float) -> Iterator[Finding]:
        module = self._source.module(path)
        if module is None:
            return
        happenings = list(self._tracer.block(path, module.loaded))
        for handler in self._finder.startup(path):
            happenings += self._tracer.function(handler.origin, nested=False)
        yield from best(at_import(item, share) for item in happenings)
        for node in module.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and (text := big(node.value)):
                evidence = Evidence("memory", share, f"{text} at import", path, node.lineno)
                yield Finding("startup", f"{path}:{node.lineno}", evidence)

    def in_imports(self, found: Sequence[Finding]) -> Iterator[Finding]:
        """Findings from libraries that are imported, but not seen at work."""
        seen = {item.evidence.library for item in found}
        for name, sites in self._imports.sites.items():
            library = self._imports.libraries[name]
            if name not in seen and library.kind != "unknown" and is_installed(library):
                site = min(sites, key=lambda s: (self._aloof(s.path), s.path, s.line))
                share = BACKGROUND_SHARE if self._aloof(site.path) > 1 else IMPORTED_SHARE
                yield of_library("import", library, share, site)

    def _aloof(self, path: str) -> int:
        """How far a file is from requests: 0 handles them, 2 works in the background."""
        glance = self._scans[path]
        background = load_knowledge().background & glance.packages
        return 0 if glance.handlers else 2 if background else 1

    def in_dependencies(self, dependencies: Dependencies) -> Iterator[Finding]:
        """Findings from libraries that are declared, but not seen imported."""
        known = set(self._imports.libraries)
        for item in dependencies.all:
            library = self._libraries.by_distribution(item.name)
            if library is None or library.name in known or item.dev or not item.direct:
                continue
            known.add(library.name)
            if library.kind != "unknown":
                share = IMPORTED_SHARE if library.database else DECLARED_SHARE
                yield of_library("declared", library, share, Site(item.path, item.line, item.name))
