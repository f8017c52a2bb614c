"""Tells what kind of app a project is, by reading its source and never running it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gunitune.model import App, Unknown
from gunitune.project.dependencies import read_dependencies
from gunitune.project.files import printable, walk
from gunitune.project.interface import Entry, find_entry
from gunitune.project.libraries import STDLIB, load_libraries
from gunitune.project.source import Source
from gunitune.project.source.evidence import Looked, Witness
from gunitune.project.source.imports import reachable, read_imports
from gunitune.project.source.layout import is_aside
from gunitune.project.source.meaning import is_installed
from gunitune.project.source.origins import Origins
from gunitune.project.source.weigh import Verdict, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gunitune.model import Evidence, Interface, Kind
    from gunitune.project.dependencies import Dependencies
    from gunitune.project.files import ProjectFiles
    from gunitune.project.libraries import Library
    from gunitune.project.source.imports import Imports

_EVIDENCE = 60
_SHOWN = 3
_SERVER_ENGINES = frozenset(("postgresql", "postgresql_psycopg2", "postgis", "mysql", "oracle"))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold back the cycle collector, which looks through all syntax trees again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collector()
def classify(
    path: Path,
    *,
    kind: Kind | None = None,
    spec: str | None = None,
    interface: Interface | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> App:
    """Read the project at `path`, a folder or a file in it, and say what will run.

    `kind`, `spec` and `interface` are what the user said; the rest is read. `progress` is called
    with the files read so far and their number. Raises ProjectError where `path` can't be read or
    holds an app that only a server of its own can run.
    """
    files = walk(path)
    source = Source(files, progress)
    origins, dependencies, libraries = Origins(source), read_dependencies(files), load_libraries()
    imports = read_imports(source, libraries)
    entry = find_entry(files, origins, dependencies, spec=spec, interface=interface)
    witness = Witness(origins, libraries, imports)
    found, looked = witness.in_handlers(entry.path)
    by_name = entry.framework == "django" or entry.path is None
    found += witness.at_startup(entry.path, everywhere=by_name)
    found += [*witness.in_imports(found), *witness.in_dependencies(dependencies)]
    verdict = weigh(found) if kind is None else Verdict(kind, "high")
    seen = {item.source for item in found if item.place != "declared"}
    at_work = [item for item in libraries if item.name in seen and not is_installed(item)]
    used = _used(imports, dependencies, libraries.by_distribution)
    return App(
        path=printable(str(path)),
        kind=verdict.kind,
        confidence=verdict.confidence,
        kind_basis="heuristic" if kind is None else "asked",
        interface=entry.interface,
        framework=entry.framework,
        spec=entry.spec,
        start_options=entry.start_options,
        evidence=tuple(sorted((f.evidence for f in found), key=_order))[:_EVIDENCE],
        dependencies=dependencies.all,
        imports=imports.modules,
        gevent_blockers=tuple(_blockers([*used, *at_work], imports, dependencies)),
        libraries=tuple(item.name for item in used),
        loaded=_loaded(entry, source, imports),
        databases=tuple(_databases(used, source)),
        blocking=tuple(looked.blocking[:_SHOWN]),
        notes=(
            *_notes(files, source, entry, verdict, looked),
            *(f"not read: {problem}" for problem in dependencies.problems[:_SHOWN]),
        ),
    )


def _order(evidence: Evidence) -> tuple[float, str, int, str]:
    return -evidence.weight, evidence.path, evidence.line, evidence.text


def _used(
    imports: Imports, dependencies: Dependencies, find: Callable[[str], Library | None]
) -> tuple[Library, ...]:
    """Known libraries that the app's code imports, or that are declared for more than its tests."""
    direct = [item.name for item in dependencies.all if item.direct and not item.dev]
    declared = [library for name in direct if (library := find(name)) is not None]
    used = {library.name: library for library in (*imports.libraries.values(), *declared)}
    return tuple(used[name] for name in sorted(used) if is_installed(used[name]))


def _loaded(entry: Entry, source: Source, imports: Imports) -> tuple[str, ...] | Unknown:
    """Known libraries that loading the app imports; Django loads its apps by name."""
    if entry.path is None or entry.framework == "django":
        return Unknown("what loading the app imports can't be followed")
    files = reachable(source, [entry.path])
    return tuple(sorted({name for path in files for name in imports.near.get(path, ())}))


def _blockers(
    used: Sequence[Library], imports: Imports, dependencies: Dependencies
) -> Iterator[str]:
    """Libraries that hold up a gevent worker, each with the reason.

    A database driver counts where it is only declared: a framework imports it. Another library
    counts where the source imports it, for a frozen list of requirements names many that idle.
    """
    present = imports.modules | dependencies.names
    imported = {library.name for library in imports.libraries.values()}
    for library in used:
        if library.name not in imported and is_installed(library) and not library.database:
            continue
        patched = library.gevent == "patch" and not present.isdisjoint(library.patched_by)
        if library.gevent in ("blocks", "patch") and not patched:
            yield f"{library.name.removeprefix(STDLIB)} ({library.gevent_why})"


def _databases(used: Sequence[Library], source: Source) -> Iterator[str]:
    yield from (library.name for library in used if library.database)
    engines = {e for p, s in source.scans.items() if not is_aside(p) for e in s.engines}
    if engines & _SERVER_ENGINES:
        yield "django ORM"


def _notes(
    files: ProjectFiles, source: Source, entry: Entry, verdict: Verdict, looked: Looked
) -> Iterator[str]:
    yield from entry.notes
    if not files.python:
        yield "there are no Python files: name the folder of the app to have it read"
        return
    if verdict.note:
        yield verdict.note
    elif verdict.kind == "unknown" and verdict.confidence == "low":
        yield (
            f"looked at {_count(looked.handlers, 'request handler')} in "
            f"{_count(looked.files, 'file')}, at imports and at dependencies: found nothing "
            "convincing that waits, computes or loads a model"
        )
    if looked.left_out:
        yield (
            f"{looked.left_out} more files with request handlers were only looked at for their "
            f"imports: the {looked.files} that use most libraries were read"
        )
    if files.truncated:
        yield "the project has more files than were looked at"
    problems = [f"{path} ({reason})" for path, reason in sorted(source.problems.items())]
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        yield f"not read: {', '.join(problems[:_SHOWN])}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
