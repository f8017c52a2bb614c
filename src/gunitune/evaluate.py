"""Evaluates Python expressions without running them: for rules, and for configuration files.

An expression is parsed once, checked against a whitelist of node types and bounded in size; then it
is worked out over a scope of known and `Unknown` names. Nothing of Python's own is reachable: a
name is looked up in the scope, a call in the table of functions, and neither has attributes.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gunitune.bounds import MAX_BITS, EvaluationError, bounded, check_repetition, small_power
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Evaluation", "EvaluationError", "Expression", "Functions", "bounded", "parse"]

MAX_LENGTH = 2_000
MAX_NODES = 300
MAX_DEPTH = 30
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
        try:
            return _RuleEvaluation(self.text, scope, functions).of(self.body)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise EvaluationError(f"{self.text!r} can't be worked out", str(error)) from None


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
    body: ast.expr = _Flat().visit(tree.body)
    called = {id(node.func): node.func for node in ast.walk(body) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(body) if isinstance(node, ast.Name)]
    return Expression(
        text,
        body,
        frozenset(node.id for node in names if id(node) not in called),
        frozenset(node.id for node in names if id(node) in called),
    )


class _Flat(ast.NodeTransformer):
    """Makes one name of `host.cpus`, so that no lookup has to put it together."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.Name:
        return ast.Name(dotted(node) or "", ast.Load())


def is_unknown(value: object) -> bool:
    """Whether a value is an `Unknown`."""
    return isinstance(value, Unknown)


def first_unknown(values: Iterable[Any]) -> Unknown | None:
    """The first of the values that is an `Unknown`."""
    return next((value for value in values if isinstance(value, Unknown)), None)


def binary(op: ast.operator, left: Any, right: Any) -> Any:
    """Apply a binary operator within bounds; raises EvaluationError, TypeError or ValueError."""
    if isinstance(op, ast.Pow) and not small_power(left, right):
        raise EvaluationError("a power out of bounds", f"{MAX_BITS} bits are the most")
    if isinstance(op, ast.Mult):
        check_repetition(left, right)
    return bounded(BINARY[type(op)](left, right))


class Evaluation:
    """The working-out of expressions: one method per kind of node, found in `kinds`.

    What names and calls stand for is up to the subclass. An `Unknown` operand makes the result
    unknown, unless the other operands settle it.
    """

    kinds: ClassVar[Mapping[type[ast.AST], Callable[[Any, Any], Any]]] = {}

    def of(self, node: ast.expr) -> Any:
        """Work out one expression."""
        return self.kinds[type(node)](self, node)

    def constant(self, node: ast.Constant) -> Any:
        """A literal."""
        return node.value

    def boolean(self, node: ast.BoolOp) -> Any:
        """`and`/`or` where one deciding operand settles it, whatever is unknown beside it."""
        conjunction = isinstance(node.op, ast.And)
        unknown: Unknown | None = None
        value: Any = conjunction
        for operand in node.values:
            value = self.of(operand)
            if isinstance(value, Unknown):
                unknown = unknown or value
            elif bool(value) is not conjunction:
                return value
        return unknown or value

    def unary(self, node: ast.UnaryOp) -> Any:
        """A sign, or `not`."""
        value = self.of(node.operand)
        return value if is_unknown(value) else self.apply(UNARY[type(node.op)], value)

    def arithmetic(self, node: ast.BinOp) -> Any:
        """An operator between two operands."""
        left, right = self.of(node.left), self.of(node.right)
        if isinstance(left, Unknown):
            return left
        return right if isinstance(right, Unknown) else self.operate(node.op, left, right)

    def operate(self, op: ast.operator, left: Any, right: Any) -> Any:
        """Apply a binary operator to known operands."""
        return binary(op, left, right)

    def apply(self, function: Callable[..., Any], *values: Any) -> Any:
        """Apply a function of ours to known values."""
        return bounded(function(*values))

    def comparison(self, node: ast.Compare) -> Any:
        """A chain of comparisons, as far as it is needed."""
        value, unknown = self.of(node.left), None
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            other = self.of(comparator)
            if isinstance(holds := self.compare(op, value, other), Unknown):
                unknown = unknown or holds
            elif not holds:
                return False
            value = other
        return unknown or True

    def compare(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        """Compare two values."""
        if isinstance(left, Unknown):
            return left
        return right if isinstance(right, Unknown) else COMPARE[type(op)](left, right)

    def conditional(self, node: ast.IfExp) -> Any:
        """`x if test else y`: what both sides agree on, where the test is unknown."""
        condition = self.of(node.test)
        if not is_unknown(condition):
            return self.of(node.body if condition else node.orelse)
        either, other = self.of(node.body), self.of(node.orelse)
        return either if either == other else condition


class _RuleEvaluation(Evaluation):
    """The working-out of a rule's expression over a scope of facts and a table of functions."""

    def __init__(self, text: str, scope: Mapping[str, Any], functions: Functions) -> None:
        self.text = text
        self.scope = scope
        self.functions = functions

    def name(self, node: ast.Name) -> Any:
        try:
            return self.scope[node.id]
        except KeyError:
            message = f"{node.id!r} in {self.text!r} is no fact"
            raise EvaluationError(message, "see rules/README.md") from None

    def sequence(self, node: ast.List | ast.Tuple) -> Any:
        items = [self.of(item) for item in node.elts]
        return first_unknown(items) or bounded(tuple(items))

    def operate(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Mod) and isinstance(left, (str, bytes)):
            raise EvaluationError("formatting with % is not for rules", "use a {placeholder}")
        return binary(op, left, right)

    def call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        function = self.functions.table.get(name)
        if function is None:
            raise EvaluationError(
                f"{name!r} in {self.text!r} is no function", "see rules/README.md"
            )
        values = [self.of(arg) for arg in node.args]
        if name not in self.functions.see_unknown and (unknown := first_unknown(values)):
            return unknown
        return self.apply(function, *values)


Evaluation.kinds = {
    ast.Constant: Evaluation.constant,
    ast.BoolOp: Evaluation.boolean,
    ast.UnaryOp: Evaluation.unary,
    ast.BinOp: Evaluation.arithmetic,
    ast.Compare: Evaluation.comparison,
    ast.IfExp: Evaluation.conditional,
}
_RuleEvaluation.kinds = {
    **Evaluation.kinds,
    ast.Name: _RuleEvaluation.name,
    ast.Tuple: _RuleEvaluation.sequence,
    ast.List: _RuleEvaluation.sequence,
    ast.Call: _RuleEvaluation.call,
}


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
        case ast.Attribute() if dotted(node):
            pass
        case ast.Call(func, _, []) if dotted(func):
            pass
        case _ if isinstance(node, _PLAIN):
            pass
        case _:
            what = type(node).__name__
            raise EvaluationError(f"{what} is not allowed in {text[:80]!r}", "see rules/README.md")


def dotted(node: ast.AST) -> str | None:
    """Write nested attributes as `host.cpus`; None for anything else, or for a dunder."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return None if any(part.startswith("__") for part in parts) else ".".join(reversed(parts))
