"""What a setting takes, by the name that the catalogue has for it."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from gunitune.catalog.callables import hook, worker_class
from gunitune.catalog.choices import CHOICES
from gunitune.catalog.network import NETWORK
from gunitune.catalog.scalars import SCALARS
from gunitune.catalog.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = {**SCALARS, **TEXTS, **CHOICES, **NETWORK, "class": worker_class}


@cache
def validator(kind: str) -> Callable[[Any], Any]:
    """The function that gives what Gunicorn holds, or raises Refused."""
    if kind.startswith("callable:"):
        arities = tuple(sorted(map(int, kind[9:].split(","))))
        return partial(hook, arities=arities)
    return KINDS[kind]
