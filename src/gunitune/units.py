"""Reads and writes the quantities of the command line: sizes, CPUs, durations."""

from __future__ import annotations

import math
import re

from gunitune.errors import UsageError
from gunitune.model import KIB

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_SIZE = re.compile(rf"{_NUMBER}\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_DURATION = re.compile(rf"{_NUMBER}\s*(ms|s|m|h)?", re.IGNORECASE)
_SIZE_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_size(text: str) -> int:
    """Bytes in `512M`, `512MiB`, `1G`, `1.5GiB`; every unit is binary, as Kubernetes' Mi and Gi."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * KIB ** _SIZE_POWER[match[2].lower()] if match else 0.0
    if not 1 <= size < 2**63:
        raise UsageError(f"{text!r} is not a size", "write it as 512M, 1GiB or 1.5G")
    return int(size)


def parse_cpus(text: str) -> float:
    """CPUs in `2`, `0.5` or Kubernetes' `500m`."""
    match = re.fullmatch(rf"{_NUMBER}(m?)", text.strip())
    cpus = float(match[1]) / (1000 if match[2] else 1) if match else 0.0
    if not 0.001 <= cpus <= 65536:
        raise UsageError(f"{text!r} is not a number of CPUs", "write it as 2, 0.5 or 500m")
    return cpus


def parse_duration(text: str) -> float:
    """Seconds in `30s`, `250ms`, `2m`; a bare number is seconds."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[(match[2] or "s").lower()] if match else 0.0
    if not 0 < seconds < 1e9:
        raise UsageError(f"{text!r} is not a duration", "write it as 30s, 250ms or 2m")
    return seconds


def format_size(size_bytes: float) -> str:
    """A size a person reads: `512 MiB`, `1.5 GiB`."""
    for unit, power in (("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if size_bytes >= KIB**power:
            return f"{format_number(round(size_bytes / KIB**power, 1))} {unit}"
    return f"{format_number(size_bytes)} B"


def format_number(number: float) -> str:
    """A number without a needless fraction: 2.0 -> `2`, 0.5 -> `0.5`."""
    if isinstance(number, bool) or not math.isfinite(number):
        return str(number)
    return f"{number:.3f}".rstrip("0").rstrip(".") if number % 1 else str(int(number))
