"""Which processes are metered: the server's tree, and the cgroups that hold it and nothing else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gunitune.errors import GunituneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class EndedError(GunituneError):
    """The server is gone, or its cgroup is, so that there is nothing to meter."""

    def __init__(self, what: object) -> None:
        super().__init__(f"the server ended while it was metered: {what}", "its log says why")


class Served(Protocol):
    """What a meter must know of a running server."""

    @property
    def cgroups(self) -> tuple[Path, ...]:
        """Folders of the groups that hold just this server's tree; empty without any."""

    def pids(self) -> list[int]:
        """Every live process of the tree, master first."""

    def workers(self) -> list[int]:
        """The live workers in order of birth."""

    def died(self) -> int:
        """Workers that have exited so far."""


def holding(server: Served) -> tuple[Path, ...]:
    """The server's cgroups that its master really sits in: only their counters speak of it."""
    masters = server.pids()[:1]
    return tuple(folder for folder in server.cgroups if masters and masters[0] in _inside(folder))


def with_zombies(pids: Sequence[int]) -> list[int]:
    """The processes and their children that ended but were not waited for: their time counts."""
    found = dict.fromkeys(pids)
    for pid in pids:
        found |= dict.fromkeys(_children(pid))
    return list(found)


def _inside(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _children(pid: int) -> Iterator[int]:
    """Children of any of its threads, where the kernel tells (CONFIG_PROC_CHILDREN)."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                yield from map(int, (task / "children").read_bytes().split())
