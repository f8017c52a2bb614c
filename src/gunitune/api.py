"""The whole path in one place: machine and app to a recommendation; commands and Python use it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.advise import advise
from gunitune.errors import ProjectError, UsageError
from gunitune.machine.target import target
from gunitune.model import (
    App,
    Goal,
    Host,
    Installed,
    Interface,
    Kind,
    Quantity,
    Recommendation,
    Unknown,
)
from gunitune.options import BY_NAME
from gunitune.rulebook import load_rules
from gunitune.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.report import Report

    Progress = Callable[[int, int], None]


def probe(sysroot: str | Path | None = None) -> Host:
    """What this process may use: CPUs, memory and their sources, as a `Host`.

    With `sysroot`, `/proc` and `/sys` are read below it and the running system is not asked.
    Raises GunituneError where there is nothing to read.
    """
    from gunitune.machine.probe import probe as look

    return look(None if sysroot is None else Path(sysroot))


def classify(
    path: str | Path = ".",
    *,
    kind: Kind | None = None,
    app: str | None = None,
    interface: Interface | None = None,
) -> App:
    """What will run: read the project at `path`, never running it, and give the `App`.

    Raises ProjectError where there is no project, or none that Gunicorn can serve.
    """
    from gunitune.project.classify import classify as read

    return read(existing(path), kind=kind, spec=app, interface=interface)


def recommend(  # noqa: PLR0913  (the options, typed for editors)
    path: str | Path = ".",
    *,
    cpus: float | str | None = None,
    memory: int | str | None = None,
    cores: int | None = None,
    platform: str | None = None,
    kind: Kind | None = None,
    app: str | None = None,
    interface: Interface | None = None,
    worker_class: str | None = None,
    worker_memory: int | str | None = None,
    leaks: bool | None = None,
    gunicorn_version: str | None = None,
    concurrency: int | None = None,
    rps: float | None = None,
    latency: float | str | None = None,
    memory_share: float | None = None,
    replicas: int | None = None,
    db_connections: int | None = None,
    settings_file: str | Path | None = None,
    use_settings: bool = True,
) -> Recommendation:
    """Recommend Gunicorn's settings for the app at `path` on this machine or the declared one.

    The keywords are the command's options; what is not given comes from the environment
    (GUNITUNE_…) and the project's [tool.gunitune], as for the command. Index the result by setting:
    `recommend(kind="io")["workers"]`. Raises GunituneError.
    """
    given = {name: value for name, value in locals().items() if name != "path"}
    settings = load_settings(
        given,
        start=project_folder(path),
        environ=os.environ,
        file=None if settings_file is None else Path(settings_file),
        use_file=use_settings,
    )
    return recommend_with(path, settings)


def check(
    *paths: str | Path,
    settings_file: str | Path | None = None,
    use_settings: bool = True,
    **options: Any,
) -> Report:
    """Check committed configs, never running them: files, or folders to search (default: `.`).

    The options are the command's: `check("deploy", cpus=2, memory="1GiB", select=["GT1"])`; what is
    not given comes from the environment and the project's [tool.gunitune]. Raises GunituneError.
    """
    from gunitune.checks.run import Check, start

    named = [Path(path) for path in paths] or [Path()]
    unknown = sorted(set(options) - set(BY_NAME))
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no option of check", f"known are {', '.join(BY_NAME)}")
    settings = load_settings(
        options,
        start=project_folder(start(named, None)),
        environ=os.environ,
        file=None if settings_file is None else Path(settings_file),
        use_file=use_settings,
    )
    return Check(named, settings).report()


def recommend_with(
    path: str | Path, settings: Settings, progress: Progress | None = None
) -> Recommendation:
    """The steps from settings to advice."""
    host = target(settings)
    app = classify_with(path, settings, progress, host)
    versions = versions_of(project_folder(path), app, settings)
    rules = load_rules(settings.rules)
    advice = advise(host, app, goal(settings), versions, rules)
    return replace(advice, flags=settings.flags())


def classify_with(
    path: str | Path,
    settings: Settings,
    progress: Progress | None = None,
    host: Host | None = None,
) -> App:
    """The app at `path` with what was measured and declared of it; raises ProjectError.

    `host` is the machine that it is to run on: the target of the settings if not given.
    """
    from gunitune.project.classify import classify as read

    app = read(
        existing(path),
        kind=settings.get("kind"),
        spec=settings.get("app"),
        interface=settings.get("interface"),
        progress=progress,
    )
    return _declared(_recalled(app, path, settings, host), settings)


def _recalled(app: App, path: str | Path, settings: Settings, host: Host | None) -> App:
    """The app with what `gunitune measure` has stored of it."""
    folder = project_folder(path)
    try:
        if not (folder / ".gunitune" / "measure.json").exists():
            return app
    except OSError:
        return app
    from gunitune.measure.recall import recall

    return recall(app, folder, host or target(settings), goal(settings).memory_share)


def versions_of(folder: Path, app: App, settings: Settings) -> Installed:
    """Python and Gunicorn there: declared, else pinned by the project, else what is installed."""
    from gunitune.machine.installed import installed

    return _versions(installed(folder, os.environ), app, settings)


def goal(settings: Settings) -> Goal:
    """What the user wants held."""
    plain = Goal()
    return Goal(
        concurrency=settings.get("concurrency", plain.concurrency),
        rps=settings.get("rps", plain.rps),
        latency_s=settings.get("latency", plain.latency_s),
        memory_share=settings.get("memory_share", plain.memory_share),
        replicas=settings.get("replicas", plain.replicas),
        db_connections=settings.get("db_connections", plain.db_connections),
        worker_class=settings.get("worker_class", plain.worker_class),
        leaks=settings.get("leaks", plain.leaks),
    )


def existing(path: str | Path) -> Path:
    """The path, if it is there; raises ProjectError."""
    path = Path(path)
    try:
        path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProjectError(f"{str(path)!r}: {reason}", "name the folder of the project") from None
    return path


def project_folder(path: str | Path) -> Path:
    """The folder of a project named by its folder or by one of its files."""
    path = existing(path)
    return path if path.is_dir() else path.parent


def _declared(app: App, settings: Settings) -> App:
    if settings.get("worker_memory") is None:
        return app
    source = settings.source("worker_memory")
    quantity = Quantity(settings.get("worker_memory"), "asked", f"declared: {source}")
    return replace(app, worker_memory_bytes=quantity)


def _versions(found: Installed, app: App, settings: Settings) -> Installed:
    """Gunicorn's release: declared, else pinned by the project, else what is installed."""
    from gunitune.project.dependencies import Dependencies

    declared = Dependencies(app.dependencies)
    if found.own and not _holds(found, declared.names):
        reason = "not installed in an environment of the project"
        lost = Unknown(reason)
        found = Installed(lost, reason, lost, reason, lost)
    if (version := settings.get("gunicorn_version")) is not None:
        return replace(found, gunicorn=version, gunicorn_source=settings.source("gunicorn_version"))
    if pin := declared.pin("gunicorn"):
        return replace(found, gunicorn=pin.version, gunicorn_source=pin.source)
    return found


def _holds(found: Installed, names: frozenset[str]) -> bool:
    """Whether gunitune's own environment is the project's too: it has what the project needs."""
    others = names - {"gunicorn"}
    return not isinstance(found.packages, Unknown) and bool(others) and others <= found.packages
