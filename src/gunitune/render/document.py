"""What JSON documents share: the host, and `Unknown` as null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.model import Fact, Host


def value(item: Any) -> Any:
    """A plain value; null for `Unknown`, whose reason stands beside it."""
    return None if isinstance(item, Unknown) else item


def host(found: Host) -> dict[str, Any]:
    """The machine, each number with its source; a null's source says why it is unknown."""
    return {
        "cpus": found.cpus,
        "cpus_source": found.cpus_source,
        "cores_visible": value(found.cores_visible),
        "cores_source": found.cores_source,
        "memory_bytes": value(found.memory_bytes),
        "memory_source": found.memory_source,
        "platform": value(found.platform),
        "platform_source": found.platform_source,
        "origin": found.origin,
        "shm": value(found.shm),
        "pids_max": value(found.pids_max),
        "limits": [fact(item) for item in found.limits],
        "facts": [fact(item) for item in found.facts],
    }


def fact(item: Fact) -> dict[str, Any]:
    """One reading."""
    return {"name": item.name, "value": item.value, "unit": item.unit, "source": item.source}
