"""The nouns of cgroups: a membership, a group, and all that bound the process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.machine.sysroot import Sysroot

UNIFIED = "unified"
_COUNTER = re.compile(r"^(\w+) (\d{1,20})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Membership:
    """One line of /proc/self/cgroup; no `controllers` for the unified hierarchy (cgroup v2)."""

    controllers: frozenset[str]
    path: str

    @property
    def version(self) -> int:
        """1 or 2."""
        return 1 if self.controllers else 2


@dataclass(frozen=True, slots=True)
class Group:
    """One cgroup: its path in the hierarchy, and the folder where its files show."""

    sysroot: Sysroot
    version: int
    path: str
    folder: str

    def read(self, file: str) -> str | None:
        """Text of one of its interface files; None where there is none."""
        return self.sysroot.read(f"{self.folder}/{file}")

    def counters(self, file: str) -> dict[str, int]:
        """Numbers of a flat keyed file such as cpu.stat; empty where there is none."""
        return {name: int(number) for name, number in _COUNTER.findall(self.read(file) or "")}

    def source(self, file: str) -> str:
        """How a fact read from `file` names its origin."""
        return f"cgroup v{self.version} {file} of {self.path}"


@dataclass(frozen=True, slots=True)
class Cgroups:
    """The process's memberships, and the groups above each; `unread` says why there are none.

    `hidden` are memberships whose own group does not show below the mount (a cgroup namespace):
    their limits are read from the nearest group above it that does.
    """

    memberships: tuple[Membership, ...]
    hierarchies: Mapping[str, tuple[Group, ...]]
    hidden: tuple[Membership, ...] = ()
    unread: str = ""

    def of(self, controller: str) -> tuple[Group, ...]:
        """Groups that can bound `controller`, nearest first: cgroup v1's, then cgroup v2's."""
        return self.hierarchies.get(controller, ()) + self.unified

    @property
    def unified(self) -> tuple[Group, ...]:
        """The groups of cgroup v2, nearest first."""
        return self.hierarchies.get(UNIFIED, ())

    def why_unread(self, *controllers: str) -> str:
        """Why none of the controllers' limits could be read; empty where they could."""
        if any(self.of(controller) for controller in controllers):
            return ""
        return self.unread or f"no cgroup hierarchy with {' or '.join(controllers)} is mounted"
