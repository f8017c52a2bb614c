"""Where cgroups of our own may be made: below which groups, in which hierarchies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gunitune.machine.cgroups import read_cgroups
from gunitune.machine.mounts import parse_mounts
from gunitune.machine.sysroot import running_system

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.machine.groups import Cgroups, Membership
    from gunitune.machine.mounts import Mount

# Accounting of CPU time may be a hierarchy of its own, which bounds nothing.
CONTROLLERS = ("cpu", "cpuacct", "memory", "cpuset")


@dataclass(frozen=True, slots=True)
class Homes:
    """Our own groups: of cgroup v1 by controller, of cgroup v2 the nearest first, up to the root.

    On cgroup v1 a group below our own is always allowed, and stays within what bounds us. On v2 a
    group that has both processes and groups below can't hand controllers down, so that one further
    up may have to do.
    """

    v1: dict[str, Path]
    v2: tuple[Path, ...]


def homes() -> Homes:
    """Read where this process sits, and where that is mounted."""
    sysroot = running_system()
    mounts = parse_mounts(sysroot.read("/proc/self/mountinfo") or "")
    cgroups = read_cgroups(sysroot, mounts)
    return Homes(_v1(cgroups, mounts), tuple(Path(group.folder) for group in cgroups.unified))


def _v1(cgroups: Cgroups, mounts: Sequence[Mount]) -> dict[str, Path]:
    found = {}
    for controller in CONTROLLERS:
        groups = [group for group in cgroups.of(controller) if group.version == 1]
        if groups:
            found[controller] = Path(groups[0].folder)
        elif folder := _accounting(controller, cgroups.memberships, mounts):
            found[controller] = folder
    return found


def _accounting(
    controller: str, memberships: Sequence[Membership], mounts: Sequence[Mount]
) -> Path | None:
    """Our group of a hierarchy that is read for no limit."""
    for membership in memberships:
        for mount in mounts:
            shows = mount.fstype == "cgroup" and controller in mount.options
            if shows and controller in membership.controllers:
                return _below(mount, membership.path)
    return None


def _below(mount: Mount, path: str) -> Path:
    """The group's folder; the mount point where a cgroup namespace hides the way."""
    point = Path(mount.point)
    if not PurePosixPath(path).is_relative_to(mount.root):
        return point
    folder = point / PurePosixPath(path).relative_to(mount.root)
    return folder if ".." not in path and folder.is_dir() else point
