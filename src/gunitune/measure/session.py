"""What a measurement stands on: the project, its app and start, the machine, and the load."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.api import classify_with, goal, project_folder, versions_of
from gunitune.errors import UsageError
from gunitune.load.run import check_generator
from gunitune.machine.target import target
from gunitune.model import Unknown
from gunitune.serve.launch import launch_of
from gunitune.settings import load_settings
from gunitune.trial import Limits, Load, Request

if TYPE_CHECKING:
    from gunitune.model import App, Goal, Host, Installed
    from gunitune.settings import Settings
    from gunitune.trial import Launch

DEFAULT_CONCURRENCY = 64
_SPEC = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_].*")


@dataclass(frozen=True, slots=True)
class Session:
    """All that blocks are run with. `notes` say what of the wishes can't be had here."""

    folder: Path
    settings: Settings
    host: Host
    app: App
    goal: Goal
    installed: Installed
    launch: Launch
    load: Load
    limits: Limits
    generator_cores: frozenset[int]
    generator: str
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> Request:
        """The request whose answer tells that the app works."""
        return self.load.requests[0]


def session(
    argument: str,
    options: dict[str, Any],
    *,
    settings_file: Path | None = None,
    use_settings: bool = True,
) -> Session:
    """Everything but the running of it, for a project's folder or a `module:attribute` here.

    Raises GunituneError for what is missing, before anything is started.
    """
    path, folder, settings = of_project(
        argument, options, settings_file=settings_file, use_settings=use_settings
    )
    app = classify_with(path, settings)
    generator = settings.get("load_generator", "embedded")
    check_generator(generator)
    launch = launch_of(folder, app, settings)
    host, limits, generator_cores, notes = _machine(settings)
    requests, drawn = _requests(settings)
    return Session(
        folder=folder,
        settings=settings,
        host=host,
        app=app,
        goal=goal(settings),
        installed=_installed(launch, versions_of(folder, app, settings)),
        launch=launch,
        load=_load(settings, requests),
        limits=limits,
        generator_cores=generator_cores,
        generator=generator,
        notes=(*notes, *drawn),
    )


def of_project(
    argument: str,
    options: dict[str, Any],
    *,
    settings_file: Path | None = None,
    use_settings: bool = True,
) -> tuple[Path, Path, Settings]:
    """The path that names an app, the project's folder, and gunitune's own options for it."""
    path, options = named(argument, options)
    folder = project_folder(path)
    settings = load_settings(
        options,
        start=folder,
        environ=os.environ,
        file=settings_file,
        use_file=use_settings,
        paired=False,
    )
    return path, folder, settings


def _installed(launch: Launch, declared: Installed) -> Installed:
    """What is beside the Gunicorn that is started; what was declared where it does not tell."""
    from gunitune.serve.packages import installed_beside

    found = installed_beside(launch)
    return declared if isinstance(found.packages, Unknown) else found


def named(argument: str, options: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """A folder or file, else an app of the current folder."""
    path = Path(argument)
    if path.exists() or not _SPEC.fullmatch(argument):
        return path, options
    if options.get("app") not in (None, argument):
        raise UsageError(f"two apps: {argument} and --app {options['app']}", "name one")
    return Path(), {**options, "app": argument}


def _machine(settings: Settings) -> tuple[Host, Limits, frozenset[int], tuple[str, ...]]:
    """The target as far as this machine can stand in for it, and what keeps the server to it."""
    from gunitune.machine.probe import probe
    from gunitune.serve.confine import split_cores

    here, wanted = probe(), target(settings)
    cpus = settings.get("cpus")
    memory = settings.get("memory")
    notes = []
    if cpus is not None and cpus > here.cpus:
        notes.append(
            f"{cpus:g} CPUs are declared, but this machine grants {here.cpus:g}: measured on "
            f"those; `gunitune predict --cpus {cpus:g}` tells what more would do"
        )
    if memory is not None and isinstance(here.memory_bytes, int) and memory > here.memory_bytes:
        notes.append("more memory is declared than this machine has: not enforced")
        memory = None
    held = cpus if cpus is not None and cpus < here.cpus else None
    server, generator = split_cores(held)
    if not generator:
        notes.append("the load generator shares the CPUs with the server: its time is counted in")
    if wanted.cpus > here.cpus:
        wanted = replace(wanted, cpus=here.cpus, cpus_source=here.cpus_source)
    if memory is None:
        memory_source = here.memory_source
        wanted = replace(wanted, memory_bytes=here.memory_bytes, memory_source=memory_source)
    host = wanted
    return host, Limits(held, memory, server), generator, tuple(notes)


def _load(settings: Settings, requests: tuple[Request, ...]) -> Load:
    rps: float | None = settings.get("rps")
    return Load(
        requests=requests,
        concurrency=settings.get("concurrency", DEFAULT_CONCURRENCY),
        rps=rps,
        keep_alive=not settings.get("no_keep_alive", False),
        expect=frozenset(settings.get("expect_status", ())),
    )


def _requests(settings: Settings) -> tuple[tuple[Request, ...], tuple[str, ...]]:
    """The requests that were asked for, `GET /` where none was; and what a log did not give."""
    from gunitune.load.accesslog import drawn_from_log
    from gunitune.load.requests import check_methods, parse_request, read_requests

    unsafe: bool = settings.get("allow_unsafe_methods", False)
    found: list[Request] = [
        parse_request(text, Path()) for text in settings.get("request", ()) if text.strip()
    ]
    notes: tuple[str, ...] = ()
    if (file := settings.get("requests_file")) is not None:
        found += read_requests(Path(file))
    if (log := settings.get("access_log")) is not None:
        drawn = drawn_from_log(Path(log), allow_unsafe=unsafe)
        found += drawn
        notes = (f"{log}: {drawn}",)
    requests = tuple(found) or (Request(),)
    check_methods(requests, allow_unsafe=unsafe)
    return requests, notes
