"""How a reader would say a condition of a config file."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunitune.conf.decisions import Decision

_LONGEST = 60
_READS = frozenset(("os.environ.get", "os.getenv", "environ.get", "getenv"))


def condition(decision: Decision, *, side: bool) -> str:
    """Say that a condition holds, or not: "if DEBUG is set", "unless workers > 4"."""
    if isinstance(decision.test, ast.stmt):
        return _attempt(decision, side=side)
    test = decision.test
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, side = test.operand, not side
    if (turned := _turned(test)) is not None and not side:
        test, side = turned, True
    return f"{'if' if side else 'unless'} {_told(test, decision.depends)}"


def told(decision: Decision) -> str:
    """Name what a decision hangs on: the condition's text, or that a statement succeeds."""
    if isinstance(decision.test, ast.stmt):
        return f"whether {_short(decision.test)!r} succeeds"
    return _told(decision.test, decision.depends)


def _attempt(decision: Decision, *, side: bool) -> str:
    if decision.grounds == "environment":
        names = ", ".join(_variables(decision.depends))
        return f"{'if' if side else 'unless'} {names} is set"
    return f"{'unless' if side else 'if'} {_short(decision.test)!r} fails"


def _turned(test: ast.AST) -> ast.Compare | None:
    """A comparison that holds where another does not."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    opposite: dict[type[ast.cmpop], ast.cmpop] = {
        ast.NotEq: ast.Eq(),
        ast.Is: ast.IsNot(),
        ast.IsNot: ast.Is(),
        ast.NotIn: ast.In(),
    }
    op = opposite.get(type(test.ops[0]))
    return ast.Compare(test.left, [op], test.comparators) if op else None


def _told(test: ast.AST, depends: frozenset[str]) -> str:
    if (name := _asked(test)) is not None:
        return f"{name} is set"
    text = _short(test)
    unnamed = [name for name in _variables(depends) if name not in text]
    return f"{text} (set by {', '.join(unnamed[:3])})" if unnamed else text


def _asked(test: ast.AST) -> str | None:
    """The variable that a condition only asks for: `os.environ.get("X")`, `"X" in os.environ`."""
    match test:
        case ast.Call(func=func, args=[ast.Constant(value=str(name))], keywords=[]):
            return name if ast.unparse(func) in _READS else None
        case ast.Compare(
            left=ast.Constant(value=str(name)),
            ops=[ast.In()],
            comparators=[ast.Attribute() as where],
        ):
            return name if ast.unparse(where) == "os.environ" else None
    return None


def _variables(depends: frozenset[str]) -> list[str]:
    return sorted(each[4:] for each in depends if each.startswith("env:"))


def _short(node: ast.AST) -> str:
    try:
        text = ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]
    except (RecursionError, ValueError):
        return "a condition"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
