"""What the server's cgroups count: CPU time, throttling, pressure and memory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NO_GROUP = "the server has no cgroup of its own"
_SOME_TOTAL = re.compile(r"^some .*\btotal=(\d+)", re.MULTILINE)
_NO_QUOTA = ("max", "-")
_MACHINE_PRESSURE = Path("/proc/pressure/cpu")


@dataclass(frozen=True, slots=True)
class Counter:
    """Numbers that one file of the kernel's counts up, added and scaled: seconds or bytes.

    `keys` are the lines of a flat keyed file that count; empty for a file that is one number.
    """

    file: Path
    source: str
    unit: float = 1.0
    keys: tuple[str, ...] = ()

    def read(self) -> float:
        """The value now; OSError or ValueError where the file does not have it."""
        text = self.file.read_text()
        if not self.keys:
            return int(text) * self.unit
        lines = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
        if missing := [key for key in self.keys if key not in lines]:
            raise ValueError(f"no {missing[0]} in {self.file}")
        return sum(int(lines[key]) for key in self.keys) * self.unit


def cpu_counter(groups: Sequence[Path]) -> Counter | Unknown:
    """CPU seconds used inside: v2's cpu.stat, which needs no controller, else v1's cpuacct."""
    v2 = [Counter(g / "cpu.stat", "cgroup v2 cpu.stat", 1e-6, ("usage_usec",)) for g in groups]
    v1 = [Counter(g / "cpuacct.usage", "cgroup v1 cpuacct.usage", 1e-9) for g in groups]
    return next(_working([*v2, *v1]), Unknown(NO_GROUP))


def memory_counter(groups: Sequence[Path]) -> Counter | Unknown:
    """Bytes that belong to processes (anonymous and shared memory), without the page cache."""
    source = "cgroup v{} memory.stat"
    v2 = [Counter(g / "memory.stat", source.format(2), 1, ("anon", "shmem")) for g in groups]
    v1 = [Counter(g / "memory.stat", source.format(1), 1, ("rss", "shmem")) for g in groups]
    return next(_working([*v2, *v1]), Unknown(NO_GROUP))


def throttle_counters(groups: Sequence[Path]) -> tuple[Counter, ...] | Unknown:
    """Seconds held back by quotas: of the server's groups and of those above; none without any.

    The kernel adds up the CPUs: a tree on two may be held back for more than the window's length.
    """
    above = quotas_above()
    if isinstance(above, Unknown):
        return above
    folders = (*groups, *above)
    source = "cgroup v{} cpu.stat"
    v2 = [Counter(g / "cpu.stat", source.format(2), 1e-6, ("throttled_usec",)) for g in folders]
    v1 = [Counter(g / "cpu.stat", source.format(1), 1e-9, ("throttled_time",)) for g in folders]
    return tuple(_working([*v2, *v1]))


def throttled_s(counters: Sequence[Counter] | Unknown) -> float | Unknown:
    """Seconds held back so far; 0 where nothing sets a quota."""
    if isinstance(counters, Unknown):
        return counters
    try:
        return sum((counter.read() for counter in counters), 0.0)
    except (OSError, ValueError) as error:
        return Unknown(f"throttling can't be read: {error}")


def pressure_s(groups: Sequence[Path]) -> float | Unknown:
    """Seconds in which some task waited for a CPU: of the server's group, else of the machine."""
    for file in (*(group / "cpu.pressure" for group in groups), _MACHINE_PRESSURE):
        try:
            some = _SOME_TOTAL.search(file.read_text())
        except OSError:  # not there, or the kernel was started without it
            continue
        if some:
            return int(some[1]) / 1e6
    return Unknown("the kernel keeps no pressure stall information")


def quotas_above() -> tuple[Path, ...] | Unknown:
    """Groups that this process sits in, at any level, that limit its CPU time."""
    from gunitune.machine.cgroups import read_cgroups
    from gunitune.machine.mounts import parse_mounts
    from gunitune.machine.sysroot import running_system

    sysroot = running_system()
    mounts = parse_mounts(sysroot.read("/proc/self/mountinfo") or "")
    cgroups = read_cgroups(sysroot, mounts)
    if unread := cgroups.why_unread("cpu"):
        return Unknown(unread)
    quotas = [(g, g.read("cpu.max") or g.read("cpu.cfs_quota_us")) for g in cgroups.of("cpu")]
    return tuple(Path(g.folder) for g, text in quotas if text and not text.startswith(_NO_QUOTA))


def _working(counters: Sequence[Counter]) -> Iterator[Counter]:
    for counter in counters:
        try:
            counter.read()
        except (OSError, ValueError):
            continue
        yield counter
