"""Tells what is mounted where, by /proc/self/mountinfo."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: the folder of the file system that shows (`root`), and the one it shows at."""

    root: str
    point: str
    fstype: str
    options: frozenset[str] = frozenset()


def parse_mounts(mountinfo: str) -> tuple[Mount, ...]:
    """Mounts in the order of proc(5)'s mountinfo; a line of another form is left out."""
    mounts = (_parse_line(line) for line in mountinfo.split("\n"))
    return tuple(mount for mount in mounts if mount)


def _parse_line(line: str) -> Mount | None:
    fields, _, rest = (part.split(" ") for part in line.partition(" - "))
    if len(fields) < 6 or len(rest) < 3:
        return None
    return Mount(_unescape(fields[3]), _unescape(fields[4]), rest[0], frozenset(rest[2].split(",")))


def _unescape(text: str) -> str:
    """Turn the octal escapes that the kernel writes for blanks and backslashes into characters."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
