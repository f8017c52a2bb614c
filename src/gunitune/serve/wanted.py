"""What of the limits asked for is less than this machine has anyway, so that it needs enforcing."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.serve.cores import in_order
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from gunitune.trial import Limits


@dataclass(frozen=True, slots=True)
class Wanted:
    """Limits to enforce; None or empty: none. `remarks` say which of those asked need nothing."""

    cpus: float | None
    memory_bytes: int | None
    cores: frozenset[int]
    remarks: tuple[str, ...] = ()

    @property
    def limited(self) -> tuple[str, ...]:
        """The cgroup controllers that the limits need."""
        limits = {"cpu": self.cpus, "memory": self.memory_bytes}
        return tuple(controller for controller, limit in limits.items() if limit is not None)

    @property
    def cores_enough(self) -> frozenset[int]:
        """The CPUs to stay on where no quota can be had: as many whole ones as it takes."""
        if self.cpus is None:
            return self.cores
        usable = self.cores or frozenset(os.sched_getaffinity(0))
        return frozenset(in_order(usable)[: math.ceil(self.cpus)])


def wanted(limits: Limits) -> Wanted:
    """Hold the limits against this machine; UsageError for CPUs that this process may not use."""
    from gunitune.machine.probe import probe

    usable = frozenset(os.sched_getaffinity(0))
    if limits.cores and not limits.cores & usable:
        message = f"CPU {cpu_list(limits.cores)} can't be used"
        raise UsageError(message, f"this process may use CPU {cpu_list(usable)}")
    if limits.cpus is None and limits.memory_bytes is None:
        return Wanted(None, None, limits.cores & usable)
    here = probe()
    cpus, memory, remarks = limits.cpus, limits.memory_bytes, []
    if cpus is not None and cpus >= here.cpus:
        remarks.append(f"nothing to enforce for CPUs: this machine has {format_number(here.cpus)}")
        cpus = None
    if memory is not None and isinstance(here.memory_bytes, int) and memory >= here.memory_bytes:
        has = format_size(here.memory_bytes)
        remarks.append(f"nothing to enforce for memory: this machine has {has}")
        memory = None
    return Wanted(cpus, memory, limits.cores & usable, tuple(remarks))


def cpu_list(cores: frozenset[int]) -> str:
    """CPUs by number as cpuset files write them: `0-2,5`."""
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and core == runs[-1][-1] + 1:
            runs[-1].append(core)
        else:
            runs.append([core])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
