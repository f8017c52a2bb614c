"""What is known of web frameworks: rules/frameworks.toml as values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from gunitune.data import rules_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gunitune.model import Interface, Kind


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework whose app object Gunicorn can serve; `attribute` of it, where one is named."""

    name: str
    interface: Interface
    packages: frozenset[str]
    constructors: frozenset[str]
    attribute: str | None


@dataclass(frozen=True, slots=True)
class Server:
    """A framework with a server of its own: the calls that show it, and what to do instead."""

    name: str
    calls: frozenset[str]
    hint: str


@dataclass(frozen=True, slots=True)
class PythonCalls:
    """Calls of the standard library that say the same of the handler that makes them."""

    kind: Kind
    weight: float
    does: str
    calls: frozenset[str]


@dataclass(frozen=True, slots=True)
class Handlers:
    """What makes a function or a class answer requests."""

    methods: frozenset[str]
    decorators: frozenset[str]
    registrars: frozenset[str]
    bases: frozenset[str]
    class_methods: frozenset[str]
    prefixes: frozenset[str]
    responders: frozenset[str]
    parameters: frozenset[str]
    foreign: frozenset[str]
    queries: frozenset[str]


@dataclass(frozen=True, slots=True)
class Orm:
    """How queries of a framework's ORM look in source."""

    name: str
    package: str
    attributes: frozenset[str]
    calls: frozenset[str]
    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Startup:
    """What makes a function run once per worker."""

    decorators: frozenset[str]
    keywords: frozenset[str]
    methods: frozenset[str]
    caches: frozenset[str]
    factories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of rules/frameworks.toml."""

    frameworks: tuple[Framework, ...]
    adapters: Mapping[str, Interface]
    handlers: Handlers
    startup: Startup
    servers: tuple[Server, ...]
    python: Mapping[str, PythonCalls]
    constructors: Mapping[str, Framework]
    background: frozenset[str]
    orms: tuple[Orm, ...]
    sizes: frozenset[str]
    blocking: frozenset[str]
    own_waits: frozenset[str]
    common: frozenset[str]

    def framework_made_by(self, origin: str) -> Framework | None:
        """Give the framework whose constructor `origin` is, also by another of its modules."""
        return self.constructors.get(origin) or self.constructors.get(_ends(origin))


@cache
def load_knowledge() -> Knowledge:
    """Read rules/frameworks.toml, once."""
    with (rules_dir() / "frameworks.toml").open("rb") as file:
        table = tomllib.load(file)
    frameworks = tuple(_framework(entry) for entry in table["framework"])
    calls = [
        PythonCalls(e["kind"], e["weight"], e["does"], frozenset(e["calls"]))
        for e in table["python"]
    ]
    return Knowledge(
        frameworks=frameworks,
        adapters={name: kind for kind, names in table["adapters"].items() for name in names},
        handlers=Handlers(**_sets(table["handlers"])),
        startup=Startup(**_sets(table["startup"])),
        servers=tuple(Server(e["name"], frozenset(e["calls"]), e["hint"]) for e in table["server"]),
        python={name: entry for entry in calls for name in entry.calls},
        constructors=_constructors(frameworks),
        background=frozenset(table["background"]["packages"]),
        orms=tuple(_orm(entry) for entry in table["orm"]),
        sizes=frozenset(table["sizes"]["calls"]),
        blocking=frozenset(table["loop"]["blocking"]),
        own_waits=frozenset(table["loop"]["own"]),
        common=frozenset(table["names"]["common"]),
    )


def _framework(entry: Mapping[str, Any]) -> Framework:
    packages, constructors = frozenset(entry["packages"]), frozenset(entry["constructors"])
    name, interface = entry["name"], entry["interface"]
    return Framework(name, interface, packages, constructors, entry.get("attribute"))


def _orm(entry: Mapping[str, Any]) -> Orm:
    sets = {key: frozenset(entry[key]) for key in ("attributes", "calls", "methods")}
    return Orm(entry["name"], entry["package"], **sets)


def _constructors(frameworks: Iterable[Framework]) -> dict[str, Framework]:
    exact = {name: item for item in frameworks for name in item.constructors}
    return {_ends(name): item for name, item in exact.items()} | exact


def _ends(origin: str) -> str:
    return f"{origin.partition('.')[0]}.*.{origin.rpartition('.')[2]}"


def _sets(table: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(names) for key, names in table.items()}
