"""Runs processes inside a cgroup with a CPU quota and a memory limit, where the machine lets us.

Test support: `with limited_cgroup(0.5, 256 * MIB) as group: group.run([...])`. Skips the test,
with the reason, where no group can be made and limited.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A process that joins the groups, each named before `--`, and becomes the command after it.
_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 126; shift; done; shift; '
_LAUNCHER = ("/bin/sh", "-c", f'{_JOIN} exec "$@"', "join")
_CONTROLLERS = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class LimitedCgroup:
    """Groups with limits, one or two folders; `joined` are those that the processes start in."""

    limited: tuple[Path, ...]
    joined: tuple[Path, ...]

    def run(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command inside and wait for it, at most two minutes: text captured, failure raised.

        The options are those of `subprocess.run` and change these defaults.
        """
        defaults: dict[str, Any] = {"capture_output": True, "text": True, "check": True}
        defaults["timeout"] = 120
        return subprocess.run(self._inside(argv), **defaults | options)  # noqa: PLW1510  by default

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a command inside; the options are those of `subprocess.Popen`."""
        return subprocess.Popen(self._inside(argv), **options)

    def pids(self) -> list[int]:
        """Every process that is inside."""
        found = set()
        for folder in {*self.limited, *self.joined}:
            found |= set(map(int, (folder / "cgroup.procs").read_text().split()))
        return sorted(found)

    def _inside(self, argv: Sequence[str]) -> list[str]:
        return [*_LAUNCHER, *map(str, self.joined), "--", *argv]


@contextmanager
def limited_cgroup(
    cpus: float, memory_bytes: int, *, nested: bool = False, period_us: int = 100_000
) -> Iterator[LimitedCgroup]:
    """Make groups limited to `cpus` and `memory_bytes`, and remove them with all that runs inside.

    With `nested`, processes start in a group below that has no limit of its own.
    """
    with ExitStack() as cleanup:
        try:
            group = _make(cleanup, cpus, memory_bytes, period_us, nested=nested)
            group.run(["/bin/true"])
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no cgroup can be made and limited here: {error}")
        yield group


def _make(
    cleanup: ExitStack, cpus: float, memory_bytes: int, period_us: int, *, nested: bool
) -> LimitedCgroup:
    name = f"gunitune-test-{uuid.uuid4().hex[:12]}"
    homes = {controller: _home(controller, cleanup) for controller in _CONTROLLERS}
    limited = tuple(sorted({home / name for _, home in homes.values()}))
    joined = tuple(folder / "inner" for folder in limited) if nested else limited
    group = LimitedCgroup(limited, joined)
    for folder in (*limited, *joined):
        if not folder.exists():
            folder.mkdir()
            cleanup.callback(_remove, folder)
    cleanup.callback(_kill, group)
    for controller, (version, home) in homes.items():
        for file, value in _limits(controller, version, cpus, memory_bytes, period_us):
            (home / name / file).write_text(value)
    return group


def _limits(
    controller: str, version: int, cpus: float, memory_bytes: int, period_us: int
) -> list[tuple[str, str]]:
    quota_us = round(cpus * period_us)
    return {
        ("cpu", 1): [("cpu.cfs_period_us", f"{period_us}"), ("cpu.cfs_quota_us", f"{quota_us}")],
        ("cpu", 2): [("cpu.max", f"{quota_us} {period_us}")],
        ("memory", 1): [("memory.limit_in_bytes", f"{memory_bytes}")],
        ("memory", 2): [("memory.max", f"{memory_bytes}")],
    }[controller, version]


def _home(controller: str, cleanup: ExitStack) -> tuple[int, Path]:
    """Version and mount point of the hierarchy that has the controller; OSError if none has."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, fstype, options, *_ = line.split(" ")
        if fstype == "cgroup" and controller in options.split(","):
            return 1, Path(point)
        if fstype == "cgroup2" and controller in _words(Path(point) / "cgroup.controllers"):
            _delegate(controller, Path(point), cleanup)
            return 2, Path(point)
    raise OSError(f"no hierarchy has the {controller} controller")


def _delegate(controller: str, home: Path, cleanup: ExitStack) -> None:
    """Let the groups below a cgroup v2 root use the controller, as long as we need it."""
    control = home / "cgroup.subtree_control"
    if controller not in _words(control):
        control.write_text(f"+{controller}")
        cleanup.callback(control.write_text, f"-{controller}")


def _words(file: Path) -> list[str]:
    return file.read_text().split()


def _kill(group: LimitedCgroup) -> None:
    """End what still runs inside; only what was started through the group can be there."""
    for _ in range(200):
        pids = group.pids()
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _remove(folder: Path) -> None:
    """Remove the group; the kernel may take a moment to let go of the last process."""
    for _ in range(200):
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.02)
    folder.rmdir()
