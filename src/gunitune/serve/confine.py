"""Keeps the server within limits that are smaller than this machine, by what the machine allows."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.serve.cgroup_make import drop_groups, make_groups
from gunitune.serve.cores import split_cores
from gunitune.serve.scope import Scope, scope
from gunitune.serve.wanted import wanted
from gunitune.serve.wording import confined

__all__ = ["Confinement", "confine", "split_cores"]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gunitune.serve.cgroup_make import Made
    from gunitune.serve.wanted import Wanted
    from gunitune.trial import Limits


@dataclass(frozen=True, slots=True)
class Confinement:
    """How the server's first process is to start, and what then holds its whole tree.

    The process writes its pid to the `cgroup.procs` of each of `cgroups`, takes `cores` as its
    affinity (empty: any), and becomes `prefix` and its command. `scope` is the folder of the group
    that `prefix` makes and removes. `how` says it in words; empty where nothing was asked.
    """

    how: str = ""
    cgroups: tuple[Path, ...] = ()
    cores: frozenset[int] = frozenset()
    prefix: tuple[str, ...] = ()
    scope: Path | None = None

    @property
    def groups(self) -> tuple[Path, ...]:
        """Folders of the groups that hold the server, and nothing else, once it runs."""
        return self.cgroups if self.scope is None else (*self.cgroups, self.scope)


@contextmanager
def confine(limits: Limits) -> Iterator[Confinement]:
    """Prepare what enforces the limits, and remove it with all that is left inside.

    Cgroups of our own where they can be made, else a scope of systemd's, else affinity for whole
    CPUs; what can't be enforced is said. Without limits, groups are made to count what is used.
    """
    wish = wanted(limits)
    name = f"gunitune-{os.getpid()}-{secrets.token_hex(4)}"
    with ExitStack() as cleanup:
        made = make_groups(wish, name, cleanup)
        found = scope(wish, name) if made.failed else ""
        if isinstance(found, Scope):
            drop_groups(made)
            yield _by_scope(wish, found)
        else:
            yield _by_groups(wish, made, found)


def _by_scope(wish: Wanted, found: Scope) -> Confinement:
    by = dict.fromkeys(wish.limited, "systemd scope")
    how = confined(wish, by, (), wish.cores)
    return Confinement(how, (), wish.cores, found.prefix, found.folder)


def _by_groups(wish: Wanted, made: Made, no_scope: str) -> Confinement:
    """With our own groups, and affinity for the CPUs where no quota could be set."""
    pinned = "cpu" in made.failed
    cores = wish.cores_enough if pinned else wish.cores
    whole = pinned and wish.cpus is not None and len(cores) <= wish.cpus
    unmet = [what for what in wish.limited if what in made.failed and not (whole and what == "cpu")]
    reason = "; ".join([*dict.fromkeys(made.failed[what] for what in unmet), no_scope])
    by = {what: f"cgroup v{version}" for what, version in made.enforced.items()}
    how = confined(wish, by, unmet, cores, pinned=pinned, reason=reason)
    return Confinement(how, tuple(made.folders), cores)
