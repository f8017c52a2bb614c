"""What a piece of code does: the calls it makes, and the loops that compute."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.project.source.tree import Function, Loop, chain, integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Rounds a loop is taken to make where the source does not say: over a range or until a condition
# holds, and over the items of something.
_OPEN_ROUNDS = 1_000
_ITEM_ROUNDS = 30
# Rounds from which a loop that computes counts, and for how much.
_LOOP_WEIGHTS = ((1_000_000, 1.0), (25_000, 0.7), (1_000, 0.4))
_RECURSION_WEIGHT = 0.8
_HARD = (ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift, ast.BitXor)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or a mention of a function in the arguments of one: `to_thread(requests.get, url)`.

    `size` is the product of the numbers in its arguments, `shrinks` that an argument is
    worked out in place, as in `fib(n - 1)`.
    """

    node: ast.expr
    line: int
    written: str
    awaited: bool = False
    called: bool = True
    size: int = 0
    shrinks: bool = False


@dataclass(frozen=True, slots=True)
class Computing:
    """Code that computes for long: `weight` from 0 to 1, and the lines of the loop around it."""

    weight: float
    line: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Work:
    """Everything a piece of code does that can be told from its syntax alone, in order."""

    calls: tuple[Call, ...]
    computing: tuple[Computing, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """How often code runs: the rounds of the loops around it, and the outermost of them."""

    rounds: int = 1
    loop: ast.AST | None = None


def work_of(roots: Iterable[ast.AST], *, name: str = "", nested: bool = True) -> Work:
    """Look at code once.

    `name` is the function that the code is the body of, for calls to itself. Functions and classes
    inside count if `nested`.
    """
    calls: list[Call] = []
    computing: list[Computing] = []
    awaited: set[int] = set()
    stack = [(root, _Place()) for root in roots]
    while stack:
        node, place = stack.pop()
        awaited.update(_awaited(node))
        if isinstance(node, ast.Call):
            calls += _calls(node, awaited)
        elif place.loop is not None and _computes(node):
            computing += _loop(node, place)
        if nested or not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            stack += _children(node, place)
    own = [call.line for call in calls if name and call.written == name and call.shrinks]
    if len(own) > 1:
        text = f"{name}() calls itself again and again"
        computing.append(Computing(_RECURSION_WEIGHT, min(own), min(own), text))
    calls.sort(key=lambda call: (call.line, call.node.col_offset))
    return Work(tuple(calls), tuple(sorted(computing, key=lambda item: (-item.weight, item.line))))


def _calls(node: ast.Call, awaited: set[int]) -> Iterator[Call]:
    awaits, shrinks = id(node) in awaited, any(isinstance(arg, ast.BinOp) for arg in node.args)
    yield Call(
        node.func, node.lineno, _written(node.func), awaits, size=_size(node), shrinks=shrinks
    )
    for argument in (*node.args, *(item.value for item in node.keywords)):
        if isinstance(argument, ast.Name | ast.Attribute):
            yield Call(argument, node.lineno, _written(argument), called=False)


def _written(node: ast.expr) -> str:
    parts = chain(node) or ["call"]
    return ".".join(parts) if len(parts) < 5 else f"{'.'.join(parts[:2])}...{parts[-1]}"


def _size(node: ast.Call) -> int:
    """Product of the constant numbers in a shape, or in the arguments; 0 where there are none."""
    first = node.args[0] if node.args else None
    parts = first.elts if isinstance(first, ast.Tuple | ast.List) else node.args
    numbers = [number for part in parts if (number := integer(part))]
    return math.prod(numbers) if numbers else 0


def _awaited(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Await):
        yield id(node.value)
    elif isinstance(node, ast.AsyncWith):
        yield from (id(item.context_expr) for item in node.items)
    elif isinstance(node, ast.AsyncFor):
        yield id(node.iter)


def _children(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    if isinstance(node, Loop):
        inner = _within(node, place, [node])
        yield from ((child, inner) for child in node.body)
        yield from ((child, place) for child in node.orelse)
        yield (node.test, inner) if isinstance(node, ast.While) else (node.iter, place)
        return
    if isinstance(node, _COMPREHENSIONS):
        place = _within(node, place, node.generators)
    for child in ast.iter_child_nodes(node):
        yield child, place


def _within(node: ast.AST, place: _Place, loops: Iterable[Loop | ast.comprehension]) -> _Place:
    rounds = place.rounds
    for loop in loops:
        rounds *= _rounds(loop)
    return _Place(rounds, place.loop or node)


def _rounds(node: Loop | ast.comprehension) -> int:
    if isinstance(node, ast.While):
        return _OPEN_ROUNDS
    if isinstance(node.iter, ast.Call) and chain(node.iter) == ["range"]:
        ends = [integer(argument) for argument in node.iter.args]
        known = [end for end in ends if end is not None]
        return max(known, default=0) if len(known) == len(ends) else _OPEN_ROUNDS
    return 1 if isinstance(node.iter, ast.Tuple | ast.List | ast.Set) else _ITEM_ROUNDS


def _computes(node: ast.AST) -> bool:
    """Whether the node does arithmetic that adds up, and not `"%s" % x` or `folder / "name"`."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, _HARD)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, _HARD):
        return False
    return not any(_is_text(side) for side in (node.left, node.right))


def _is_text(node: ast.expr) -> bool:
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    return constant or isinstance(node, ast.JoinedStr)


def _loop(node: ast.AST, place: _Place) -> Iterator[Computing]:
    for least, weight in _LOOP_WEIGHTS:
        if place.rounds >= least:
            start, end = _line(place.loop or node), getattr(place.loop, "end_lineno", None)
            yield Computing(weight, start, end or start, "a loop over many rounds of arithmetic")
            return


def _line(node: ast.AST) -> int:
    line: int = getattr(node, "lineno", 1)
    return line
