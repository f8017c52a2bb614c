"""Which choice the project's own config makes today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.catalog import catalog, newest, setting_names
from gunitune.conf.machine import Machine
from gunitune.conf.read import read_conf
from gunitune.model import Unknown
from gunitune.trial import DEFAULT_CONNECTIONS, THREADED, Choice

if TYPE_CHECKING:
    from gunitune.model import Host, Installed
    from gunitune.trial import Launch

# On trial, and so what a current config is compared by.
TRIED = ("worker_class", "workers", "threads", "worker_connections", "preload_app")
_EGG = "egg:gunicorn#"


def current(launch: Launch, host: Host, installed: Installed) -> Choice | Unknown:
    """What the config comes to on this machine and in this environment, read and never run."""
    if launch.conf is None:
        return Unknown("the project has no Gunicorn config of its own")
    cores = host.cores_visible
    machine = Machine(cores, cores, launch.environ, launch.folder)
    conf = read_conf(launch.conf, launch.conf.name, machine, names=setting_names())
    if conf.faults:
        return Unknown(f"{launch.conf.name}: {conf.faults[0].message}")
    known = catalog(newest() if isinstance(installed.gunicorn, Unknown) else installed.gunicorn)
    found: dict[str, Any] = {}
    for name in TRIED:
        written = conf.settings.get(name)
        value = (
            known.convert(name, written.value) if written else known.default(name, machine.environ)
        )
        if isinstance(value, Unknown):
            return Unknown(f"{launch.conf.name}: {name}: {value.reason}")
        found[name] = value
    return _choice(found)


def _choice(found: dict[str, Any]) -> Choice:
    kind = str(found["worker_class"]).removeprefix(_EGG)
    if kind == "sync" and found["threads"] > 1:
        kind = THREADED
    connections = found["worker_connections"]
    return Choice(
        worker_class=kind,
        workers=found["workers"],
        threads=found["threads"] if kind == THREADED else 1,
        worker_connections=None if connections == DEFAULT_CONNECTIONS else connections,
        extra=(("preload_app", True),) if found["preload_app"] else (),
    )
