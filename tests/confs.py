"""Reads texts as configs, for a declared machine: test support."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gunitune.conf.machine import Machine
from gunitune.conf.model import Conf
from gunitune.conf.read import read_conf
from gunitune.model import Unknown

NAMES = frozenset(
    """accesslog bind certfile daemon errorlog forwarded_allow_ips graceful_timeout keepalive
    logconfig_dict loglevel max_requests on_exit post_fork preload_app raw_env reload threads
    timeout umask when_ready worker_class workers""".split()  # noqa: SIM905  (shorter so)
)
PLACE = Path("/srv/app/gunicorn.conf.py")


def read(
    text: str | bytes,
    environ: Mapping[str, str] | None = None,
    *,
    cores: int | Unknown = 64,
    affinity: int | Unknown = 8,
    path: Path = PLACE,
    root: Path | None = None,
) -> Conf:
    """Read a text as if it stood at `path`."""
    machine = Machine(cores, affinity, environ or {}, root or path.parent)
    data = text.encode() if isinstance(text, str) else text
    return read_conf(path, path.name, machine, names=NAMES, data=data)


def values(text: str | bytes, environ: Mapping[str, str] | None = None, **more: Any) -> Any:
    """The settings that a text makes, by name; an unknown one is its reason."""
    conf = read(text, environ, **more)
    assert not conf.faults, conf.faults
    return {name: plain(assigned.value) for name, assigned in conf.settings.items()}


def plain(value: Any) -> Any:
    """A value, or why it is unknown."""
    return f"? {value.reason}" if isinstance(value, Unknown) else value


def depends(text: str, name: str = "workers", **more: Any) -> tuple[str, ...]:
    """What a setting depends on."""
    return read(text, **more).settings[name].depends_on


def worlds(text: str, environ: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The worlds that a text leaves open: their settings by their condition."""
    return {
        world.condition: {name: plain(each.value) for name, each in world.settings.items()}
        for world in read(text, environ, **more).worlds
    }
