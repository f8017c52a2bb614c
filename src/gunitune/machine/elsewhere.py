"""Tells what the process may use where there is no /proc to read: macOS, the BSDs, Windows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.machine.groups import Cgroups
from gunitune.machine.hosting import platform
from gunitune.machine.sysroot import running_system
from gunitune.model import Fact, Host, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping


def probe_elsewhere(environ: Mapping[str, str]) -> Host:
    """Tell CPUs, affinity (where the system has it) and memory by psutil; no limits are known."""
    import psutil

    limits = [Fact("online CPUs", os.cpu_count() or 1, "cpus", "online CPUs by os.cpu_count()")]
    if hasattr(psutil.Process, "cpu_affinity"):
        cpus = len(psutil.Process().cpu_affinity())
        limits.append(Fact("affinity", cpus, "cpus", "CPU affinity by psutil"))
    total = psutil.virtual_memory().total
    bound = min(limits, key=lambda fact: fact.value)
    name, platform_source = platform(running_system(), environ, Cgroups((), {}), ())
    return Host(
        cpus=float(bound.value),
        cpus_source=bound.source,
        cores_visible=int(limits[0].value),
        cores_source="os.cpu_count()",
        memory_bytes=total,
        memory_source="physical memory by psutil",
        platform=name or Unknown(platform_source),
        platform_source=platform_source,
        shm=_shm(),
        pids_max=Unknown(f"not looked at on {sys.platform}"),
        limits=(*limits, Fact("physical memory", total, "bytes", "physical memory by psutil")),
    )


def _shm() -> bool | Unknown:
    if Path("/dev/shm").is_dir():  # noqa: S108
        return Unknown(f"mounts are not looked at on {sys.platform}")
    return False
