"""Evaluates Python expressions without running them: for rules, and for configuration files.

An expression is parsed once, checked against a whitelist of node types and bounded in size; then it
is worked out over a scope of known and `Unknown` names. Nothing of Python's own is reachable: a
name is looked up in the scope, a call in the table of functions, and neither has attributes.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from gunitune.errors import GunituneError
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_LENGTH = 2_000
MAX_NODES = 300
MAX_DEPTH = 30
MAX_BITS = 256
MAX_ITEMS = 10_000

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_PLAIN = (ast.Expression, ast.Load, ast.And, ast.Or, ast.operator, ast.cmpop, ast.unaryop)


class EvaluationError(GunituneError):
    """An expression that is not allowed, names what isn't there, or can't be worked out."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions an expression may call; those in `see_unknown` are handed `Unknown` too."""

    table: Mapping[str, Callable[..., Any]]
    see_unknown: frozenset[str] = frozenset({"known"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed and checked expression: its text, tree, and the dotted names it reads."""

    text: str
    body: ast.expr
    names: frozenset[str]
    calls: frozenset[str]

    def evaluate(self, scope: Mapping[str, Any], functions: Functions) -> Any:
        """Work the expression out; `Unknown` where it hangs on an unknown fact.

        Raises EvaluationError for a missing name, a bad operand or a result out of bounds.
        """
        return _Evaluation(self.text, scope, functions).of(self.body)


def parse(text: str) -> Expression:
    """Parse an expression and check it against the whitelist; raises EvaluationError."""
    if len(text) > MAX_LENGTH:
        raise EvaluationError(f"expression of {len(text)} characters", f"{MAX_LENGTH} is the most")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise EvaluationError(f"{text[:80]!r} is no expression", str(reason)) from None
    _check_size(tree, text)
    for node in ast.walk(tree):
        _check_node(node, text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return Expression(
        text,
        tree.body,
        frozenset(name for node, name in _dotted_names(tree.body) if id(node) not in called),
        frozenset(name for node, name in _dotted_names(tree.body) if id(node) in called),
    )


def is_unknown(value: object) -> bool:
    """Whether a value is an `Unknown`."""
    return isinstance(value, Unknown)


def bounded(value: Any) -> Any:
    """Pass a result on if it is small; raises EvaluationError for a huge number, text or list."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise EvaluationError("a number out of bounds", f"{MAX_BITS} bits are the most")
    if isinstance(value, complex) or (isinstance(value, float) and not isfinite(value)):
        raise EvaluationError("a number out of bounds", "it must be real and finite")
    if isinstance(value, (str, list, tuple)) and _has_more_than(MAX_ITEMS, value):
        raise EvaluationError("a value out of bounds", f"{MAX_ITEMS} items are the most")
    return value


def _has_more_than(most: int, value: str | list[Any] | tuple[Any, ...]) -> bool:
    """Whether a value has more characters and items, those of its items included."""
    left, inside = most, [value]
    while inside and left >= 0:
        item = inside.pop()
        left -= len(item)
        if left >= 0 and not isinstance(item, str):
            inside += [each for each in item if isinstance(each, (str, list, tuple))]
    return left < 0


def binary(op: ast.operator, left: Any, right: Any) -> Any:
    """Apply a binary operator within bounds; raises EvaluationError, TypeError or ValueError."""
    if isinstance(op, ast.Pow) and not _small_power(left, right):
        raise EvaluationError("a power out of bounds", f"{MAX_BITS} bits are the most")
    if isinstance(op, ast.Mult):
        _check_repetition(left, right)
    if isinstance(op, ast.Mod) and isinstance(left, (str, bytes)):
        raise EvaluationError("formatting with % is not for rules", "use a {placeholder}")
    return bounded(BINARY[type(op)](left, right))


class _Evaluation:
    """One working-out of one expression."""

    def __init__(self, text: str, scope: Mapping[str, Any], functions: Functions) -> None:
        self.text = text
        self.scope = scope
        self.functions = functions

    def of(self, node: ast.expr) -> Any:
        try:
            return self._of(node)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise EvaluationError(f"{self.text!r} can't be worked out", str(error)) from None

    def _of(self, node: ast.expr) -> Any:  # noqa: PLR0911  (one return per kind of node)
        match node:
            case ast.Constant(value):
                return value
            case ast.Name() | ast.Attribute():
                return self._lookup(_dotted(node) or "")
            case ast.BoolOp(op, values):
                return self._bool(isinstance(op, ast.And), values)
            case ast.UnaryOp(op, operand):
                value = self._of(operand)
                return value if is_unknown(value) else bounded(UNARY[type(op)](value))
            case ast.BinOp(left, op, right):
                sides = [self._of(left), self._of(right)]
                return _first_unknown(sides) or binary(op, *sides)
            case ast.Compare(left, ops, comparators):
                return self._compare(left, ops, comparators)
            case ast.IfExp(test, body, orelse):
                return self._if(test, body, orelse)
            case ast.Tuple(elts) | ast.List(elts):
                items = [self._of(item) for item in elts]
                return _first_unknown(items) or bounded(tuple(items))
            case ast.Call(func, args):
                return self._call(_dotted(func) or "", args)
        raise EvaluationError(f"{self.text!r} can't be worked out", ast.dump(node)[:60])

    def _lookup(self, name: str) -> Any:
        if name in self.scope:
            return self.scope[name]
        raise EvaluationError(f"{name!r} in {self.text!r} is no fact", "see rules/README.md")

    def _bool(self, conjunction: bool, values: list[ast.expr]) -> Any:  # noqa: FBT001
        """`and`/`or` where one deciding operand settles it, whatever is unknown beside it."""
        unknown: Unknown | None = None
        value: Any = conjunction
        for operand in values:
            value = self._of(operand)
            if isinstance(value, Unknown):
                unknown = unknown or value
            elif bool(value) is not conjunction:
                return value
        return unknown or value

    def _compare(self, left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr]) -> Any:
        value, unknown = self._of(left), None
        for op, comparator in zip(ops, rest, strict=True):
            other = self._of(comparator)
            if found := _first_unknown([value, other]):
                unknown = unknown or found
            elif not COMPARE[type(op)](value, other):
                return False
            value = other
        return unknown or True

    def _if(self, test: ast.expr, body: ast.expr, orelse: ast.expr) -> Any:
        condition = self._of(test)
        if not is_unknown(condition):
            return self._of(body if condition else orelse)
        either, other = self._of(body), self._of(orelse)
        return either if either == other else condition

    def _call(self, name: str, args: list[ast.expr]) -> Any:
        function = self.functions.table.get(name)
        if function is None:
            raise EvaluationError(
                f"{name!r} in {self.text!r} is no function", "see rules/README.md"
            )
        values = [self._of(arg) for arg in args]
        if name not in self.functions.see_unknown and (unknown := _first_unknown(values)):
            return unknown
        return bounded(function(*values))


def _first_unknown(values: list[Any]) -> Unknown | None:
    return next((value for value in values if isinstance(value, Unknown)), None)


def _check_size(tree: ast.AST, text: str) -> None:
    nodes = depth = 0
    level: list[ast.AST] = [tree]
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise EvaluationError(f"{text[:80]!r} is too large", "split it up")
        level = [child for node in level for child in ast.iter_child_nodes(node)]


def _check_node(node: ast.AST, text: str) -> None:
    match node:
        case ast.Constant(value) if value is None or isinstance(value, (bool, int, float, str)):
            bounded(value)
        case ast.Name() | ast.BoolOp() | ast.Compare() | ast.IfExp() | ast.Tuple() | ast.List():
            pass
        case ast.UnaryOp(op) if type(op) in UNARY:
            pass
        case ast.BinOp(op=op) if type(op) in BINARY:
            pass
        case ast.Attribute() if _dotted(node):
            pass
        case ast.Call(func, _, []) if _dotted(func):
            pass
        case _ if isinstance(node, _PLAIN):
            pass
        case _:
            what = type(node).__name__
            raise EvaluationError(f"{what} is not allowed in {text[:80]!r}", "see rules/README.md")


def _dotted(node: ast.AST) -> str | None:
    """`host.cpus` for nested attributes on a name; None for anything else, or for a dunder."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return None if any(part.startswith("__") for part in parts) else ".".join(reversed(parts))


def _dotted_names(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if name := _dotted(node):
        yield node, name
        return
    for child in ast.iter_child_nodes(node):
        yield from _dotted_names(child)


def _small_power(base: Any, exponent: Any) -> bool:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        return 0 <= exponent * base.bit_length() <= MAX_BITS
    return isinstance(base, (int, float)) and isinstance(exponent, (int, float))


def _check_repetition(left: Any, right: Any) -> None:
    for many, count in ((left, right), (right, left)):
        repeats = isinstance(many, (str, bytes, list, tuple)) and isinstance(count, int)
        if repeats and len(many) * count > MAX_ITEMS:
            raise EvaluationError("a repetition out of bounds", f"{MAX_ITEMS} is the most")
