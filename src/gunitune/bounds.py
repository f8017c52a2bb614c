"""Which values are small enough to work with: bounds on numbers, texts, lists and their items."""

from __future__ import annotations

from math import isfinite
from typing import Any

from gunitune.errors import GunituneError

MAX_BITS = 256
MAX_ITEMS = 10_000

SIZED = (str, list, tuple, dict, set, frozenset, bytes, range)
HOLDERS = (list, tuple, dict, set, frozenset)


class EvaluationError(GunituneError):
    """An expression that is not allowed, names what isn't there, or can't be worked out."""


def bounded(value: Any) -> Any:
    """Pass a result on if it is small; raises EvaluationError for a huge number, text or list."""
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise EvaluationError("a number out of bounds", f"{MAX_BITS} bits are the most")
    elif isinstance(value, complex) or (isinstance(value, float) and not isfinite(value)):
        raise EvaluationError("a number out of bounds", "it must be real and finite")
    elif isinstance(value, SIZED):
        weight(value)
    return value


def weight(value: Any) -> int:
    """Characters and items of a value, those of its items included as often as it holds them.

    Raises EvaluationError for more than MAX_ITEMS: twenty tuples that each hold the one before
    twice are few objects, but a million items for whoever hashes or compares them.
    """
    left, inside = MAX_ITEMS, [value]
    while inside:
        item = inside.pop()
        left -= len(item)
        if left < 0:
            raise EvaluationError("a value out of bounds", f"{MAX_ITEMS} items are the most")
        if isinstance(item, HOLDERS):
            items = (*item, *item.values()) if isinstance(item, dict) else item
            inside += [each for each in items if isinstance(each, SIZED)]
    return MAX_ITEMS - left


def small_power(base: Any, exponent: Any) -> bool:
    """Whether a power stays within bounds, told before it is worked out."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        return abs(exponent) * base.bit_length() <= MAX_BITS
    return isinstance(base, (int, float)) and isinstance(exponent, (int, float))


def check_repetition(left: Any, right: Any) -> None:
    """Check `left * right` before it is worked out; raises EvaluationError for a huge result."""
    for many, count in ((left, right), (right, left)):
        repeats = isinstance(many, (str, bytes, list, tuple)) and isinstance(count, int)
        if repeats and len(many) * count > MAX_ITEMS:
            raise EvaluationError("a repetition out of bounds", f"{MAX_ITEMS} is the most")
