"""Apps as measuring describes them, for what is predicted from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gunitune.model import MIB, Interface, Unknown
from gunitune.trial import AppFacts, Estimate


def estimate(value: float) -> Estimate:
    return Estimate(value, value, value, "a test's")


def facts(
    cpu_ms: float = 4.0,
    wait_ms: float | Unknown = 40.0,
    *,
    interface: Interface = "wsgi",
    classes: tuple[str, ...] = ("sync", "gthread", "gevent"),
    **changes: Any,
) -> AppFacts:
    """An app that costs the same under each class: pure Python, all waiting overlaps."""
    found = AppFacts(
        interface=interface,
        cpu_ms={name: estimate(cpu_ms) for name in classes},
        wait_ms=wait_ms if isinstance(wait_ms, Unknown) else estimate(wait_ms),
        gil_share=estimate(1.0),
        overlap=estimate(1.0),
        boot_s=estimate(0.5),
        master_bytes=estimate(30 * MIB),
        worker_bytes=estimate(40 * MIB),
        shared_bytes=estimate(5 * MIB),
        preload_worker_bytes=estimate(10 * MIB),
        preload_shared_bytes=estimate(35 * MIB),
        thread_bytes=estimate(MIB),
    )
    numbers: dict[str, Any] = {
        name: estimate(value) if isinstance(value, (int, float)) else value
        for name, value in changes.items()
    }
    return replace(found, **numbers)


NOT_MEASURED = Unknown("the test did not measure it")
