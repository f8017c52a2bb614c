"""What settings come to when Gunicorn starts with them: the class in use, its threads, memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Scope = Mapping[str, Any]

_ALIASES = {
    "sync": "sync",
    "gthread": "gthread",
    "gevent": "gevent",
    "gevent_wsgi": "gevent",
    "gevent_pywsgi": "gevent",
    "eventlet": "eventlet",
    "tornado": "tornado",
    "asgi": "asgi",
}
_PATHS = {
    "gunicorn.workers.sync.": "sync",
    "gunicorn.workers.gthread.": "gthread",
    "gunicorn.workers.ggevent.": "gevent",
    "gunicorn.workers.geventlet.": "eventlet",
    "gunicorn.workers.gtornado.": "tornado",
    "gunicorn.workers.gasgi.": "asgi",
    "uvicorn.workers.": "uvicorn",
    "uvicorn_worker.": "uvicorn",
}
_LOOPBACK = re.compile(r"(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]|::1)(?::\d*)?")


def _worker_class(scope: Scope) -> Any:
    """The class that runs: Gunicorn takes gthread where sync is asked for with threads."""
    asked = scope["conf.worker_class"]
    if isinstance(asked, Unknown):
        return asked
    name = str(asked).removeprefix("egg:gunicorn#")
    found = _ALIASES.get(name) or next(
        (word for start, word in _PATHS.items() if name.startswith(start)), "other"
    )
    if found != "sync":
        return found
    threads = scope["conf.threads"]
    if isinstance(threads, Unknown):
        return threads
    return "gthread" if threads > 1 else "sync"


def _threads(scope: Scope) -> Any:
    found = scope["effective.worker_class"]
    if isinstance(found, Unknown):
        return found
    if found == "other":
        return Unknown("an own worker class may use threads or not")
    return scope["conf.threads"] if found == "gthread" else 1


def _workers(scope: Scope) -> Any:
    return scope["conf.workers"]


def _memory(scope: Scope) -> Any:
    """Master, shared, and workers with their threads: bytes."""
    names = ("effective.workers", "effective.threads", "app.worker_memory", "app.thread_memory")
    values = [scope[name] for name in (*names, "app.master_memory", "app.shared_memory")]
    for value in values:
        if isinstance(value, Unknown):
            return value
    workers, threads, worker, thread, master, shared = values
    worker, shared = _preloaded(scope) or (worker, shared)
    return master + shared + workers * (worker + (max(threads, 1) - 1) * thread)


def _preloaded(scope: Scope) -> tuple[float, float] | None:
    """A worker's own memory and the shared where the app is preloaded and was measured so."""
    if scope["conf.preload_app"] is not True or scope["app.worker_memory_basis"] != "measured":
        return None
    own, shared = scope["app.preload_worker_memory"], scope["app.preload_shared_memory"]
    if isinstance(own, Unknown) or isinstance(shared, Unknown):
        return None
    return own, shared


def _in_flight(scope: Scope) -> Any:
    """Requests that can be worked on at once."""
    found, workers = scope["effective.worker_class"], scope["effective.workers"]
    for value in (found, workers):
        if isinstance(value, Unknown):
            return value
    if found == "sync":
        return workers
    each: Any = Unknown(f"{found} takes every connection")
    if found == "gthread":
        each = scope["effective.threads"]
    elif found in ("gevent", "eventlet"):
        each = scope["conf.worker_connections"]
    return each if isinstance(each, Unknown) else workers * each


def _tls(scope: Scope) -> Any:
    found = scope["conf.certfile"] or scope["conf.keyfile"]
    return found if isinstance(found, Unknown) else bool(found)


def _bind_public(scope: Scope) -> Any:
    return _any_bind(scope, lambda bind: not _is_unix(bind) and not _is_loopback(bind))


def _bind_unix(scope: Scope) -> Any:
    return _any_bind(scope, _is_unix)


def _any_bind(scope: Scope, holds: Callable[[str], bool]) -> Any:
    binds = scope["conf.bind"]
    if isinstance(binds, Unknown):
        return binds
    from gunitune.checks.bind import fault_of

    texts = [bind.strip() for bind in binds if isinstance(bind, str)]
    if wrong := next((text for text in texts if fault_of(text)), None):
        return Unknown(f"Gunicorn can't listen on {wrong}")
    return any(holds(text) for text in texts)


def _is_unix(bind: str) -> bool:
    return bind.startswith(("unix:", "fd://"))


def _is_loopback(bind: str) -> bool:
    return _LOOPBACK.fullmatch(bind.removeprefix("tcp://")) is not None


def _reuses(scope: Scope) -> Any:
    """Whether the class keeps a connection open for further requests."""
    found = scope["effective.worker_class"]
    if isinstance(found, Unknown) or found == "other":
        return found if isinstance(found, Unknown) else Unknown("an own worker class")
    return found != "sync"


FACTS: dict[str, Callable[[Scope], Any]] = {
    "bind_public": _bind_public,
    "bind_unix": _bind_unix,
    "in_flight": _in_flight,
    "memory_bytes": _memory,
    "reuses": _reuses,
    "threads": _threads,
    "tls": _tls,
    "worker_class": _worker_class,
    "workers": _workers,
}
