"""Tells which platform runs the process: Kubernetes, Docker, a cloud's own, systemd, or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gunitune.machine.groups import Cgroups
    from gunitune.machine.mounts import Mount
    from gunitune.machine.sysroot import Sysroot

_CONTAINER_PLATFORMS = frozenset({"docker", "podman", "lxc"})

# What each platform shows, in the order in which one wins over another: environment variables,
# files, and the paths of cgroups and of what is mounted at /etc/hosts and the like.
_SIGNS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("heroku", ("DYNO",), (), ""),
    ("cloud-run", ("K_SERVICE",), (), ""),
    ("ecs", ("ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"), (), r"(^|/)ecs/"),
    ("kubernetes", ("KUBERNETES_SERVICE_HOST",), (), r"(^|/)kubepods\b|/kubelet/pods/"),
    ("podman", (), ("/run/.containerenv",), r"(^|/)libpod[-_]|/containers/storage/"),
    ("docker", (), ("/.dockerenv",), r"(^|/)docker(/|-[^/]+\.scope)|^/containers/[0-9a-f]{64}/"),
    ("lxc", (), (), r"(^|/)lxc(/|\.payload|\.monitor)"),
    ("container", (), (), r"(^|/)(cri-containerd|crio|systemd-nspawn@)|(^|/)garden/"),
)
_SERVICE = re.compile(r"^/?system\.slice/(.*/)?[^/]+\.service(/|$)")
_INJECTED = frozenset({"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
_NAMESPACE_ROOT_FILES = ("cgroup.type", "cpu.max", "memory.max")


def platform(
    sysroot: Sysroot, environ: Mapping[str, str], cgroups: Cgroups, mounts: Sequence[Mount]
) -> tuple[str | None, str]:
    """Name the platform and the evidence for it; None with the reason where it can't be told.

    `environ` and the marker files count for the running system alone.
    """
    paths = [member.path for member in cgroups.memberships] + [
        mount.root
        for mount in mounts
        if mount.point in _INJECTED or mount.fstype.startswith("cgroup")
    ]
    seen = next(_evidence(sysroot, environ, cgroups, paths), None)
    if seen:
        return seen
    if not sysroot.live and not cgroups.memberships:
        return None, "a snapshot shows its platform in /proc/self/cgroup alone, and that is missing"
    return "bare", f"no sign of a container or service in {_looked_at(sysroot)}"


def _looked_at(sysroot: Sysroot) -> str:
    if sysroot.live:
        return "the environment, marker files and cgroup paths"
    return "cgroup paths (of a snapshot, nothing else is looked at)"


def _evidence(
    sysroot: Sysroot, environ: Mapping[str, str], cgroups: Cgroups, paths: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Every platform that something speaks for, the strongest first."""
    for name, variables, files, pattern in _SIGNS:
        yield from ((name, f"environment variable {key}") for key in variables if environ.get(key))
        if environ.get("container") and _declared(environ["container"]) == name:
            yield name, f"environment variable container={environ['container']}"
        yield from (
            (name, file) for file in files if sysroot.live and sysroot.read(file) is not None
        )
        yield from _matches(name, pattern, paths)
    yield from _matches("systemd", _SERVICE, paths)
    in_session = any(path.startswith("/user.slice") for path in paths)
    if environ.get("INVOCATION_ID") and not in_session:  # a desktop's shells inherit it too
        yield "systemd", "environment variable INVOCATION_ID"
    yield from _namespace(cgroups)


def _matches(
    name: str, pattern: str | re.Pattern[str], paths: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if pattern:
        yield from ((name, f"path {path}") for path in paths if re.search(pattern, path))


def _namespace(cgroups: Cgroups) -> Iterator[tuple[str, str]]:
    """Tell a cgroup v2 root that is none: the kernel gives the real one no such files."""
    for root in cgroups.unified[-1:]:
        for file in _NAMESPACE_ROOT_FILES:
            if root.path == "/" and root.read(file) is not None:
                yield "container", f"{root.source(file)}: the root of a cgroup namespace"


def _declared(container: str) -> str:
    """Name the platform that the variable `container` declares, as podman, LXC and nspawn do."""
    name = container.split("-", maxsplit=1)[0].lower()
    return name if name in _CONTAINER_PLATFORMS else "container"
