"""Which library means what: what it says about an app's kind, its memory, and gevent."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from gunitune.data import rules_dir
from gunitune.errors import RuleError
from gunitune.model import MIB, Gevent, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FILE_BYTES_MAX = 1 * MIB
STDLIB = "python:"

_HINT = "see rules/libraries/README.md for what a library's table may hold"
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "what": str,
    "also": list,
    "imports": list,
    "kind": str,
    "weight": int,
    "calls": list,
    "loads": list,
    "gevent": str,
    "gevent_why": str,
    "patched_by": list,
    "database": bool,
    "memory_mib": (int, float),
    "asgi": bool,
    "refs": list,
}
_CHOICES: Mapping[str, tuple[object, ...]] = {
    "kind": ("io", "cpu", "memory"),
    "weight": (1, 2, 3),
    "gevent": ("cooperates", "patch", "blocks"),
}
_SPOKEN: Mapping[type | tuple[type, ...], str] = {
    str: "text",
    list: "a list of names",
    int: "a whole number",
    bool: "true or false",
    (int, float): "a number",
}


@dataclass(frozen=True, slots=True)
class Library:
    """What is known of one library.

    `name` is the normalised distribution name (PEP 503), with `python:` before a module of the
    standard library. `imports` are modules, or functions where the rest of a module says nothing
    (`hashlib.scrypt`). `weight` is 1 for a weak hint to 3 for what a handler that uses it mostly
    does, 0 where `kind` is unknown. `calls` wait or compute, `loads` bring a model or large data
    into memory; both as written after the import (`requests.get`), or `.execute` for a method of
    anything. `memory_bytes` is the unshared memory that importing it adds to each worker, None
    where nobody measured.
    """

    name: str
    what: str
    imports: tuple[str, ...]
    also: tuple[str, ...] = ()
    kind: Kind = "unknown"
    weight: int = 0
    calls: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    gevent: Gevent | None = None
    gevent_why: str = ""
    patched_by: tuple[str, ...] = ()
    database: bool = False
    asgi: bool = False
    memory_bytes: int | None = None
    refs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The library and what it is, as evidence shows it: `psycopg2 (PostgreSQL driver in C)`."""
        return f"{self.name.removeprefix(STDLIB)} ({self.what})"


@dataclass(frozen=True, slots=True)
class Libraries:
    """Every known library, and how to find one."""

    entries: tuple[Library, ...]
    _distributions: Mapping[str, Library]
    _modules: Mapping[str, Library]

    def __iter__(self) -> Iterator[Library]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def by_distribution(self, name: str) -> Library | None:
        """Find what `pip install NAME` brings, whatever way the name is written."""
        return self._distributions.get(name) or self._distributions.get(normalise(name))

    def by_module(self, dotted: str) -> Library | None:
        """Find what `import DOTTED` uses: the entry whose import is the longest prefix of it."""
        while dotted:
            if found := self._modules.get(dotted):
                return found
            dotted = dotted.rpartition(".")[0]
        return None


def normalise(name: str) -> str:
    """Write a distribution's name as PEP 503 does: `Flask_SQLAlchemy` -> `flask-sqlalchemy`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def load_libraries(folder: Path | None = None) -> Libraries:
    """Read every `*.toml` of the folder, by default the shipped one; a broken file: RuleError."""
    return _load((folder or rules_dir() / "libraries").resolve())


@cache
def _load(folder: Path) -> Libraries:
    if not folder.is_dir():
        raise RuleError(f"{folder} is not a folder of library files", "give one with *.toml files")
    entries: list[Library] = []
    distributions: dict[str, Library] = {}
    modules: dict[str, Library] = {}
    for path in sorted(folder.glob("*.toml")):
        for name, table in _read(path).items():
            library = _library(path, name, table)
            entries.append(library)
            _index(path, library, distributions, (name, *library.also))
            _index(path, library, modules, library.imports)
    return Libraries(tuple(entries), distributions, modules)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RuleError(f"{path} is larger than 1 MiB", "split it")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RuleError(f"{path} can't be read: {error}", "mend the file or remove it") from error


def _index(path: Path, library: Library, index: dict[str, Library], keys: tuple[str, ...]) -> None:
    for key in keys:
        if key in index:
            raise _broken(path, library.name, f"{key} is already said by [{index[key].name}]")
        index[key] = library


def _library(path: Path, name: str, table: object) -> Library:
    if not isinstance(table, dict):
        raise _broken(path, name, "is not a table")
    for key, value in table.items():
        if problem := _problem_of_value(key, value):
            raise _broken(path, name, f"{key}: {problem}")
    if problem := _problem_of_table(name, table):
        raise _broken(path, name, problem)
    fields: dict[str, Any] = {"imports": (name.removeprefix(STDLIB).replace("-", "_"),)}
    fields |= {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    if "memory_mib" in fields:
        fields["memory_bytes"] = int(fields.pop("memory_mib") * MIB)
    return Library(name=name, **fields)


def _problem_of_value(key: str, value: object) -> str:
    expected = _TYPES.get(key)
    if expected is None:
        return f"unknown key, not one of {', '.join(_TYPES)}"
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        return f"{value!r} is not {_SPOKEN[expected]}"
    if isinstance(value, list) and not (value and all(isinstance(v, str) and v for v in value)):
        return f"{value!r} is not a list of names"
    if key in _CHOICES and value not in _CHOICES[key]:
        return f"{value!r} is not one of {', '.join(map(str, _CHOICES[key]))}"
    if value == "" or (key == "memory_mib" and not 0 < float(str(value)) < MIB):
        return f"{value!r} says nothing"
    return ""


def _problem_of_table(name: str, table: Mapping[str, object]) -> str:
    normal = name if name.startswith(STDLIB) else normalise(name)
    gevent = table.get("gevent")
    helped = gevent in ("patch", "blocks")
    checks = (
        (name != normal, f"the name is not written as PEP 503 does: {normal}"),
        ("what" not in table, "what is missing"),
        (("kind" in table) != ("weight" in table), "kind and weight go together"),
        (helped and not {"gevent_why", "refs"} <= table.keys(), "gevent needs gevent_why and refs"),
        ("gevent_why" in table and not helped, "gevent_why goes with gevent = 'patch' or 'blocks'"),
        ("patched_by" in table and gevent != "patch", "patched_by goes with gevent = 'patch'"),
    )
    return next((problem for wrong, problem in checks if wrong), "")


def _broken(path: Path, name: str, problem: str) -> RuleError:
    return RuleError(f"{path}: [{name}] {problem}", _HINT)
