"""Which machine the advice is for: the declared one, or this one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.model import Host, Unknown

if TYPE_CHECKING:
    from gunitune.settings import Settings

TARGET = ("cpus", "memory", "cores", "platform")


def target(settings: Settings) -> Host:
    """The machine to advise for.

    Declaring CPUs or memory declares another machine: nothing of this one is mixed in, save the
    CPUs where only the memory or platform is declared, and the output says so.
    """
    given = [name for name in TARGET if settings.get(name) is not None]
    if not given:
        from gunitune.machine.probe import probe

        return probe()
    cpus, cpus_source = _cpus(settings)
    cores, cores_source = _cores(settings, cpus)
    return Host(
        cpus=cpus,
        cpus_source=cpus_source,
        cores_visible=cores,
        cores_source=cores_source,
        memory_bytes=settings.get("memory", Unknown("memory not declared: pass --memory")),
        memory_source=_source(settings, "memory"),
        platform=settings.get("platform", Unknown("platform not declared: pass --platform")),
        platform_source=_source(settings, "platform"),
        origin="declared target",
        shm=Unknown("declared target: can't be looked at"),
        pids_max=Unknown("declared target: can't be looked at"),
    )


def _cpus(settings: Settings) -> tuple[float, str]:
    if settings.get("cpus") is not None:
        return settings.get("cpus"), settings.source("cpus")
    if settings.get("cores") is not None:
        return float(settings.get("cores")), settings.source("cores")
    from gunitune.machine.probe import probe

    here = probe()
    return here.cpus, f"not declared, this machine's: {here.cpus_source}"


def _cores(settings: Settings, cpus: float) -> tuple[int, str]:
    if settings.get("cores") is not None:
        return settings.get("cores"), settings.source("cores")
    return math.ceil(cpus), "not declared, taken as the CPUs: pass --cores where a node shows more"


def _source(settings: Settings, name: str) -> str:
    return settings.source(name) if settings.get(name) is not None else f"not declared (--{name})"
