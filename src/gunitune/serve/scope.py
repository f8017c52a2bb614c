"""A systemd scope with limits, for a user whose user manager has the controllers delegated."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.serve.cgroup_files import quota_us

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from gunitune.serve.wanted import Wanted

_START_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 2.0
_LOOK_S = 0.01
_UNIFIED = re.compile(r"^0::(/.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to start the server with, and the folder of the group that it will be in."""

    prefix: tuple[str, ...]
    folder: Path


def scope(wish: Wanted, name: str) -> Scope | str:
    """A scope that was seen to enforce the limits; why there is none otherwise.

    That systemd-run succeeds says little: without delegated controllers it drops the limits in
    silence. So one is started with nothing in it but `cat`, and its group is looked at.
    """
    import shutil
    import subprocess

    program = shutil.which("systemd-run")
    if program is None:
        return "systemd-run is not installed"
    trial = f"{name}-trial"
    with subprocess.Popen(  # noqa: S603  (found on PATH, and no shell)
        [*_prefix(program, wish, trial), "cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as holder:
        try:
            folder = _folder(holder, trial)
            unmet = folder if isinstance(folder, str) else _unmet(folder, wish)
        finally:
            _end(holder)
    if unmet or isinstance(folder, str):
        return unmet
    return Scope(_prefix(program, wish, name), folder.parent / f"{name}.scope")


def _prefix(program: str, wish: Wanted, name: str) -> tuple[str, ...]:
    manager = () if os.geteuid() == 0 else ("--user",)
    options = (*manager, "--scope", "--quiet", "--collect", f"--unit={name}.scope")
    return (program, *options, *_properties(wish), "--")


def _properties(wish: Wanted) -> Iterator[str]:
    """By systemd.resource-control(5)."""
    if wish.cpus is not None:
        period_us = quota_us(wish.cpus)[1]
        yield f"--property=CPUQuota={100 * wish.cpus:.2f}%"
        yield f"--property=CPUQuotaPeriodSec={period_us}us"
    if wish.memory_bytes is not None:
        yield f"--property=MemoryMax={wish.memory_bytes}"
        yield "--property=MemorySwapMax=0"


def _folder(holder: subprocess.Popen[bytes], name: str) -> Path | str:
    """Where the holder's cgroup v2 group shows, once systemd has moved it there."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while holder.poll() is None:
        with suppress(OSError):
            group = _UNIFIED.search(Path(f"/proc/{holder.pid}/cgroup").read_text())
            if group and group[1].endswith(f"/{name}.scope"):
                point = _unified_point()
                return point / group[1].lstrip("/") if point else "cgroup v2 is not mounted"
        if time.monotonic() > deadline:
            return f"systemd-run started no scope within {_START_TIMEOUT_S:g} s"
        time.sleep(_LOOK_S)
    said = holder.stderr.read().decode(errors="replace").split("\n")[0] if holder.stderr else ""
    return f"systemd-run failed: {said or f'exit code {holder.returncode}'}"


def _unified_point() -> Path | None:
    from gunitune.machine.mounts import parse_mounts

    mounts = parse_mounts(Path("/proc/self/mountinfo").read_text())
    points = [mount.point for mount in mounts if mount.fstype == "cgroup2" and mount.root == "/"]
    return Path(points[0]) if points else None


def _unmet(folder: Path, wish: Wanted) -> str:
    """Which limit the scope's group does not have; empty where it has all of them."""
    if wish.cpus is not None:
        quota, period = _words(folder / "cpu.max", 2)
        if not quota.isdigit() or int(quota) > wish.cpus * int(period) * 1.01:
            return _undelegated("cpu")
    if wish.memory_bytes is not None:
        most = _words(folder / "memory.max", 1)[0]
        if not most.isdigit() or int(most) > wish.memory_bytes:
            return _undelegated("memory")
    return ""


def _undelegated(controller: str) -> str:
    return f"systemd starts scopes here, but has not got the {controller} controller delegated"


def _words(file: Path, count: int) -> list[str]:
    """The first words of a file; empty ones where it is not there."""
    with suppress(OSError):
        return (file.read_text().split() + [""] * count)[:count]
    return [""] * count


def _end(holder: subprocess.Popen[bytes]) -> None:
    """End of input ends it; what holds on is killed."""
    import subprocess

    if holder.stdin:
        with suppress(OSError):
            holder.stdin.close()
    try:
        holder.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        holder.kill()
