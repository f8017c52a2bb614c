"""The few named functions that a rule's expression may call."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from gunitune.errors import UsageError
from gunitune.evaluate import Functions
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RELEASE = re.compile(r"(\d{1,6}(?:\.\d{1,6}){0,3})(?:(?:a|b|rc|\.post|\.dev|\+)[\w.]*)?")


def release(version: str) -> tuple[int, ...]:
    """Give a version's numbers for comparing: `25.3.0` -> (25, 3, 0), `26` -> (26, 0, 0)."""
    match = _RELEASE.fullmatch(version.strip())
    if not match:
        raise UsageError(f"{version!r} is not a version", "write it as 25.3.0")
    numbers = tuple(int(part) for part in match[1].split("."))
    return numbers + (0,) * (3 - len(numbers))


def _known(value: object) -> bool:
    return not isinstance(value, Unknown)


def _join(items: Sequence[object]) -> str:
    return ", ".join(str(item) for item in items)


def _floor(number: float) -> int:
    # 2 * 0.7 / 0.1 must not become 13 for want of the last bit
    return math.floor(round(number, 9))


def _ceil(number: float) -> int:
    return math.ceil(round(number, 9))


TABLE: dict[str, Callable[..., Any]] = {
    "ceil": _ceil,
    "floor": _floor,
    "int": int,
    "join": _join,
    "known": _known,
    "len": len,
    "max": max,
    "min": min,
    "release": release,
    "round": round,
}
FUNCTIONS = Functions(TABLE)
