"""Which CPUs, by number, the server and its load generator get, so that they do not meet."""

from __future__ import annotations

import math
import os
from pathlib import Path

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def split_cores(cpus: float | None) -> tuple[frozenset[int], frozenset[int]]:
    """CPUs, by number, for a server that needs `cpus` and for its load generator.

    Both empty where the server wants all that this process may use: they share them.
    """
    usable = in_order(frozenset(os.sched_getaffinity(0)))
    need = len(usable) if cpus is None else math.ceil(cpus)
    if need >= len(usable):
        return frozenset(), frozenset()
    return frozenset(usable[:need]), frozenset(usable[need:])


def in_order(cores: frozenset[int]) -> list[int]:
    """By number, but threads of one physical core together, so that a cut parts few of them."""
    return sorted(cores, key=lambda core: (_first_sibling(core), core))


def _first_sibling(core: int) -> int:
    """The first thread of the same physical core; the CPU itself where that is not told."""
    try:
        siblings = Path(_SIBLINGS.format(core)).read_text()
        return int(siblings.replace("-", ",").split(",")[0])
    except (OSError, ValueError):
        return core
