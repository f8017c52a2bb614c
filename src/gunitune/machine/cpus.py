"""Tells how many CPUs the machine shows, and how many the scheduler grants the process."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from gunitune.machine.limits import not_understood
from gunitune.model import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.machine.groups import Cgroups, Group
    from gunitune.machine.sysroot import Sysroot

_CPUS_MAX = 65536
_LIST_SHOWN = 80
_CPUS_MIN = 0.001  # the kernel's least quota, 1 ms, in its longest period, 1 s
_DEFAULT_PERIOD_US = "100000"
_ONLINE = "/sys/devices/system/cpu/online"


def cpu_limits(sysroot: Sysroot, cgroups: Cgroups) -> tuple[Fact, ...]:
    """Every bound on the CPUs, in "cpus": online, cpuset, affinity, and the quota at each level."""
    bounds = [*_online(sysroot), *_cpusets(cgroups), *_affinity(sysroot)]
    return (*bounds, *_quotas(cgroups))


def _online(sysroot: Sysroot) -> Iterator[Fact]:
    cpus = parse_cpu_list(sysroot.read(_ONLINE) or "")
    if cpus:
        yield Fact("online CPUs", cpus, "cpus", f"online CPUs in {_ONLINE}")
        return
    cpus = len(re.findall(r"^cpu\d+ ", sysroot.read("/proc/stat") or "", re.MULTILINE))
    if cpus:
        yield Fact("online CPUs", cpus, "cpus", "online CPUs in /proc/stat")
    elif sysroot.live:
        yield Fact("online CPUs", os.cpu_count() or 1, "cpus", "online CPUs by os.cpu_count()")


def _affinity(sysroot: Sysroot) -> Iterator[Fact]:
    if sysroot.live:
        cpus = len(os.sched_getaffinity(0))
        yield Fact("affinity", cpus, "cpus", "CPU affinity by sched_getaffinity")
        return
    status = sysroot.read("/proc/self/status") or ""
    allowed = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
    if allowed:
        source = "CPU affinity, Cpus_allowed_list in /proc/self/status"
        yield _cpu_list("affinity", allowed[1], source)


def _cpusets(cgroups: Cgroups) -> Iterator[Fact]:
    """Each level's cpuset; an empty file means the one above it."""
    for group in cgroups.of("cpuset"):
        effective = "cpuset.cpus.effective" if group.version == 2 else "cpuset.effective_cpus"
        for file in (effective, "cpuset.cpus"):
            text = (group.read(file) or "").strip()
            if text:
                yield _cpu_list("cpuset", text, group.source(file))
                break


def _cpu_list(name: str, text: str, source: str) -> Fact:
    cpus = parse_cpu_list(text)
    if not cpus:
        return not_understood(name, text, source)
    shown = text if len(text) <= _LIST_SHOWN else f"{text[:_LIST_SHOWN]}…"
    return Fact(name, cpus, "cpus", f"{source}: {shown}")


def parse_cpu_list(text: str) -> int:
    """How many CPUs are in a list such as `0-2,5`; 0 where it is no such list."""
    cpus = 0
    for part in text.strip().split(","):
        ends = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip())
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (1, 0)
        if last < first:
            return 0
        cpus += last - first + 1
    return cpus if cpus <= _CPUS_MAX else 0


def _quotas(cgroups: Cgroups) -> Iterator[Fact]:
    for group in cgroups.of("cpu"):
        file = "cpu.max" if group.version == 2 else "cpu.cfs_quota_us"
        text = group.read(file)
        if text is not None:
            period = group.read("cpu.cfs_period_us") if group.version == 1 else None
            yield from _quota(group, file, f"{text} {period or ''}".split())


def _quota(group: Group, file: str, fields: list[str]) -> Iterator[Fact]:
    """Read the quota and, after it, the period, both in microseconds."""
    quota = fields[0] if fields else ""
    period = fields[1] if len(fields) > 1 else _DEFAULT_PERIOD_US
    if quota == "max" or quota.startswith("-"):
        return
    try:
        cpus = int(quota) / int(period)
    except (ValueError, ArithmeticError):
        cpus = 0.0
    if cpus < _CPUS_MIN:
        yield not_understood(file, " ".join(fields), group.source(file))
    else:
        yield Fact(file, cpus, "cpus", f"{group.source(file)}: {quota}/{period}")
