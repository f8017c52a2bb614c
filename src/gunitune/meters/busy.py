"""How busy the machine's CPUs were, whoever used them, and what the hypervisor took."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from gunitune.model import Unknown

_CPU = re.compile(r"^cpu(\d+) ([\d ]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Busy:
    """CPU seconds since boot over some CPUs: at work, and stolen by the hypervisor."""

    busy_s: float
    steal_s: float


def busy(cores: frozenset[int]) -> Busy | Unknown:
    """Of these CPUs by number, by proc_stat(5): user, nice, system, irq and softirq are work."""
    try:
        text = Path("/proc/stat").read_text()
    except OSError as error:
        return Unknown(f"/proc/stat can't be read: {error.strerror}")
    return parse_busy(text, cores, os.sysconf("SC_CLK_TCK"))


def parse_busy(text: str, cores: frozenset[int], hertz: int) -> Busy | Unknown:
    """From the text of /proc/stat, in ticks of 1 / `hertz` seconds."""
    rows = {
        int(number): [int(ticks) for ticks in fields.split()]
        for number, fields in _CPU.findall(text)
    }
    found = [rows[core] for core in cores if len(rows.get(core, ())) >= 8]
    if not found:
        return Unknown("/proc/stat does not show the CPUs in use")
    work = sum(sum(row[:3]) + row[5] + row[6] for row in found)
    return Busy(work / hertz, sum(row[7] for row in found) / hertz)
