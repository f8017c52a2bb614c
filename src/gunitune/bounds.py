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
    elif isinstance(value, SIZED) and _has_more_than(MAX_ITEMS, value):
        raise EvaluationError("a value out of bounds", f"{MAX_ITEMS} items are the most")
    return value


def _has_more_than(most: int, value: Any) -> bool:
    """Whether a value has more characters and items, those of its items included."""
    left, inside = most, [value]
    while inside and left >= 0:
        item = inside.pop()
        left -= len(item)
        if left >= 0 and isinstance(item, HOLDERS):
            items = (*item, *item.values()) if isinstance(item, dict) else item
            inside += [each for each in items if isinstance(each, SIZED)]
    return left < 0


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
