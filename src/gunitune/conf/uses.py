"""What a Python text does with names: which it reads, and which it binds, how often and where."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from gunitune.conf.model import Fault
from gunitune.conf.syntax import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

SIMPLE = (ast.Assign, ast.AnnAssign)


@dataclass(frozen=True, slots=True)
class Uses:
    """What a text does with names: which it reads, how often it binds each, and where first.

    `body` has the statements of the module itself by their first line, None where there are more.
    A string that is a name counts as a reading of it.
    """

    body: dict[int, ast.stmt | None]
    read: set[str] = field(default_factory=set)
    bound: Counter[str] = field(default_factory=Counter)
    imported: set[str] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)


@lru_cache(maxsize=4)
def uses_of(text: str) -> Uses | None:
    """What a text does with names; None where it does not parse."""
    tree = parsed(text)
    if isinstance(tree, Fault):
        return None
    body: dict[int, ast.stmt | None] = {}
    for node in tree.body:
        body[node.lineno] = None if node.lineno in body else node
    uses = Uses(body)
    for found in ast.walk(tree):
        _look(found, uses)
    for node in tree.body:
        uses.places.update(dict.fromkeys(_names(node), node.lineno))
    return uses


def _look(node: ast.AST, uses: Uses) -> None:
    if isinstance(node, ast.alias):
        bound = node.asname or node.name.partition(".")[0]
        uses.imported.add(bound)
        uses.bound[bound] += 1
    elif (name := _bound(node)) is not None:
        uses.bound[name] += 1
    else:
        uses.read.update(_read(node))


def _bound(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=str(name), ctx=ast.Store()) | ast.arg(arg=str(name)):
            return name
        case ast.MatchMapping(rest=str(name)):
            return name
    other = getattr(node, "name", None)  # of a function, class, exception or pattern
    return other if isinstance(other, str) else None


def _read(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name) | ast.AugAssign(target=ast.Name(id=name)):
            return (name,)
        case ast.Constant(value=str(name)):
            return (name,)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return tuple(names)
    return ()


def _names(node: ast.stmt) -> Iterator[str]:
    """Names that a statement of the module binds, on the line where it starts."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    for target in targets:
        if isinstance(target, ast.Name) and isinstance(node, SIMPLE):
            yield target.id
