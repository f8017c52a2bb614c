"""The few named functions that a rule's expression may call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gunitune.evaluate import Functions
from gunitune.model import Unknown
from gunitune.units import release

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _known(value: object) -> bool:
    return not isinstance(value, Unknown)


def _join(items: Sequence[object]) -> str:
    return ", ".join(str(item) for item in items)


def _floor(number: float) -> int:
    # 2 * 0.7 / 0.1 must not become 13 for want of the last bit
    return math.floor(round(number, 9))


def _ceil(number: float) -> int:
    return math.ceil(round(number, 9))


def _round(number: float, digits: int = 0) -> float:
    # Python's own would work out 10 to the power of a large negative number of digits
    return round(number, max(-15, min(15, digits))) if digits else round(number)


def _starts(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


def _ends(text: str, suffix: str) -> bool:
    return text.endswith(suffix)


def _lower(text: str) -> str:
    return text.lower()


TABLE: dict[str, Callable[..., Any]] = {
    "ceil": _ceil,
    "ends": _ends,
    "floor": _floor,
    "int": int,
    "join": _join,
    "known": _known,
    "len": len,
    "lower": _lower,
    "max": max,
    "min": min,
    "release": release,
    "round": _round,
    "starts": _starts,
}
FUNCTIONS = Functions(TABLE)
