"""Whether the kernel killed processes of a server for want of memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# cgroup v2, and v1 from Linux 4.13 on.
FILES = ("memory.events", "memory.oom_control")
_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def oom_kills(groups: Iterable[Path]) -> int:
    """Processes killed in these groups since they were made; 0 where the kernel does not count."""
    return max((_kills(group / name) for group in groups for name in FILES), default=0)


def _kills(file: Path) -> int:
    try:
        found = _KILLS.search(file.read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
