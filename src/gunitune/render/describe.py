"""Sentences that every format shares: the machine, the app, the release, each with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Evidence, Unknown
from gunitune.render.layout import plain
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from gunitune.model import App, Capacity, Host, Installed, Recommendation

__all__ = [
    "app",
    "capacity",
    "cpus",
    "evidence",
    "gunicorn",
    "machine",
    "memory",
    "plain",
    "start",
    "steps",
]

KINDS = {
    "io": "I/O-bound: requests mostly wait",
    "cpu": "CPU-bound: requests mostly compute",
    "memory": "memory-bound: the app itself is large",
    "unknown": "kind unknown",
}


def cpus(host: Host) -> str:
    """`2 CPUs`."""
    return f"{format_number(host.cpus)} CPU{'' if host.cpus == 1 else 's'}"


def memory(host: Host) -> str:
    """`1 GiB memory`, or that it is unknown."""
    if isinstance(host.memory_bytes, Unknown):
        return "memory unknown"
    return f"{format_size(host.memory_bytes)} memory"


def machine(host: Host) -> list[str]:
    """The machine in a few lines, each number with its source."""
    lines = [f"{cpus(host)} ({host.cpus_source})"]
    if isinstance(host.memory_bytes, Unknown):
        lines.append(f"memory unknown: {host.memory_bytes.reason}")
    else:
        lines.append(f"{memory(host)} ({host.memory_source})")
    if host.origin == "this machine":
        lines.append(
            "this machine: if it is your laptop, declare the target: --cpus 2 --memory 1GiB"
        )
    else:
        lines.append(host.origin)
    return [plain(line) for line in lines]


def app(found: App) -> list[str]:
    """The app in two lines: what it is, and of which kind."""
    interface = "interface unknown, taken as WSGI"
    if not isinstance(found.interface, Unknown):
        interface = found.interface.upper()
    spec = "" if isinstance(found.spec, Unknown) else f" {found.spec}"
    basis = {"asked": "as you said", "measured": "measured"}.get(
        found.kind_basis, f"inferred, {found.confidence} confidence"
    )
    return [
        plain(f"{found.framework or 'app'}{spec} ({interface})"),
        KINDS[found.kind] + ("" if found.kind == "unknown" else f" ({basis})"),
    ]


def evidence(item: Evidence) -> str:
    """`requests.get in index() waits …  app.py:12`."""
    place = f"{item.path}:{item.line}" if item.line else item.path
    return plain(f"{item.text} ({place})")


def gunicorn(installed: Installed) -> str:
    """`Gunicorn 25.3.0 (requirements.txt:3)`, or what its absence means."""
    if isinstance(installed.gunicorn, Unknown):
        return "Gunicorn's release unknown: advice keeps to what is safe from 20.1 to the newest"
    return plain(f"Gunicorn {installed.gunicorn} ({installed.gunicorn_source})")


def capacity(carried: Capacity) -> list[str]:
    """Requests in flight and memory, in two lines."""
    if isinstance(carried.in_flight, Unknown):
        flight = f"requests in flight: no bound on those that await ({carried.in_flight.reason})"
    else:
        flight = f"{carried.in_flight} request{'' if carried.in_flight == 1 else 's'} in flight"
    if isinstance(carried.memory_bytes, Unknown):
        return [flight]
    return [flight, f"about {format_size(carried.memory_bytes)} memory ({carried.memory_source})"]


def start(found: App) -> str:
    """The command that starts Gunicorn with an emitted file."""
    spec = "MODULE:APP" if isinstance(found.spec, Unknown) else _quoted(found.spec)
    options = "".join(f" {_quoted(option)}" for option in found.start_options)
    return f"gunicorn -c gunicorn.conf.py{options} {spec}"


def steps(advice: Recommendation) -> str:
    """The commands that write the advice to a file, and start Gunicorn with it."""
    path = [] if advice.app.path == "." else [advice.app.path]
    words = [_quoted(word) for word in ("gunitune", "emit", *path, *advice.flags)]
    return f"{' '.join(words)} > gunicorn.conf.py, then {start(advice.app)}"


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(plain(text))
