"""What Gunicorn is to serve: the app object, its interface, its framework and its import spec."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.model import Unknown
from gunitune.project.source.apps import Apps
from gunitune.project.source.framework import framework_in_use, interface_of
from gunitune.project.source.layout import is_aside
from gunitune.project.source.rank import Ranking, name_quality, named_in_settings
from gunitune.project.source.servers import refuse_servers
from gunitune.project.source.spec import Place

if TYPE_CHECKING:
    from gunitune.model import Interface
    from gunitune.project.dependencies import Dependencies
    from gunitune.project.files import ProjectFiles
    from gunitune.project.source.app import Candidate
    from gunitune.project.source.origins import Origins

_ENTRY_FILES = 80
# Share of what may be parsed that the search for the app leaves for its handlers.
_RESERVE = 0.75
_SHOWN = 5
_GATEWAY: dict[str, Interface] = {"wsgi.py": "wsgi", "asgi.py": "asgi"}
_IMPORTED_NAMES = ("application", "app")


@dataclass(frozen=True, slots=True)
class Entry:
    """The way into the app; `path` is the file that holds it, where one does."""

    interface: Interface | Unknown
    framework: str | None
    spec: str | Unknown
    path: str | None = None
    notes: tuple[str, ...] = ()
    start_options: tuple[str, ...] = ()


def find_entry(
    files: ProjectFiles,
    origins: Origins,
    dependencies: Dependencies,
    *,
    spec: str | None = None,
    interface: Interface | None = None,
) -> Entry:
    """Find what Gunicorn is to serve; `spec` and `interface` are what the user said, if anything.

    Raises ProjectError for a project that only a server of its own can run, and UsageError for a
    `spec` that is none.
    """
    origins.source.reserve = _RESERVE
    search = _Search(files, origins, dependencies, interface)
    return search.asked(spec) if spec is not None else search.best()


class _Search:
    """One look for the app among the files that may hold it."""

    def __init__(
        self,
        files: ProjectFiles,
        origins: Origins,
        dependencies: Dependencies,
        interface: Interface | None,
    ) -> None:
        self._origins = origins
        self._dependencies = dependencies
        self._interface = interface
        self._apps = Apps(origins)
        self._place = Place(files, origins.source)
        start = files.relative(files.start) if files.start else None
        self._ranking = Ranking(self._place, start, named_in_settings(origins))

    def asked(self, spec: str) -> Entry:
        """Look for what the user named."""
        dotted, name = _parsed(spec)
        path = self._place.find(dotted)
        if path is None:
            note = f"{spec}: no module {dotted} in the project, so its interface could not be read"
            framework = self._framework()
            return Entry(self._interface_of(framework), framework, spec, None, (note,))
        found = self._apps.imported(path, name)
        if found is None:
            refuse_servers(self._origins, [path])
            reason = f"{name} in {path} is no app that gunitune recognises"
            framework = self._framework()
            return Entry(self._interface or Unknown(reason), framework, spec, path, (reason,))
        return self._entry(found, spec)

    def best(self) -> Entry:
        """Look for the best app of the project."""
        found = self._candidates()
        usable = [item for item in found if not item.needs]
        wanted = [i for i in usable if self._interface in (None, i.made.interface)]
        if not wanted:
            return self._nothing(found)
        sided = self._ranking.one_sided(wanted, self._dependencies.names)
        ranked = sorted(sided, key=lambda item: (self._ranking.of(item), item.path))
        rank = self._ranking.of(ranked[0])
        rivals = [item for item in ranked if self._ranking.of(item) == rank]
        if len({(item.made.path, item.made.line) for item in rivals}) > 1:
            return self._several(rivals)
        return self._entry(ranked[0], self._spec(ranked[0]))

    def _candidates(self) -> list[Candidate]:
        found: list[Candidate] = []
        for path in self._paths():
            found += self._in_file(path)
        return found

    def _in_file(self, path: str) -> list[Candidate]:
        own = self._apps.candidates(path)
        if name_quality(path) > 1:
            return own
        names = [name for name in _IMPORTED_NAMES if not self._apps.defines(path, name)]
        aliases = (self._apps.imported(path, name) for name in names)
        found = [*own, *(item for item in aliases if item is not None)]
        gateway = _GATEWAY.get(path.rpartition("/")[2])
        if gateway is None or found:
            return found
        refuse_servers(self._origins, [path])
        return [item for item in [self._apps.gateway(path, gateway)] if item is not None]

    def _paths(self) -> list[str]:
        """Files that may hold the app, the most likely first."""
        paths = [
            path
            for path, glance in self._origins.source.scans.items()
            if glance.size
            and not is_aside(path)
            and (glance.apps or name_quality(path) <= 1 or self._ranking.is_named(path))
        ]
        return sorted(paths, key=lambda path: (self._ranking.of_file(path), path))[:_ENTRY_FILES]

    def _entry(self, found: Candidate, spec: str) -> Entry:
        interface = self._interface or found.made.interface
        framework = found.made.framework
        if framework == found.made.interface:
            guess = self._framework()
            same = self._interface_of(guess) == interface
            framework = guess if guess and same else framework
        folder = self._place.run_folder(found.path, found.name)
        notes, options = _start(folder.rstrip("/"))
        return Entry(interface, framework, spec, found.path, notes, options)

    def _spec(self, item: Candidate) -> str:
        return self._place.spec(item.path, item.name) + "()" * item.factory

    def _several(self, rivals: list[Candidate]) -> Entry:
        specs = sorted({self._spec(item) for item in rivals})
        shown = ", ".join(specs[:_SHOWN]) + (", ..." if len(specs) > _SHOWN else "")
        interfaces = {item.made.interface for item in rivals}
        interface = interfaces.pop() if len(interfaces) == 1 else Unknown(f"it is one of {shown}")
        frameworks = Counter(item.made.framework for item in rivals)
        return Entry(
            self._interface or interface,
            frameworks.most_common(1)[0][0],
            Unknown(f"several apps are equally likely: {shown}; name one with --app"),
        )

    def _nothing(self, found: list[Candidate]) -> Entry:
        framework = self._framework()
        if not found:
            refuse_servers(self._origins, self._origins.source.scans, framework)
        return Entry(
            self._interface_of(framework), framework, Unknown(self._missing(found, framework))
        )

    def _missing(self, found: list[Candidate], framework: str | None) -> str:
        factories = [item for item in found if item.needs]
        if factories:
            item = min(factories, key=self._ranking.of)
            arguments = ", ".join(item.needs)
            return (
                f"{item.name}({arguments}) in {item.path}:{item.line} needs arguments; "
                "give one as --app 'module:factory(...)', or add a wsgi.py that calls it"
            )
        if found:
            return f"no app speaks {self._interface}; found {self._spec(found[0])}"
        if framework:
            return (
                f"{framework} is used, but no app object or factory was found; name it with --app"
            )
        return "no app of a framework that gunitune knows was found; name it with --app"

    def _framework(self) -> str | None:
        return framework_in_use(self._origins.source, self._dependencies)

    def _interface_of(self, framework: str | None) -> Interface | Unknown:
        return self._interface or interface_of(framework)


def _start(folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to know of the folder that Gunicorn is to import the app from, and its options."""
    if not folder:
        return (), ()
    if folder.rpartition("/")[2] == "src":
        note = f"the app is below {folder}/: install it, or start with --pythonpath"
        return (note,), ("--pythonpath", folder)
    return (f"the app is in {folder}/: start there, or with --chdir",), ("--chdir", folder)


def _parsed(spec: str) -> tuple[str, str]:
    """Split `module:name`, `module:factory(...)` or `module` into module and name."""
    dotted, _, attribute = spec.partition(":")
    try:
        node = ast.parse(attribute or "application", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        node = ast.Constant(None)
    node = node.func if isinstance(node, ast.Call) else node
    if not isinstance(node, ast.Name) or not all(p.isidentifier() for p in dotted.split(".")):
        raise UsageError(f"{spec!r} names no app", "write it as module:app or module:factory()")
    return dotted, node.id
