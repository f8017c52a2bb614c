"""What operators and comparisons give for the values of a config file."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from gunitune.bounds import MAX_BITS, EvaluationError
from gunitune.conf import formats
from gunitune.conf.environ import MISSING, Environ
from gunitune.conf.state import State
from gunitune.conf.values import SCALARS, Names, Once, Reference, View
from gunitune.evaluate import BINARY, COMPARE, UNARY, binary
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

_BITS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.MatMult: operator.matmul,
}


def _may_be_shared(value: Any) -> bool:
    """Whether Python may make one object of two equal values."""
    if value is None or isinstance(value, bool):
        return False
    return value.__class__ in SCALARS or isinstance(value, (tuple, frozenset, bytes))


def _inverted(value: Any) -> Any:
    return ~int(value) if isinstance(value, bool) else ~value  # Python 3.12 on warns of a bool


_UNARY = {**UNARY, ast.Invert: _inverted}


class Operators(State):
    """The operators: those of rules, and what only config files use."""

    def unary(self, node: ast.UnaryOp) -> Any:
        """A sign, `~` or `not`."""
        value = self.of(node.operand)
        if isinstance(node.op, ast.Not) and isinstance(value, (list, dict, tuple)):
            return not value
        return self.apply(_UNARY[type(node.op)], value)

    def operate(self, op: ast.operator, left: Any, right: Any) -> Any:
        """An operator; lists and dicts may hold what can't be told."""
        kind = type(op)
        if isinstance(left, (Once, View)) or isinstance(right, (Once, View)):
            raise EvaluationError("an operator on an iterator")
        if kind is ast.Mod and isinstance(left, str):
            return self.apply(formats.percent, left, right)
        if kind is ast.Mod and isinstance(left, bytes):
            raise EvaluationError("formatting of bytes")
        if kind is ast.Pow and not (
            isinstance(left, (int, float)) and isinstance(right, (int, float))
        ):
            return self.apply(operator.pow, left, right)
        if kind in BINARY:
            if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
                return self.guarded(BINARY[kind], left, right)
            return self.apply(lambda one, other: binary(op, one, other), left, right)
        if kind is ast.LShift and isinstance(right, int) and right > MAX_BITS:
            raise EvaluationError("a number out of bounds", f"{MAX_BITS} bits are the most")
        if isinstance(left, dict) and isinstance(right, dict):
            return self.guarded(_BITS[kind], left, right)
        return self.apply(_BITS[kind], left, right)

    def compare(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        """A comparison; the environment and the module's names can be searched."""
        kind = type(op)
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return left if isinstance(left, Unknown) else right
        if kind in {ast.Is, ast.IsNot}:
            return self._identity(kind, left, right)
        if kind in {ast.In, ast.NotIn} and (found := self._holds(left, right)) is not None:
            return found if isinstance(found, Unknown) else found is (kind is ast.In)
        if isinstance(left, (Once, View)):
            raise EvaluationError("a comparison of an iterator")
        return self.apply(COMPARE[kind], left, right)

    def _identity(self, kind: type[ast.cmpop], left: Any, right: Any) -> bool:
        if all(_may_be_shared(value) for value in (left, right)):
            raise EvaluationError("whether two values are one object")
        return (left is right or (isinstance(left, Reference) and left == right)) is (
            kind is ast.Is
        )

    def _holds(self, item: Any, where: Any) -> bool | Unknown | None:
        """Whether a namespace or a dict has a key; None for other values."""
        if isinstance(where, Environ):
            return where.read(item, self.deps) is not MISSING
        if isinstance(where, Names):
            return item in where.frame.names
        if isinstance(where, dict) and isinstance(item, (str, int, float, bool, type(None))):
            return item in where
        return None
