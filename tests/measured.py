"""Measurements as `gunitune measure` stores them: test support."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gunitune.measure.fingerprint import Fingerprint, fingerprint
from gunitune.measure.kind import Judged
from gunitune.measure.profile import Profile
from gunitune.measure.store import save
from gunitune.model import MIB, Unknown
from gunitune.trial import AppFacts, Estimate

if TYPE_CHECKING:
    from pathlib import Path

MISSING = Unknown("not measured")


def number(value: float, share: float = 0.05) -> Estimate:
    """A number known to a share of itself, from three blocks."""
    return Estimate(value, value * (1 - share), value * (1 + share), "three blocks", 3)


def app_facts(**changes: Any) -> AppFacts:
    """4 ms of computing and 40 of waiting that greenlets overlap; a worker of 30 MiB."""
    facts = AppFacts(
        interface="wsgi",
        cpu_ms={"sync": number(4.0), "gthread": number(4.4), "gevent": number(4.2)},
        wait_ms=number(40.0),
        gil_share=number(0.95),
        overlap=number(0.99),
        boot_s=number(0.5),
        master_bytes=number(20.0 * MIB),
        worker_bytes=number(30.0 * MIB),
        shared_bytes=number(10.0 * MIB),
        preload_worker_bytes=number(8.0 * MIB),
        preload_shared_bytes=number(25.0 * MIB),
        thread_bytes=number(65_536.0),
    )
    return replace(facts, **changes)


def profile(**changes: Any) -> Profile:
    """A whole measurement, of no project in particular."""
    made = Profile(
        facts=app_facts(),
        judged=Judged("io", "high", "a request waits 91 % of its time"),
        spec="app:app",
        interface="wsgi",
        framework="flask",
        date="2026-11-22T14:03:10+00:00",
        gunicorn="27.0.1",
        python="3.12.1",
        cpus=2.0,
        cpus_source="affinity",
        memory_bytes=4096 * MIB,
        confined="",
        requests=("GET /",),
        keep_alive=True,
        fingerprint=Fingerprint("ab12"),
        gunitune="0.1.0",
        spent_s=58.2,
    )
    return replace(made, **changes)


def measured(folder: Path, **changes: Any) -> Path:
    """Store a measurement of the project in the folder as it is now."""
    now = fingerprint(folder, os.environ)
    return save(profile(**{"fingerprint": now, **changes}), folder)
