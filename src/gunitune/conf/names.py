"""Which names a tree reads, which its statements bind or change, and how large it is."""

from __future__ import annotations

import ast
import builtins
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_NODES = 20_000
# The methods that change a list, dict or set in place.
CHANGING = frozenset(
    (
        *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"),
        *("reverse", "setdefault", "sort", "update"),
    )
)
_SKIPPED = frozenset({"ctx", "op", "ops", "type_comment", "kind", "type_ignores"})


@lru_cache(maxsize=256)
def _fields(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes, or lists of them."""
    if not issubclass(kind, ast.AST) or issubclass(kind, (ast.Constant, ast.Name, ast.alias)):
        return ()
    return tuple(name for name in kind._fields if name not in _SKIPPED)


def _kind(node: Any) -> Any:
    return node.__class__


def children(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes right below a node, operators and contexts left out."""
    for name in _fields(_kind(node)):
        value = getattr(node, name)
        if value.__class__ is list:
            yield from (each for each in value if isinstance(each, ast.AST))
        elif isinstance(value, ast.AST):
            yield value


def names_read(tree: ast.AST) -> frozenset[str] | None:
    """The names that are read or deleted anywhere, and those in `__all__`; None: too many nodes."""
    reads: set[str] = set()
    nodes: list[Any] = [tree]
    push, pop, fields = nodes.append, nodes.pop, _fields
    left = MAX_NODES
    while nodes:
        node = pop()
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is not ast.Store:
                reads.add(node.id)
            continue
        left -= 1
        if left < 0:
            return None
        if kind is ast.Assign and _is_all(node.targets[0]):
            reads.update(_texts(node.value))
        for field in fields(kind):
            value = getattr(node, field)
            if value.__class__ is list:
                nodes += value
            elif isinstance(value, ast.AST):
                push(value)
    return frozenset(reads)


def _is_all(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.List, ast.Tuple)):
        for item in node.elts:
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                yield item.value


_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def outside_functions(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node of some statements; functions and classes are given, and not entered."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _INNER):
            stack.extend(children(node))


def bound(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that statements may bind or delete."""
    return frozenset(name for node in outside_functions(nodes) for name in _binds(node))


def _binds(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.alias(name=name, asname=asname):
            return ((asname or name).partition(".")[0],)
        case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case ast.MatchAs(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
    return ()


def changed(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names whose values statements may change in place: `x[0] = 1`, `x.append(1)`, `f(x)`."""
    found: set[str] = set()
    for node in outside_functions(nodes):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                found.update(_base(node))
            case ast.Attribute(attr=attr) if attr in CHANGING:
                found.update(_base(node))
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Call(func=ast.Name(id=name)) if hasattr(builtins, name):
                pass
            case ast.Call(args=args, keywords=keywords):
                for each in (*args, *(keyword.value for keyword in keywords)):
                    found.update(_base(each))
    return frozenset(found)


def _base(node: ast.AST) -> Iterator[str]:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def local_names(function: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that a function's body makes its own, its parameters left out."""
    if isinstance(function, ast.Lambda):
        return frozenset()
    return bound(function.body) - declared_outer(function)


def declared_outer(function: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that a function declares `global` or `nonlocal`."""
    if isinstance(function, ast.Lambda):
        return frozenset()
    return frozenset(
        name
        for node in outside_functions(function.body)
        if isinstance(node, (ast.Global, ast.Nonlocal))
        for name in node.names
    )


def holds(nodes: Iterable[ast.AST], kinds: tuple[type[ast.AST], ...]) -> bool:
    """Whether a node of one of the kinds stands in the statements, outside functions."""
    return any(isinstance(node, kinds) for node in outside_functions(nodes))


def called(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The plain names that statements call."""
    return frozenset(
        node.func.id
        for node in outside_functions(nodes)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
