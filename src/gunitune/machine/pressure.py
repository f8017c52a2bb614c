"""Tells whether the process is short of CPU or memory: throttling, pressure stall, OOM kills."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.model import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.machine.groups import Cgroups, Group
    from gunitune.machine.sysroot import Sysroot

_QUOTA_FILES = ("cpu.max", "cpu.cfs_quota_us")
# cgroup v2 counts throttled time in microseconds, cgroup v1 in nanoseconds.
_THROTTLED_S = {"throttled_usec": 1e-6, "throttled_time": 1e-9}
_OOM_FILES = ("memory.events", "memory.oom_control")


def pressure_facts(sysroot: Sysroot, cgroups: Cgroups) -> tuple[Fact, ...]:
    """Counters where the kernel keeps them: of the process's group, else of the whole machine."""
    facts = [*_throttling(cgroups)]
    for resource in ("cpu", "memory"):
        facts += _stall(sysroot, cgroups, resource)
    return (*facts, *_oom_kills(cgroups))


def _throttling(cgroups: Cgroups) -> Iterator[Fact]:
    """The counters of the process's own group and of every group that has a quota."""
    for group in cgroups.of("cpu"):
        quota = next(filter(None, map(group.read, _QUOTA_FILES)), "max")
        unlimited = quota.startswith(("max", "-"))
        if group is cgroups.of("cpu")[0] or not unlimited:
            yield from _throttled(group)


def _throttled(group: Group) -> Iterator[Fact]:
    stat = group.counters("cpu.stat")
    source = group.source("cpu.stat")
    for name in ("nr_periods", "nr_throttled"):
        if name in stat:
            yield Fact(name, stat[name], "periods", source)
    for name, unit_s in _THROTTLED_S.items():
        if name in stat:
            yield Fact("throttled", stat[name] * unit_s, "s", source)


def _stall(sysroot: Sysroot, cgroups: Cgroups, resource: str) -> Iterator[Fact]:
    """The share of time in which some task waited, over 10 s and 60 s, in percent."""
    file = f"{resource}.pressure"
    files = [(group.read(file), group.source(file)) for group in cgroups.unified[:1]]
    files.append((sysroot.read(f"/proc/pressure/{resource}"), f"/proc/pressure/{resource}"))
    text, source = next((read for read in files if read[0]), ("", ""))
    some = re.search(
        r"^some avg10=(\d{1,3}\.\d{2}) avg60=(\d{1,3}\.\d{2})", text or "", re.MULTILINE
    )
    for window, share in zip(("avg10", "avg60"), some.groups() if some else (), strict=False):
        yield Fact(f"{resource} some {window}", float(share), "%", source)


def _oom_kills(cgroups: Cgroups) -> Iterator[Fact]:
    for group in cgroups.of("memory")[:1]:
        for file in _OOM_FILES:
            kills = group.counters(file).get("oom_kill")
            if kills is not None:
                yield Fact("oom_kill", kills, "kills", group.source(file))
