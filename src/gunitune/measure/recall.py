"""What a stored measurement tells of the app, where it still holds."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.errors import ProjectError
from gunitune.measure.fingerprint import fingerprint
from gunitune.measure.kind import judge, plain_cpu
from gunitune.measure.store import AGAIN, FILE, FOLDER, load
from gunitune.model import Evidence, Quantity, Unknown
from gunitune.trial import UVICORN

if TYPE_CHECKING:
    from pathlib import Path

    from gunitune.measure.profile import Profile
    from gunitune.model import App, Host
    from gunitune.trial import Estimate


def recall(app: App, folder: Path, host: Host, memory_share: float) -> App:
    """The app with what was measured of it, as long as its code and dependencies are the same.

    A file that can't be used is a warning of the app's, a measurement of the past one of its notes.
    """
    try:
        profile = load(folder)
    except ProjectError as error:
        return replace(app, warnings=(*app.warnings, str(error)))
    if profile is None:
        return app
    if reason := past(profile, app, folder):
        return replace(app, notes=(*app.notes, reason))
    return _measured(app, profile, host, memory_share)


def past(profile: Profile, app: App, folder: Path) -> str:
    """Why the measurement speaks of another app; "" where it is this one."""
    if not isinstance(app.spec, Unknown) and app.spec != profile.spec:
        return f"{profile.source}, but {profile.spec}, not {app.spec}: run gunitune measure"
    if not isinstance(app.interface, Unknown) and app.interface != profile.interface:
        return f"{profile.source} as {profile.interface.upper()}, which it is no longer: {AGAIN}"
    changed = profile.fingerprint.changed(fingerprint(folder, os.environ))
    return f"{profile.source}, but {changed} changed since: {AGAIN}" if changed else ""


def _measured(app: App, profile: Profile, host: Host, memory_share: float) -> App:
    facts, source = profile.facts, profile.source

    def quantity(found: Estimate | Unknown) -> Quantity | Unknown:
        if isinstance(found, Unknown):
            return found
        return Quantity(found.value, "measured", source)

    missing = Unknown("not measured")
    app = replace(
        app,
        worker_memory_bytes=quantity(facts.worker_bytes),
        shared_memory_bytes=quantity(facts.shared_bytes),
        thread_memory_bytes=quantity(facts.thread_bytes),
        master_memory_bytes=quantity(facts.master_bytes),
        preload_worker_memory_bytes=quantity(facts.preload_worker_bytes),
        preload_shared_memory_bytes=quantity(facts.preload_shared_bytes),
        cpu_ms=quantity(plain_cpu(facts)),
        gthread_cpu_ms=quantity(facts.cpu_ms.get("gthread", missing)),
        gevent_cpu_ms=quantity(facts.cpu_ms.get("gevent", missing)),
        asgi_cpu_ms=quantity(facts.cpu_ms.get("asgi", missing)),
        uvicorn_cpu_ms=quantity(facts.cpu_ms.get(UVICORN, missing)),
        wait_ms=quantity(facts.wait_ms),
        gil_share=quantity(facts.gil_share),
        overlap=quantity(facts.overlap),
        serial_ms=quantity(facts.serial_ms),
        boot_s=quantity(facts.boot_s),
        notes=(*app.notes, *(f"measuring: {note}" for note in facts.notes)),
    )
    return _of_kind(app, profile, host, memory_share)


def _of_kind(app: App, profile: Profile, host: Host, memory_share: float) -> App:
    """The app with the kind that its numbers make it on this machine, unless one was asked for."""
    judged = judge(profile.facts, host, memory_share)
    if judged.kind == "unknown":
        return app
    said = Evidence(judged.kind, 100.0, f"{profile.source}: {judged.why}", f"{FOLDER}/{FILE}", 0)
    app = replace(app, evidence=(said, *app.evidence))
    if app.kind_basis == "asked":
        return app
    return replace(app, kind=judged.kind, kind_basis="measured", confidence=judged.confidence)
