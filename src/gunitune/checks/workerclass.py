"""Which worker classes the target's release of Gunicorn does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gunitune.catalog.stored import numbers, stored
from gunitune.catalog.suggest import slips
from gunitune.checks.look import Hit
from gunitune.model import Unknown
from gunitune.report import Edit, Fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.catalog import Catalog
    from gunitune.checks.look import Look
    from gunitune.conf.model import Assigned

_PACKAGE = "gunicorn.workers."
_EGG = "egg:gunicorn#"
# Module and class in gunicorn.workers -> the alias that stands for it.
_PATHS = {
    "sync.SyncWorker": "sync",
    "gthread.ThreadWorker": "gthread",
    "ggevent.GeventWorker": "gevent",
    "ggevent.GeventPyWSGIWorker": "gevent",
    "geventlet.EventletWorker": "eventlet",
    "gtornado.TornadoWorker": "tornado",
    "gasgi.ASGIWorker": "asgi",
    "gaiohttp.AiohttpWorker": "gaiohttp",
}
_UVICORN = ("uvicorn.workers", "uvicorn_worker")
_UVICORN_CLASSES = ("UvicornWorker", "UvicornH11Worker")
_MEANT = {
    "async": "gevent",
    "asyncio": "asgi",
    "greenlet": "gevent",
    "thread": "gthread",
    "threaded": "gthread",
    "threads": "gthread",
    "uvicorn": "uvicorn_worker.UvicornWorker",
    "uvicornworker": "uvicorn_worker.UvicornWorker",
    "uvicorn_worker": "uvicorn_worker.UvicornWorker",
    "wsgi": "sync",
}


@dataclass(frozen=True, slots=True)
class Lacking:
    """A class that the release does not have: `release` is the one that brings it, or drops it."""

    why: Literal["unknown", "new", "gone"]
    name: str
    release: str = ""
    meant: str = ""


def unknown_class(look: Look) -> Iterator[Hit]:
    """Aliases and paths into Gunicorn that no release has."""
    yield from _hits(look, "unknown")


def class_too_new(look: Look) -> Iterator[Hit]:
    """Aliases and paths into Gunicorn that only a later release has."""
    yield from _hits(look, "new")


def class_gone(look: Look) -> Iterator[Hit]:
    """Aliases and paths into Gunicorn that only earlier releases have."""
    yield from _hits(look, "gone")


def _hits(look: Look, why: str) -> Iterator[Hit]:
    written = look.settings.get("worker_class")
    asked = look.scope["conf.worker_class"]
    if written is None or isinstance(asked, Unknown) or not isinstance(asked, str):
        return
    found = lacking(asked, look.catalog)
    if found and found.why == why:
        facts = {
            "name": asked,
            "version": look.catalog.version,
            "release": found.release,
            "meant": found.meant,
            "do": f"write {found.meant!r}" if found.meant else "write " + _those(look.catalog),
        }
        yield Hit(written.span, "worker_class", facts, _fix(look, written, found))


def lacking(asked: str, known: Catalog) -> Lacking | None:
    """What is missing about a class; None where there is one, or where that can't be told."""
    if asked.startswith(_EGG):
        name = asked.removeprefix(_EGG)
        return Lacking("unknown", asked, meant=name if name in known.worker_classes else "")
    if asked.startswith(_PACKAGE):
        name = _PATHS.get(asked.removeprefix(_PACKAGE), "")
        meant = "" if name else _meant(asked.rpartition(".")[2].lower(), known)
    elif "." in asked or asked.startswith("egg:"):
        return _lacking_of_uvicorn(asked)
    else:
        name = asked.lstrip("#")
        meant = _meant(name.lower(), known)
    if name in known.worker_classes:
        return None
    since, gone = _life(name)
    if not since:
        return Lacking("unknown", asked, meant=meant)
    if numbers(since) > known.release:
        return Lacking("new", asked, since)
    return Lacking("gone", asked, gone)


def _lacking_of_uvicorn(asked: str) -> Lacking | None:
    """The same for a path of another package: of these only uvicorn's classes are known."""
    module, _, name = asked.rpartition(".")
    if module not in _UVICORN or name in _UVICORN_CLASSES:
        return None
    near = min(_UVICORN_CLASSES, key=lambda each: slips(name, each))
    return Lacking("unknown", asked, meant=f"{module}.{near}")


def _life(alias: str) -> tuple[str, str]:
    """The first release that has an alias, and the first after that without; "" for none."""
    since = gone = ""
    for version, aliases in stored()["workers"]:
        if alias in aliases:
            since, gone = since or version, ""
        elif since and not gone:
            gone = version
    return since, gone


def _meant(name: str, known: Catalog) -> str:
    """The alias that a misspelt one is near to, the only one that is as near; "" for none."""
    if name in known.worker_classes:
        return name
    if name in _MEANT:
        meant = _MEANT[name]
        return meant if "." in meant or meant in known.worker_classes else ""
    name = name.removesuffix("worker").removesuffix("_")
    near = sorted((slips(name, alias), alias) for alias in known.worker_classes)
    clear = near[0][0] <= 2 and near[0][0] < near[1][0]
    return near[0][1] if clear and len(name) > 3 else ""


def _those(known: Catalog) -> str:
    names = sorted(known.worker_classes - {"gevent_wsgi", "gevent_pywsgi"})
    return f"{', '.join(names[:-1])}, {names[-1]} or the path of a class"


def _fix(look: Look, written: Assigned, found: Lacking) -> Fix | None:
    """The right alias, where the class is written as a plain string."""
    from gunitune.checks.source import slice_of

    quoted = slice_of(look.conf, written.expression)
    if "." in found.meant or not found.meant or written.expression is None:
        return None
    if quoted not in (f"'{found.name}'", f'"{found.name}"'):
        return None
    text = f"{quoted[0]}{found.meant}{quoted[0]}"
    return Fix(f"set worker_class to {found.meant}", (Edit(written.expression, text),))
