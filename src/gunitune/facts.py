"""What a rule may know: dotted names for host, app, goal and release, and the settings so far."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from gunitune.data import rules_dir
from gunitune.errors import GunituneError
from gunitune.model import GIB, MIB, App, Goal, Host, Installed, Quantity, Unknown
from gunitune.units import release

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a worker is taken to need where nothing is measured or declared.
ASSUMED_WORKER_BYTES = 100 * MIB
# A Gunicorn master without the app: 26 MiB resident (benchmarks/gunicorn_memory.py) and room.
MASTER_BYTES = 30 * MIB
# What a further thread of a gthread worker adds: 31 KiB (benchmarks/gunicorn_memory.py).
ASSUMED_THREAD_BYTES = MIB // 32

MOST_IN_FLIGHT = 10_000_000

# The case that every rule's examples start from: 2 CPUs, 4 GiB, a WSGI app of unknown kind.
SAMPLE_HOST = Host(2.0, "sample", 2, "sample", 4 * GIB, "sample", "bare", "sample")
SAMPLE_APP = App(
    ".",
    "unknown",
    "low",
    "heuristic",
    "wsgi",
    "flask",
    "app:app",
    worker_memory_bytes=Quantity(ASSUMED_WORKER_BYTES, "assumed", "assumed: 100 MiB per worker"),
)
SAMPLE_INSTALLED = Installed("3.12.0", "sample", "25.3.0", "sample")

CONTAINERS = ("kubernetes", "docker", "podman", "cloud-run", "ecs", "heroku", "container", "lxc")


@cache
def known_settings() -> Mapping[str, Mapping[str, Any]]:
    """Every Gunicorn setting of any release: its flag, type, first release, first without it."""
    path = rules_dir() / "gunicorn" / "settings.json"
    settings: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return settings


def fact_names() -> frozenset[str]:
    """Every name that an expression in a rule may read."""
    return frozenset(facts(SAMPLE_HOST, SAMPLE_APP, Goal(), SAMPLE_INSTALLED))


def facts(host: Host, app: App, goal: Goal, installed: Installed) -> dict[str, Any]:
    """The scope that rules are evaluated in; every value is plain or `Unknown`."""
    scope: dict[str, Any] = {f"set.{name}": None for name in known_settings()}
    scope |= {f"host.{name}": value for name, value in _host(host).items()}
    scope |= {f"app.{name}": value for name, value in _app(app).items()}
    scope |= {f"goal.{name}": value for name, value in _goal(goal).items()}
    scope["fired"] = ()
    scope["gunicorn.release"] = _release(installed.gunicorn)
    scope["gunicorn.least"] = _least(scope["gunicorn.release"], app)
    scope["python.release"] = _release(installed.python)
    packages = installed.packages
    scope["gunicorn.packages"] = packages if isinstance(packages, Unknown) else sorted(packages)
    return scope


def worker_memory(app: App) -> Quantity:
    """Memory that one worker needs: measured or declared, else assumed and said to be.

    Without a measurement it is 100 MiB, and more only where a library in use is known to take more
    when imported (the largest of them counts: they share what they import).
    """
    if isinstance(app.worker_memory_bytes, Quantity):
        return app.worker_memory_bytes
    from gunitune.project.libraries import load_libraries

    names = app.libraries if isinstance(app.loaded, Unknown) else app.loaded
    known = [load_libraries().by_distribution(name) for name in names]
    sized = [(item.memory_bytes or 0, item.name) for item in known if item is not None]
    most, name = max(sized, default=(0, ""))
    if most < ASSUMED_WORKER_BYTES // 2:
        return Quantity(ASSUMED_WORKER_BYTES, "assumed", "assumed: 100 MiB per worker")
    text = f"assumed: 100 MiB per worker and {most // MIB} MiB that importing {name} takes"
    return Quantity(ASSUMED_WORKER_BYTES + most, "assumed", text)


def _host(host: Host) -> dict[str, Any]:
    known = not isinstance(host.platform, Unknown)
    return {
        "cpus": host.cpus,
        "cores_visible": host.cores_visible,
        "nproc": nproc(host),
        "memory_bytes": host.memory_bytes,
        "platform": host.platform,
        "shm": host.shm,
        "pids_max": host.pids_max,
        "container": host.platform in CONTAINERS if known else host.platform,
    }


def nproc(host: Host) -> int | Unknown:
    """What `nproc` shows there: the affinity, where that is known, which sees no quota."""
    shown = [fact.value for fact in host.limits if fact.name == "affinity"]
    cores = host.cores_visible
    return min([cores, *(int(value) for value in shown)]) if isinstance(cores, int) else cores


def _app(app: App) -> dict[str, Any]:
    from gunitune.project.dependencies import Dependencies

    memory = worker_memory(app)
    return {
        "kind": app.kind,
        "confidence": app.confidence,
        "asgi": app.interface == "asgi",
        "interface_known": not isinstance(app.interface, Unknown),
        "framework": app.framework or "",
        "spec": app.spec,
        "dependencies": tuple(sorted(Dependencies(app.dependencies).names)),
        "imports": tuple(sorted(app.imports)),
        "libraries": app.libraries,
        "databases": app.databases,
        "gevent_blockers": app.gevent_blockers,
        "blocking": app.blocking,
        "worker_memory": int(memory.value),
        "worker_memory_basis": memory.basis,
        "worker_memory_source": memory.source,
        "shared_memory": _amount(app.shared_memory_bytes, 0),
        "thread_memory": _amount(app.thread_memory_bytes, ASSUMED_THREAD_BYTES),
        "master_memory": _amount(app.master_memory_bytes, MASTER_BYTES),
        "preload_worker_memory": _number(app.preload_worker_memory_bytes),
        "preload_shared_memory": _number(app.preload_shared_memory_bytes),
        "kind_basis": app.kind_basis,
        "cpu_ms": _number(app.cpu_ms),
        "gthread_cpu_ms": _number(app.gthread_cpu_ms),
        "gevent_cpu_ms": _number(app.gevent_cpu_ms),
        "asgi_cpu_ms": _number(app.asgi_cpu_ms),
        "uvicorn_cpu_ms": _number(app.uvicorn_cpu_ms),
        "wait_ms": _number(app.wait_ms),
        "gil_share": _number(app.gil_share),
        "overlap": _number(app.overlap),
        "serial_ms": _number(app.serial_ms),
        "boot_s": _number(app.boot_s),
    }


def _goal(goal: Goal) -> dict[str, Any]:
    return {
        "in_flight": in_flight(goal),
        "rps": goal.rps,
        "latency_s": goal.latency_s,
        "memory_share": goal.memory_share,
        "replicas": goal.replicas,
        "db_connections": goal.db_connections,
        "worker_class": goal.worker_class,
        "leaks": goal.leaks,
    }


def in_flight(goal: Goal) -> int | Unknown:
    """Requests to hold at once: what was asked, else rate times latency (Little's law)."""
    if not isinstance(goal.concurrency, Unknown):
        return goal.concurrency
    if isinstance(goal.rps, Unknown) or isinstance(goal.latency_s, Unknown):
        return goal.concurrency
    return min(MOST_IN_FLIGHT, max(1, math.ceil(round(goal.rps * goal.latency_s, 9))))


def _amount(quantity: Quantity | Unknown, otherwise: int) -> int:
    return otherwise if isinstance(quantity, Unknown) else int(quantity.value)


def _number(quantity: Quantity | Unknown) -> float | Unknown:
    return quantity if isinstance(quantity, Unknown) else quantity.value


def _least(known: tuple[int, ...] | Unknown, app: App) -> tuple[int, ...] | Unknown:
    """The oldest release that can come to run the app: the known one, else the declared minimum."""
    from gunitune.project.dependencies import Dependencies

    minimum = Dependencies(app.dependencies).minimum("gunicorn")
    return known if minimum is None or not isinstance(known, Unknown) else _release(minimum.version)


def _release(version: str | Unknown) -> tuple[int, ...] | Unknown:
    if isinstance(version, Unknown):
        return version
    try:
        return release(version)
    except GunituneError as error:
        return Unknown(str(error))
