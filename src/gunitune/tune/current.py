"""Which choice the project's own config makes today."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from gunitune.catalog import catalog, newest, setting_names
from gunitune.conf.machine import Machine
from gunitune.conf.read import read_conf
from gunitune.model import Unknown
from gunitune.trial import DEFAULT_CONNECTIONS, THREADED, Choice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunitune.catalog import Catalog
    from gunitune.model import Host, Installed
    from gunitune.trial import Launch

# On trial, and so what a current config is compared by.
TRIED = ("worker_class", "workers", "threads", "worker_connections", "preload_app")
DEFAULT_CONF = "gunicorn.conf.py"
WORKERS = "WEB_CONCURRENCY"  # the number of them where nothing else says it
_EGG = "egg:gunicorn#"


def current(launch: Launch, host: Host, installed: Installed) -> Choice | Unknown:
    """What config and environment come to on this machine, read and never run.

    GUNICORN_CMD_ARGS beats the file, as it does for Gunicorn.
    """
    known = catalog(newest() if isinstance(installed.gunicorn, Unknown) else installed.gunicorn)
    given = _given(known, launch.environ)
    if launch.conf is None and not given and WORKERS not in launch.environ:
        return Unknown("the project has no Gunicorn config of its own")
    cores = host.cores_visible
    machine = Machine(cores, cores, launch.environ, launch.folder)
    conf = _conf(launch, given.pop("config", None))
    if isinstance(conf, Unknown):
        return conf
    written = _written(conf, machine)
    if isinstance(written, Unknown):
        return written
    found: dict[str, Any] = {}
    for name in TRIED:
        value = written.get(name)
        where = f"{conf.name}: " if conf else ""
        if name in given:
            value, where = given[name], "GUNICORN_CMD_ARGS: "
        value = (
            known.default(name, machine.environ) if value is None else known.convert(name, value)
        )
        if isinstance(value, Unknown):
            return Unknown(f"{where}{name}: {value.reason}")
        found[name] = value
    return _choice(found)


def _conf(launch: Launch, given: str | None) -> Path | Unknown | None:
    """The config file: one that was named, else GUNICORN_CMD_ARGS' own, else the project's."""
    found = launch.conf
    if given is None or (found is not None and found != launch.folder / DEFAULT_CONF):
        return found
    if given.startswith("python:"):
        return Unknown(f"GUNICORN_CMD_ARGS: {given} is a module")
    path = launch.folder / given.removeprefix("file:")
    return path if path.is_file() else Unknown(f"GUNICORN_CMD_ARGS: {given} is no file")


def _written(path: Path | None, machine: Machine) -> dict[str, Any] | Unknown:
    """What the file sets of what is tried; nothing where there is no file."""
    if path is None:
        return {}
    conf = read_conf(path, path.name, machine, names=setting_names())
    if conf.faults:
        return Unknown(f"{path.name}: {conf.faults[0].message}")
    return {name: conf.settings[name].value for name in TRIED if name in conf.settings}


def _given(known: Catalog, environ: Mapping[str, str]) -> dict[str, Any]:
    """What GUNICORN_CMD_ARGS sets of what is tried, and `config`; nothing where it is refused."""
    from argparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument(*known.flags("config"), dest="config", default=None)
    for name in TRIED:
        action = {"action": "store_true"} if name == "preload_app" else {}
        parser.add_argument(*known.flags(name), dest=name, default=None, **action)  # type: ignore[arg-type]
    try:
        words = shlex.split(environ.get("GUNICORN_CMD_ARGS", ""))
        found, _ = parser.parse_known_args(words)
    except (ValueError, ArgumentError, SystemExit):  # an abbreviation may be ambiguous
        return {}
    return {name: value for name, value in vars(found).items() if value is not None}


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
