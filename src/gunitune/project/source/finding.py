"""One piece of evidence, put into words and given its weight."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gunitune.model import Evidence
from gunitune.project.libraries import STDLIB
from gunitune.project.source.meaning import FULL_WEIGHT
from gunitune.project.source.tree import integer
from gunitune.project.source.work import Computing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.project.libraries import Library
    from gunitune.project.source.handlers import Handler
    from gunitune.project.source.imports import Site
    from gunitune.project.source.trace import Happening

Place = Literal["handler", "startup", "import", "declared"]
# What a library counts that is only imported, only in background tasks, or only declared.
IMPORTED_SHARE = 0.3
BACKGROUND_SHARE = 0.1
DECLARED_SHARE = 0.1
# What a load counts in a handler that does not keep what it loaded.
_LOADED_AGAIN = 0.5
_BIG_LITERAL = 20_000
_BIG_REPEAT = 2_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence, and the place in the program it is about; `key` joins what is not independent.

    `source` is the library or module behind it, `exact` whether the call is one known by name.
    """

    place: Place
    key: str
    evidence: Evidence
    source: str | None = None
    exact: bool = True


def of_library(place: Place, library: Library, share: float, site: Site) -> Finding:
    """A library that is there, but not seen at work."""
    weight = round(share * library.weight / FULL_WEIGHT, 3)
    verb = "imported" if place == "import" else "declared"
    text = f"{library.title} is {verb}"
    return Finding(
        place,
        library.name,
        Evidence(library.kind, weight, text, site.path, site.line, library.name),
    )


def best(findings: Iterable[Finding | None]) -> list[Finding]:
    """Of several findings with the same key and kind leave the one that says most."""
    found: dict[tuple[str, str], Finding] = {}
    for item in findings:
        if item is None:
            continue
        key = (item.key, item.evidence.kind)
        if key not in found or _strength(found[key]) < _strength(item):
            found[key] = item
    return list(found.values())


def once(findings: list[Finding]) -> list[Finding]:
    """What several handlers share by calling the same helper counts once."""
    places: dict[tuple[str, int, str], Finding] = {}
    for item in findings:
        known = item.evidence
        places.setdefault((known.path, known.line, known.kind), item)
    return list(places.values())


def _strength(item: Finding) -> tuple[float, bool, int]:
    return item.evidence.weight, item.exact, -len(item.evidence.text)


def in_handler(item: Happening, handler: Handler) -> Finding:
    """What a handler, or a function it calls, does."""
    own = (item.path, item.holder) == (handler.path, handler.qualified)
    where = f"in {'' if own else f'{item.holder}(), called by '}the handler {handler.qualified}()"
    if isinstance(item.what, Computing):
        text = f"{item.what.text} {where}"
        evidence = Evidence("cpu", item.what.weight, text, item.path, item.line)
        return Finding("handler", f"loop {item.path}:{item.holder}", evidence)
    what = item.what
    weight = what.weight * (_LOADED_AGAIN if what.loads and not item.kept else 1.0)
    text = f"{item.written} {where} {what.does}"
    library = _installed(what.library)
    evidence = Evidence(what.kind, round(weight, 3), text, item.path, item.line, library)
    key = f"{what.library or item.origin} {handler.origin}"
    return Finding("handler", key, evidence, what.library or item.origin, what.exact)


def at_import(item: Happening, share: float) -> Finding | None:
    """What start-up code loads; None for all else that it does."""
    what = item.what
    if isinstance(what, Computing) or not what.loads:
        return None
    where = f"in {item.holder}(), run at start-up," if item.holder else "at import"
    text = f"{item.written} {where} {what.does}"
    weight, library = round(what.weight * share, 3), _installed(what.library)
    evidence = Evidence("memory", weight, text, item.path, item.line, library)
    return Finding("startup", f"{item.path}:{item.line}", evidence, what.library or item.origin)


def _installed(library: str | None) -> str | None:
    return None if library is None or library.startswith(STDLIB) else library


def blocks(item: Happening) -> str:
    """Say that a call holds up the event loop."""
    return f"{item.path}:{item.line}: {item.written} in async {item.holder}() blocks the event loop"


def big(node: ast.expr | None) -> str:
    """Say what is big in a module-level value, if anything is."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return "a large literal" if len(node.elts) >= _BIG_LITERAL else ""
    if isinstance(node, ast.Dict):
        return "a large literal" if len(node.values) >= _BIG_LITERAL else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        sizes = [integer(side) or 0 for side in (node.left, node.right)]
        lists = any(isinstance(side, ast.List) for side in (node.left, node.right))
        return "a list of millions of items" if lists and max(sizes) >= _BIG_REPEAT else ""
    return ""
