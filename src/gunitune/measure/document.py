"""How a measurement is written down: schema gunitune/measure/1 (docs/schemas/measure-1.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.measure.kind import plain_cpu
from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.measure.profile import Profile
    from gunitune.trial import AppFacts, Estimate

SCHEMA = "gunitune/measure/1"
# The name of a number in the document, and the field of AppFacts that holds it.
NUMBERS = {
    "wait_ms": "wait_ms",
    "gil_share": "gil_share",
    "overlap": "overlap",
    "serial_ms": "serial_ms",
    "worker_serial_ms": "worker_serial_ms",
    "boot_s": "boot_s",
    "master_memory_bytes": "master_bytes",
    "worker_memory_bytes": "worker_bytes",
    "shared_memory_bytes": "shared_bytes",
    "preload_worker_memory_bytes": "preload_worker_bytes",
    "preload_shared_memory_bytes": "preload_shared_bytes",
    "thread_memory_bytes": "thread_bytes",
}


def document(profile: Profile) -> dict[str, Any]:
    """The document; keys may be added within a version, never changed or dropped.

    Each number stands at the top, null where it could not be told, and with its interval and
    source, or the reason, below `numbers`.
    """
    facts = profile.facts
    found: dict[str, Estimate | Unknown] = {"cpu_ms": plain_cpu(facts)}
    found |= numbers_of(facts)
    return {
        "schema": SCHEMA,
        "gunitune": profile.gunitune,
        "date": profile.date,
        "app": _app(profile),
        "host": {
            "cpus": profile.cpus,
            "cpus_source": profile.cpus_source,
            "memory_bytes": _value(profile.memory_bytes),
            "confined": profile.confined,
        },
        "gunicorn": _value(profile.gunicorn),
        "python": _value(profile.python),
        "load": {
            "requests": list(profile.requests),
            "keep_alive": profile.keep_alive,
            "concurrency": profile.concurrency,
        },
        **{name: _plain(name, number) for name, number in found.items()},
        "cpu_ms_by_class": {name: _number(item) for name, item in facts.cpu_ms.items()},
        "lone_cpu_ms_by_class": {name: _number(item) for name, item in facts.lone_cpu_ms.items()},
        "numbers": {name: _number(number) for name, number in found.items()},
        "generator_ms": facts.generator_ms,
        "notes": list(facts.notes),
        "spent_s": round(profile.spent_s, 1),
        "fingerprint": {
            "code": profile.fingerprint.code,
            "packages": profile.fingerprint.packages,
            "place": profile.fingerprint.place,
        },
    }


def _app(profile: Profile) -> dict[str, Any]:
    return {
        "app": profile.spec,
        "interface": profile.interface,
        "framework": profile.framework,
        "kind": profile.judged.kind,
        "confidence": profile.judged.confidence,
        "why": profile.judged.why,
    }


def _plain(name: str, number: Estimate | Unknown) -> float | int | None:
    if isinstance(number, Unknown):
        return None
    return round(number.value) if name.endswith("_bytes") else number.value


def _number(number: Estimate | Unknown) -> dict[str, Any]:
    """Value, interval, count and source; or why there is none."""
    if isinstance(number, Unknown):
        return {"unknown": number.reason}
    return {
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "n": number.n,
        "source": number.source,
    }


def _value(item: Any) -> Any:
    return None if isinstance(item, Unknown) else item


def numbers_of(facts: AppFacts) -> dict[str, Estimate | Unknown]:
    """Every number but the CPU times by class, by its name in the document."""
    return {name: getattr(facts, field) for name, field in NUMBERS.items()}
