"""How a syntax tree is walked here: never recursively, so that no source can exhaust the stack."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
_WRAPPED = (ast.Subscript, ast.Await, ast.Starred, ast.NamedExpr, ast.YieldFrom)
_NUMBER_LIMIT = 1 << 64


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a block and of the blocks in it (if, try, with, loops), in order.

    The inside of functions and classes is left out, and so is `if __name__ == "__main__":`.
    """
    stack = list[ast.AST](body)[::-1]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, Function | ast.ClassDef) and not is_main(node):
            stack += [item for block in _BLOCKS for item in getattr(node, block, ())][::-1]


def chain(node: ast.AST | None) -> list[str] | None:
    """Names along an expression, calls and brackets left out: `a().b[0].c` -> a, b, c."""
    parts: list[str] = []
    while node is not None:
        if isinstance(node, ast.Name):
            return [node.id, *reversed(parts)]
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, _WRAPPED):
            node = node.value
        else:
            return None
    return None


def join(origin: str, rest: Iterable[str]) -> str:
    """Origin of an attribute of what `origin` gives."""
    for name in rest:
        origin += name if origin.endswith(":") else f".{name}"
    return origin


def inside(roots: Iterable[ast.AST], *, nested: bool = True) -> Iterator[ast.AST]:
    """Every node below `roots`, in no order; not what nested functions and classes hold if told."""
    stack = list(roots)
    while stack:
        node = stack.pop()
        yield node
        if nested or not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            stack += ast.iter_child_nodes(node)


def keywords(node: ast.Call) -> dict[str, ast.expr]:
    """Keyword arguments of a call by name."""
    return {item.arg: item.value for item in node.keywords if item.arg}


def integer(node: ast.AST | None, depth: int = 4) -> int | None:
    """Value of a small constant expression such as `10**6` or `500 * 1024`; None for the rest."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return int(node.value) if abs(node.value) < _NUMBER_LIMIT else None
    if not isinstance(node, ast.BinOp) or not depth:
        return None
    left, right = integer(node.left, depth - 1), integer(node.right, depth - 1)
    if left is None or right is None:
        return None
    return _apply(node.op, left, right)


def _apply(operator: ast.operator, left: int, right: int) -> int | None:
    if isinstance(operator, ast.Mult):
        return min(left * right, _NUMBER_LIMIT)
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Pow) and 0 <= right <= 64 and abs(left) <= 1024:
        return min(int(left**right), _NUMBER_LIMIT)
    return None


def is_main(node: ast.AST) -> bool:
    """Whether it is `if __name__ == "__main__":`, which nobody runs who imports the module."""
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )
