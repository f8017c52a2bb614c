"""What an assignment looks like in the text: its expression, and the variable that it reads."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunitune.conf.model import Assigned, Conf, Span

MAX_CHARACTERS = 1_000
_CALLS = frozenset(("os.environ.get", "environ.get", "os.getenv", "getenv"))
_ENVIRONS = frozenset(("os.environ", "environ"))


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable as an expression reads it; `default` is None where it has none."""

    name: str
    default: ast.expr | None


def slice_of(conf: Conf, span: Span | None) -> str:
    """The text of a span; "" where there is none."""
    from gunitune.conf.lines import Lines

    return "" if span is None else Lines(conf.text).slice(span) or ""


def expression_of(conf: Conf, assigned: Assigned) -> ast.expr | None:
    """The tree of the value's expression; None where it is long, or not written as one."""
    text = slice_of(conf, assigned.statement)
    if assigned.means != "assign" or not text or len(text) > MAX_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    match body:
        case [ast.Assign(value=value)] | [ast.AnnAssign(value=ast.expr() as value)]:
            return value
    return None


def variable(node: ast.expr | None) -> Variable | None:
    """The variable that an expression is, and nothing else: `os.environ.get("X", 4)`."""
    match node:
        case ast.Call(
            func=function, args=[ast.Constant(value=str(name)), *rest], keywords=keywords
        ) if dotted(function) in _CALLS:
            named = [each.value for each in keywords if each.arg == "default"]
            return Variable(name, next(iter([*rest, *named]), None))
        case ast.Subscript(value=owner, slice=ast.Constant(value=str(name))) if (
            dotted(owner) in _ENVIRONS
        ):
            return Variable(name, None)
    return None


def dotted(node: ast.expr) -> str:
    """`os.environ` for attributes of a name; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
