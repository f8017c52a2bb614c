"""Tells what the process may use on this machine, or on one whose snapshot is below a folder."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError
from gunitune.machine.cgroups import read_cgroups
from gunitune.machine.cpus import cpu_limits
from gunitune.machine.hosting import platform
from gunitune.machine.limits import NOT_UNDERSTOOD, least, process_limits
from gunitune.machine.memory import memory_limits
from gunitune.machine.mounts import Mount, parse_mounts
from gunitune.machine.pressure import pressure_facts
from gunitune.machine.sysroot import Sysroot, running_system, snapshot
from gunitune.model import Fact, Host, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunitune.machine.groups import Cgroups


def probe(sysroot: Path | None = None, environ: Mapping[str, str] | None = None) -> Host:
    """Tell what the running system grants this process, or what a snapshot of one shows.

    With `sysroot`, only its `proc` and `sys` are read: neither the running system nor `environ`
    (default: `os.environ`) has a say. GunituneError where it has no `proc`, or shows no CPU.
    """
    environ = os.environ if environ is None else environ
    if sysroot is not None:
        return _probe(snapshot(sysroot), {}, f"the snapshot below {sysroot}")
    if sys.platform != "linux":
        from gunitune.machine.elsewhere import probe_elsewhere  # loads psutil

        return probe_elsewhere(environ)
    return _probe(running_system(), environ, "this machine")


def _probe(sysroot: Sysroot, environ: Mapping[str, str], origin: str) -> Host:
    mountinfo = sysroot.read("/proc/self/mountinfo")
    mounts = parse_mounts(mountinfo or "")
    cgroups = read_cgroups(sysroot, mounts)
    cpu, memory = cpu_limits(sysroot, cgroups), memory_limits(sysroot, cgroups)
    processes = process_limits(cgroups)
    cpus, cpus_source = _cpus(cpu, origin)
    cores, cores_source = _cores(sysroot, cpu)
    memory_bytes, memory_source = _memory_bytes(memory)
    name, platform_source = platform(sysroot, environ, cgroups, mounts)
    pids = least(processes, "processes")
    met = (*cpu, *memory, *processes)
    return Host(
        cpus=cpus,
        cpus_source=_with_gap(cpus_source, cgroups.why_unread("cpu", "cpuset")),
        cores_visible=cores,
        cores_source=cores_source,
        memory_bytes=memory_bytes,
        memory_source=_with_gap(memory_source, cgroups.why_unread("memory")),
        platform=name or Unknown(platform_source),
        platform_source=platform_source,
        origin=origin,
        shm=_shm(mountinfo, mounts),
        pids_max=int(pids[0]) if pids else Unknown("no pids limit found"),
        limits=tuple(fact for fact in met if fact.value != NOT_UNDERSTOOD),
        facts=(
            *pressure_facts(sysroot, cgroups),
            *(fact for fact in met if fact.value == NOT_UNDERSTOOD),
            *_hidden(cgroups),
        ),
    )


def _cpus(facts: tuple[Fact, ...], origin: str) -> tuple[float, str]:
    cpus = least(facts, "cpus")
    if cpus is None:
        raise GunituneError(
            f"{origin} does not show how many CPUs there are",
            "it needs /sys/devices/system/cpu/online or /proc/stat",
        )
    return float(cpus[0]), cpus[1]


def _cores(sysroot: Sysroot, facts: tuple[Fact, ...]) -> tuple[int | Unknown, str]:
    """What os.cpu_count() shows: the CPUs online, whatever the process may use of them."""
    if sysroot.live:
        return os.cpu_count() or Unknown("os.cpu_count() can't tell"), "os.cpu_count()"
    for fact in facts:
        if fact.name == "online CPUs":
            return int(fact.value), fact.source
    reason = "neither /sys/devices/system/cpu/online nor /proc/stat tells the CPUs online"
    return Unknown(reason), reason


def _memory_bytes(facts: tuple[Fact, ...]) -> tuple[int | Unknown, str]:
    """The tightest bound; without the machine's own size, no limit tells what is there."""
    memory = least(facts, "bytes")
    if memory is None or facts[0].name != "MemTotal":
        reason = "/proc/meminfo shows no MemTotal"
        return Unknown(reason), reason
    return int(memory[0]), memory[1]


def _with_gap(source: str, gap: str) -> str:
    return f"{source} (no cgroup limits could be read: {gap})" if gap else source


def _shm(mountinfo: str | None, mounts: tuple[Mount, ...]) -> bool | Unknown:
    """Tell whether /dev/shm is memory; the last mount on it is the one that shows."""
    if mountinfo is None:
        return Unknown("/proc/self/mountinfo can't be read")
    fstypes = [mount.fstype for mount in mounts if mount.point == "/dev/shm"]  # noqa: S108
    return fstypes[-1:] == ["tmpfs"]


def _hidden(cgroups: Cgroups) -> tuple[Fact, ...]:
    """Say which of the process's own cgroups do not show, so that their limits may be missing."""
    return tuple(
        Fact(
            name=f"cgroup v{member.version} {','.join(sorted(member.controllers))}".rstrip(),
            value="not visible",
            unit="",
            source=f"{member.path} in /proc/self/cgroup",
        )
        for member in cgroups.hidden
    )
