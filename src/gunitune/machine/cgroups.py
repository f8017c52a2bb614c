"""Finds the cgroups that the process sits in, from its own up to the root of each hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.machine.groups import UNIFIED, Cgroups, Group, Membership
from gunitune.machine.mounts import Mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.machine.sysroot import Sysroot

_CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids"})
_HOME = "/sys/fs/cgroup"
_JOINED = {"cpu": ("cpu,cpuacct", "cpuacct,cpu")}
_DEPTH_MAX = 256
_MOUNTS_MAX = 256
_MEMBERSHIPS_MAX = 64


def read_cgroups(sysroot: Sysroot, mounts: Sequence[Mount]) -> Cgroups:
    """Find the process's cgroups from /proc/self/cgroup and where the hierarchies are mounted.

    Where no mount of them is known, the usual layout below /sys/fs/cgroup is tried.
    """
    text = sysroot.read("/proc/self/cgroup")
    if text is None:
        return Cgroups((), {}, unread="/proc/self/cgroup can't be read")
    memberships = tuple(_parse_memberships(text))
    homes = [mount for mount in mounts if mount.fstype in {"cgroup", "cgroup2"}][:_MOUNTS_MAX]
    return _cgroups(sysroot, memberships, homes or list(_usual_mounts(sysroot, memberships)))


def _parse_memberships(text: str) -> Iterator[Membership]:
    for line in text.split("\n", _MEMBERSHIPS_MAX)[:_MEMBERSHIPS_MAX]:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number.isdigit() and path.startswith("/"):
            yield Membership(frozenset(controllers.split(",")) - {""}, path)


def _cgroups(
    sysroot: Sysroot, memberships: tuple[Membership, ...], homes: Sequence[Mount]
) -> Cgroups:
    hierarchies: dict[str, tuple[Group, ...]] = {}
    hidden = []
    for membership in memberships:
        mount = _mount_of(sysroot, membership, homes)
        if mount is None:
            continue
        groups = _groups(sysroot, membership, mount)
        if _parts(groups[0].path) != _parts(membership.path):
            hidden.append(membership)
        keys = membership.controllers & _CONTROLLERS or {UNIFIED}
        hierarchies.update(dict.fromkeys(keys, groups))
    unread = "" if hierarchies else "no cgroup hierarchy of the process is mounted"
    return Cgroups(memberships, hierarchies, tuple(hidden), unread)


def _mount_of(sysroot: Sysroot, membership: Membership, homes: Sequence[Mount]) -> Mount | None:
    """Choose the mount that shows the membership's group with the most groups above it."""
    path = _parts(membership.path)

    def shows(mount: Mount) -> bool:
        if membership.version == 2:
            return mount.fstype == "cgroup2"
        return bool(mount.options & membership.controllers & _CONTROLLERS)

    def distance(mount: Mount) -> tuple[bool, int]:
        root = _parts(mount.root)
        return path[: len(root)] != root, len(root)

    mounts = [mount for mount in homes if shows(mount) and sysroot.is_dir(mount.point)]
    return min(mounts, key=distance, default=None)


def _groups(sysroot: Sysroot, membership: Membership, mount: Mount) -> tuple[Group, ...]:
    """Groups from the nearest to the process up to the mount point; at least the latter."""
    folder = mount.point.rstrip("/")
    groups = [Group(sysroot, membership.version, mount.root, folder)]
    for part in _below(membership, mount)[:_DEPTH_MAX]:
        folder = f"{folder}/{part}"
        if not sysroot.is_dir(folder):
            break
        path = f"{groups[-1].path.rstrip('/')}/{part}"
        groups.append(Group(sysroot, membership.version, path, folder))
    return tuple(reversed(groups))


def _below(membership: Membership, mount: Mount) -> list[str]:
    """The way down from the mount point to the membership's group, where it can be told."""
    path, root = _parts(membership.path), _parts(mount.root)
    if path[: len(root)] == root:
        path = path[len(root) :]
    return [] if ".." in path else path


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _usual_mounts(sysroot: Sysroot, memberships: Sequence[Membership]) -> Iterator[Mount]:
    """The mounts as systemd and Docker lay them out."""
    for membership in memberships:
        if membership.version == 2:
            hybrid = f"{_HOME}/unified"
            yield Mount("/", hybrid if sysroot.is_dir(hybrid) else _HOME, "cgroup2")
        for controller in sorted(membership.controllers & _CONTROLLERS):
            for folder in (controller, *_JOINED.get(controller, ())):
                yield Mount("/", f"{_HOME}/{folder}", "cgroup", frozenset({controller}))
