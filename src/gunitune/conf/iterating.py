"""What the built-in functions give that go through a list, a set or an iterator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.bounds import EvaluationError
from gunitune.conf.values import Once, Raised, Reference
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gunitune.conf.expression import Expressions

    Given = Callable[[Expressions, list[Any], dict[str, Any]], Any]


def pure(function: Callable[..., Any]) -> Given:
    """A function that is applied as it is to known values."""

    def given(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
        return run.apply(function, *args, **named)

    return given


def listed(function: Callable[[list[Any]], Any]) -> Given:
    """A function of what its one argument gives; items that can't be told stay."""

    def given(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
        if len(args) > 1:
            raise Raised(TypeError, "expected at most 1 argument")
        items = run.items(args[0]) if args else []
        return items if isinstance(items, Unknown) else function(items)

    return given


def set_of(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    """`set()`; a set has no order that could be told."""
    if args and isinstance(args[0], (set, frozenset)):
        return set(args[0])
    items = run.items(args[0]) if args else []
    if isinstance(items, Unknown):
        return items
    return run.apply(lambda *values: set(values), *items)


def _keys(run: Expressions, items: list[Any], named: dict[str, Any]) -> list[Any] | None:
    """What `key=` makes of each item; None without one."""
    key = named.pop("key", None)
    return None if key is None else [run.called(key, [item]) for item in items]


def best_of(choose: Callable[..., Any]) -> Given:
    """`min` or `max`, with `key` and `default`."""

    def given(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
        items: Any = args
        if len(args) == 1:
            one = args[0]
            items = list(one) if isinstance(one, (set, frozenset)) else run.items(one)
        if isinstance(items, Unknown):
            return items
        if not items and "default" in named:
            return named["default"]
        named = {name: value for name, value in named.items() if name != "default"}
        if (keys := _keys(run, items, named)) is None:
            return run.apply(lambda *values: choose(list(values), **named), *items)
        if isinstance(args[0], (set, frozenset)):
            raise EvaluationError("the order of a set, which is not fixed")
        index = run.apply(lambda *by: choose(range(len(by)), key=lambda i: by[i]), *keys)
        return index if isinstance(index, Unknown) else items[index]

    return given


def sorted_of(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    """`sorted()`, with `key` and `reverse`."""
    one = args[0] if args else None
    items = sorted(one, key=repr) if isinstance(one, (set, frozenset)) else run.items(one)
    if isinstance(items, Unknown):
        return items
    keys = _keys(run, items, named)
    if keys is not None and isinstance(one, (set, frozenset)):
        raise EvaluationError("the order of a set, which is not fixed")
    reverse = bool(named.pop("reverse", False))
    if named:
        raise Raised(TypeError, "an argument that sorted() does not take")
    order = run.apply(
        lambda *by: sorted(range(len(by)), key=lambda index: by[index], reverse=reverse),
        *(items if keys is None else keys),
    )
    return order if isinstance(order, Unknown) else [items[index] for index in order]


def sum_of(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    """`sum()` of numbers."""
    start = args[1] if len(args) > 1 else named.get("start", 0)
    one = args[0] if args else None
    items = list(one) if isinstance(one, (set, frozenset)) else run.items(one)
    if isinstance(items, Unknown):
        return items
    if not isinstance(start, (int, float)):
        raise EvaluationError("a sum of what are no numbers")
    return run.apply(lambda *values: sum(values, start), *items)


def settled_of(*, settling: bool) -> Given:
    """`any` or `all`: one item settles it, whatever is unknown beside it."""

    def given(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
        (one,) = args
        items = list(one) if isinstance(one, (set, frozenset)) else run.items(one)
        if isinstance(items, Unknown):
            return items
        plain = [item.plain() if isinstance(item, Reference) else item for item in items]
        if any(bool(item) is settling for item in plain if not isinstance(item, Unknown)):
            return settling
        return next((item for item in plain if isinstance(item, Unknown)), not settling)

    return given


def reversed_of(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    """`reversed()`."""
    if args and isinstance(args[0], (set, frozenset, Once)):
        raise Raised(TypeError, f"{type(args[0]).__name__!r} object is not reversible")
    items = run.items(args[0])
    return items if isinstance(items, Unknown) else Once(reversed(items))


def zip_of(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    """`zip()`."""
    columns = [run.items(arg) for arg in args]
    unknown = next((column for column in columns if isinstance(column, Unknown)), None)
    strict = bool(named.get("strict", False))
    return unknown or run.guarded(lambda: Once(zip(*columns, strict=strict)))


def enumerate_of(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    """`enumerate()`."""
    start = args[1] if len(args) > 1 else named.get("start", 0)
    items = run.items(args[0])
    if isinstance(items, Unknown) or isinstance(start, Unknown):
        return items if isinstance(items, Unknown) else start
    return run.guarded(lambda: Once(enumerate(items, start)))


def map_of(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    """`map()`."""
    columns = [run.items(arg) for arg in args[1:]]
    unknown = next((column for column in columns if isinstance(column, Unknown)), None)
    rows: Sequence[tuple[Any, ...]] = [] if unknown else [*zip(*columns, strict=False)]
    return unknown or Once(run.called(args[0], list(row)) for row in rows)


def filter_of(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    """`filter()`."""
    test, items = args[0], run.items(args[1])
    if isinstance(items, Unknown):
        return items
    kept = Once()
    for item in items:
        holds = item if test is None else run.called(test, [item])
        if isinstance(holds, Unknown):
            return holds
        if holds:
            kept.append(item)
    return kept
