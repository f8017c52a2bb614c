"""What is written into a cgroup's files to set the limits, and what such files say of others."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gunitune.serve.wanted import cpu_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gunitune.serve.wanted import Wanted

_PERIOD_US = 100_000
_LONGEST_PERIOD_US = 1_000_000
_LEAST_QUOTA_US = 1_000


def limit_files(version: int, controllers: Sequence[str], wish: Wanted) -> dict[str, str]:
    """File name to text, in the order of writing, for those of the controllers with a limit."""
    found: dict[str, str] = {}
    if "cpu" in controllers and wish.cpus is not None:
        quota, period = quota_us(wish.cpus)
        v1 = {"cpu.cfs_period_us": f"{period}", "cpu.cfs_quota_us": f"{quota}"}
        found |= v1 if version == 1 else {"cpu.max": f"{quota} {period}"}
    if "memory" in controllers and wish.memory_bytes is not None:
        file = "memory.limit_in_bytes" if version == 1 else "memory.max"
        found[file] = f"{wish.memory_bytes}"
    if "cpuset" in controllers and wish.cores:
        found["cpuset.cpus"] = cpu_list(wish.cores)
    return found


def quota_us(cpus: float) -> tuple[int, int]:
    """Microseconds of CPU time, and of the period they are for: 100 ms, the kernel's default.

    One second, the longest there is, where the quota would be below the least, 1 ms.
    """
    period = _PERIOD_US if cpus * _PERIOD_US >= _LEAST_QUOTA_US else _LONGEST_PERIOD_US
    return max(_LEAST_QUOTA_US, round(cpus * period)), period


def swap_off(folder: Path, written: Mapping[str, str]) -> None:
    """Let a memory limit hold for swap as well, where the kernel counts that."""
    v1, v2 = written.get("memory.limit_in_bytes"), written.get("memory.max")
    with suppress(OSError):
        if v1:
            (folder / "memory.memsw.limit_in_bytes").write_text(v1)
    with suppress(OSError):
        if v2:
            (folder / "memory.swap.max").write_text("0")


def hand_down(home: Path, controllers: Sequence[str]) -> None:
    """Let cgroup v2 groups below `home` use the controllers; OSError where it has not got them.

    They stay handed down: whoever manages the tree may have come to rely on it meanwhile.
    """
    if not controllers:
        return
    has = (home / "cgroup.controllers").read_text().split()
    if missing := [controller for controller in controllers if controller not in has]:
        raise OSError(f"{home} has no {' and no '.join(missing)} controller")
    control = home / "cgroup.subtree_control"
    down = control.read_text().split()
    new = [f"+{controller}" for controller in controllers if controller not in down]
    if new:
        control.write_text(" ".join(new))


def bounded(home: Path) -> bool:
    """Whether a cgroup v2 group has limits of its own, which a group beside it would escape."""
    texts = []
    for file in ("cpu.max", "memory.max", "cpuset.cpus"):
        with suppress(OSError):
            texts.append((home / file).read_text().strip())
    return any(text and not text.startswith("max") for text in texts)
