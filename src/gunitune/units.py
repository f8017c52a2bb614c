"""Reads and writes the quantities of the command line: sizes, CPUs, durations."""

from __future__ import annotations

import math
import re

from gunitune.errors import UsageError

_NUMBER = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_SIZE = re.compile(rf"{_NUMBER}\s*([kmgt]?)(?:ib?|b)?", re.IGNORECASE)
_DURATION = re.compile(rf"{_NUMBER}\s*(ms|s|m|h)?", re.IGNORECASE)
_RELEASE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6}){0,3})(?:(?:a|b|rc|\.post|\.dev|\+)[\w.]*)?")
_SIZE_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_size(text: str) -> int:
    """Bytes in `512M`, `512MiB`, `1G`, `1.5GiB`; every unit is binary, as Kubernetes' Mi and Gi."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * 1024 ** _SIZE_POWER[match[2].lower()] if match else 0.0
    if not 2**20 <= size < 2**63:
        hint = f"did you mean {text.strip()}M?" if 1 <= size < 2**20 else "write it as 512M or 1GiB"
        raise UsageError(f"{text!r} is not a size of memory", hint)
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
    for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if size_bytes >= 1024**power:
            return f"{format_number(round(size_bytes / 1024**power, 1))} {unit}"
    return f"{format_number(size_bytes)} B"


def format_number(number: float) -> str:
    """A number without a needless fraction: 2.0 -> `2`, 0.5 -> `0.5`."""
    if isinstance(number, bool) or not math.isfinite(number):
        return str(number)
    if not number % 1:
        return str(int(number))
    text = f"{number:.3f}" if abs(number - round(number)) >= 0.0005 else f"{number:.6g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def release(version: str) -> tuple[int, ...]:
    """Give a version's numbers for comparing: `25.3.0` -> (25, 3, 0), `26` -> (26, 0, 0)."""
    match = _RELEASE.fullmatch(version.strip())
    if not match:
        raise UsageError(f"{version!r} is not a version", "write it as 25.3.0")
    numbers = tuple(int(part) for part in match[1].split("."))
    return numbers + (0,) * (3 - len(numbers))
