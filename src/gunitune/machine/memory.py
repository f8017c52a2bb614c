"""Tells how much memory the machine has, and how much of it the process may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.machine.limits import NO_LIMIT, least, limits
from gunitune.model import KIB, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.machine.groups import Cgroups, Group
    from gunitune.machine.sysroot import Sysroot

_FILES = ("memory.max", "memory.high", "memory.limit_in_bytes")
_HIERARCHICAL = "hierarchical_memory_limit"
# On 32 bits the kernel's "no limit" is 8 TiB: no cgroup means to allow this many times the machine.
_FAR_ABOVE_TOTAL = 64


def memory_limits(sysroot: Sysroot, cgroups: Cgroups) -> tuple[Fact, ...]:
    """Every bound on memory, in "bytes": MemTotal, and the limits at each level."""
    groups = cgroups.of("memory")
    total = list(_total(sysroot))
    met = [*total, *limits(groups, _FILES, "bytes")]
    met += _hidden_above(groups, least(met[len(total) :], "bytes"))
    most = least(total, "bytes")
    ceiling = most[0] * _FAR_ABOVE_TOTAL if most else NO_LIMIT
    return tuple(fact for fact in met if isinstance(fact.value, str) or fact.value <= ceiling)


def _total(sysroot: Sysroot) -> Iterator[Fact]:
    text = sysroot.read("/proc/meminfo") or ""
    total = re.search(r"^MemTotal:\s+(\d{1,15}) kB", text, re.MULTILINE)
    if total and int(total[1]):
        yield Fact("MemTotal", int(total[1]) * KIB, "bytes", "MemTotal in /proc/meminfo")


def _hidden_above(groups: tuple[Group, ...], seen: tuple[float, str] | None) -> Iterator[Fact]:
    """Cgroup v1's own sum of all levels, where one that a namespace hides is the tightest."""
    for group in groups[:1]:
        limit = group.counters("memory.stat").get(_HIERARCHICAL, NO_LIMIT)
        if 0 < limit < (seen[0] if seen else NO_LIMIT):
            source = group.source(f"{_HIERARCHICAL} in memory.stat")
            yield Fact(_HIERARCHICAL, limit, "bytes", source)
