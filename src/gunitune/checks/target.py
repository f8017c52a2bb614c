"""Which machine a config is held against, and what of it was declared."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.machine.target import target as machine
from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.model import Host
    from gunitune.settings import Settings

# What a node shows when nobody said: a declared quota is mostly a slice of something large.
ASSUMED_CORES = 64
_DECLARES = {"cpus": "cpus", "cores": "cores_visible", "memory": "memory_bytes"}


@dataclass(frozen=True, slots=True)
class Target:
    """The machine; `declared` are those of its facts (`host.cpus`, …) that the user stated.

    What rests on other facts of the machine is no more than a note: the machine that checks a
    config is seldom the one that runs it.
    """

    host: Host
    declared: frozenset[str]
    cores_assumed: bool = False


def target(settings: Settings) -> Target:
    """The declared machine, else this one; undeclared cores beside declared CPUs are taken as many.

    Raises GunituneError where this machine must be looked at and can't be.
    """
    host = machine(settings)
    given = {fact for name, fact in _DECLARES.items() if settings.get(name) is not None}
    if settings.get("cores") is not None:
        given.add("cpus")
    if settings.get("platform") is not None:
        given |= {"platform", "container"}
    else:  # where CI runs says nothing of where Gunicorn will
        lost = Unknown("platform not declared: pass --platform")
        host = replace(host, platform=lost, platform_source=lost.reason, shm=lost)
    declared = frozenset(f"host.{name}" for name in given)
    if settings.get("cpus") is None or settings.get("cores") is not None:
        return Target(host, declared)
    cores = max(ASSUMED_CORES, math.ceil(host.cpus))
    source = "not declared, assumed: pass --cores N"
    assumed = replace(host, cores_visible=cores, cores_source=source)
    return Target(assumed, declared | {"host.cores_visible"}, cores_assumed=True)
