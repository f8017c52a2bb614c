"""What a call says about the code that makes it: it waits, computes, or loads something big."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.project.libraries import STDLIB
from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.tree import chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.model import Kind
    from gunitune.project.libraries import Libraries, Library
    from gunitune.project.source.imports import Imports
    from gunitune.project.source.work import Call

_DOES: Mapping[Kind, str] = {
    "io": "waits",
    "cpu": "computes",
    "memory": "works with data held in memory",
    "unknown": "is at work",
}
# A library's weight in its data file is 1 to 3.
FULL_WEIGHT = 3
# A call of a library's that is not among those known to do its work, and one that is told by the
# name of the method alone.
_TOUCH_SHARE = 0.4
_NAME_SHARE = 0.7
# Passwords are hashed when somebody logs in, which few requests do.
_LOG_IN_SHARE = 0.5
_PASSWORDS = re.compile(r"\bpassword")
# A table may be small, a model seldom is.
_TABLE_WEIGHT = 0.6
_AWAIT_WEIGHT = 0.25
_BIG_ITEMS = 2_000_000
_WORDS = {"python:time": "waits", "python:subprocess": "waits for another process"}
_DATABASE = re.compile(r"\b(?:ORM|ODM|\w*SQL\w*|database|MongoDB)\b")
_IDLE = ("close", "aclose", "dispose", "disconnect", "options", "config", "set_trace")
_EXCEPTIONS = ("Error", "Exception", "Warning", "Timeout")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one call says; `library` is the library behind it, `loads` that it fills memory.

    `certain` is False for a call told by its method's name, or to a library but not to its work;
    `exact` says that the library's data names the very method.
    """

    kind: Kind
    weight: float
    does: str
    library: str | None = None
    loads: bool = False
    certain: bool = True
    exact: bool = True


class Meanings:
    """Reads calls by what is known of libraries, of frameworks' ORMs and of Python's own."""

    def __init__(self, libraries: Libraries, imports: Imports) -> None:
        self._libraries = libraries
        self._known = load_knowledge()
        self._near = imports.near
        self._by_method: dict[str, list[Library]] = {}
        for library in imports.libraries.values():
            for name in {_last(call) for call in (*library.calls, *library.loads)}:
                self._by_method.setdefault(name, []).append(library)
        self._orms = [orm for orm in self._known.orms if orm.package in imports.modules]

    def of(self, call: Call, origin: str, path: str) -> Meaning | None:
        """Give the meaning of a call in a file of the project; `origin` is its callee's."""
        known = self._of_python(call, origin) or self._of_orm(call, origin)
        if known is not None:
            return known
        outside = ":" not in origin and origin[0] != "?"
        library = self._libraries.by_module(origin) if outside else None
        direct = _of_library(library, origin) if library else None
        if not call.called or (direct is not None and direct.certain):
            return direct if direct and direct.certain else None
        return self._of_method(call, _last(origin), path) or direct or self._of_await(call)

    def _of_await(self, call: Call) -> Meaning | None:
        method = _last(call.written)
        if (
            not call.awaited
            or method in self._known.own_waits
            or call.written.startswith("asyncio.")
        ):
            return None
        return Meaning("io", _AWAIT_WEIGHT, "is awaited", certain=False)

    def _of_python(self, call: Call, origin: str) -> Meaning | None:
        known = self._known.python.get(origin)
        if known is not None:
            return Meaning(known.kind, known.weight, known.does, loads=known.kind == "memory")
        if origin in self._known.sizes and call.size >= _BIG_ITEMS:
            does = f"makes {call.size:,} items"
            return Meaning("memory", 1.0, does, origin.partition(".")[0], loads=True)
        return None

    def _of_orm(self, call: Call, origin: str) -> Meaning | None:
        middle = {*(chain(call.node) or [])[1:-1], *origin.split(".")[-2:-1]}
        for orm in self._orms if call.called else ():
            elsewhere = ":" not in origin and not origin.startswith(("?", f"{orm.package}."))
            method = not elsewhere and _last(origin) in orm.methods
            if (
                middle & orm.attributes
                or method
                or any(origin == c or origin.startswith(f"{c}.") for c in orm.calls)
            ):
                return Meaning("io", 1.0, "queries the database", orm.name)
        return None

    def _of_method(self, call: Call, name: str, path: str) -> Meaning | None:
        """Tell a call by its method's name, where one library in use is known for it."""
        candidates = self._by_method.get(name, [])
        near = self._near.get(path, frozenset())
        local = [item for item in candidates if item.name in near]
        common = name in self._known.common
        if "." not in call.written or (common and not call.awaited):
            return None
        chosen = (local or ([] if common else candidates))[:1]
        if not chosen:
            return None
        found = _of_library(chosen[0], name)
        return replace(found, weight=found.weight * _NAME_SHARE, certain=False) if found else None


def _of_library(library: Library, origin: str) -> Meaning | None:
    name = _last(origin)
    if name in _IDLE or name.endswith(_EXCEPTIONS):
        return None
    if name in {_last(load) for load in library.loads}:
        weight = _TABLE_WEIGHT if name.startswith("read_") else 1.0
        return Meaning("memory", weight, "loads into memory", library.name, loads=True)
    exact = name in {_last(call) for call in library.calls}
    listed = exact or any(origin.startswith(f"{call}.") for call in library.calls)
    if library.kind == "unknown" or not (listed or is_installed(library)):
        return None
    weight = library.weight / FULL_WEIGHT * (1.0 if listed else _TOUCH_SHARE)
    if _PASSWORDS.search(library.what):
        weight *= _LOG_IN_SHARE
    return Meaning(library.kind, weight, _does(library), library.name, False, listed, exact)


def _does(library: Library) -> str:
    if library.name in _WORDS:
        return _WORDS[library.name]
    if library.database or _DATABASE.search(library.what):
        return "asks the database"
    if library.kind == "io" and library.weight > 1:
        return "waits for another service"
    return _DOES[library.kind]


def is_installed(library: Library) -> bool:
    """Whether it is a library at all, and not a module of Python's own."""
    return not library.name.startswith(STDLIB)


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2].rpartition(":")[2]
