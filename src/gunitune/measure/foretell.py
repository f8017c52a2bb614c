"""What `gunitune predict` does: the stored measurement of an app, taken to a machine and a load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.api import classify_with, goal, versions_of
from gunitune.errors import ProjectError
from gunitune.machine.target import target
from gunitune.measure.recall import past
from gunitune.measure.session import DEFAULT_CONCURRENCY, of_project
from gunitune.measure.store import load as stored
from gunitune.predict.table import Measured, predict_table
from gunitune.trial import Load

if TYPE_CHECKING:
    from pathlib import Path

    from gunitune.measure.profile import Profile
    from gunitune.model import App, Host
    from gunitune.predict.table import Predicted
    from gunitune.settings import Settings
    from gunitune.trial import Choice


def foretell(
    argument: str,
    options: dict[str, Any],
    *,
    settings_file: Path | None = None,
    use_settings: bool = True,
) -> Predicted:
    """Predict for the target machine and the goal; nothing is started.

    Raises ProjectError where the app was not measured, or is another by now.
    """
    path, folder, settings = of_project(
        argument, options, settings_file=settings_file, use_settings=use_settings
    )
    host = target(settings)
    app = classify_with(path, settings, None, host)
    profile = _profile(folder, app)
    measured = Measured(
        facts=profile.facts,
        source=profile.source,
        cpus=profile.cpus,
        concurrency=profile.concurrency,
        app=profile.spec,
    )
    known = {"recommended": _recommended(folder, app, host, settings)}
    return predict_table(
        measured,
        host,
        _load(settings, keep_alive=profile.keep_alive),
        known,
        memory_share=goal(settings).memory_share,
    )


def _profile(folder: Path, app: App) -> Profile:
    profile = stored(folder)
    if profile is None:
        raise ProjectError(f"{folder} was not measured", "run gunitune measure there first")
    if reason := past(profile, app, folder):
        raise ProjectError(reason, "a prediction would be of another app")
    return profile


def _recommended(folder: Path, app: App, host: Host, settings: Settings) -> Choice:
    """What `gunitune recommend` says for that machine."""
    from gunitune.advise import advise
    from gunitune.rulebook import load_rules
    from gunitune.tune.request import recommended

    versions = versions_of(folder, app, settings)
    rules = load_rules(settings.rules)
    return recommended(advise(host, app, goal(settings), versions, rules))


def _load(settings: Settings, *, keep_alive: bool) -> Load:
    """The load to predict for: --concurrency, or --rps arriving by themselves."""
    return Load(
        concurrency=settings.get("concurrency", DEFAULT_CONCURRENCY),
        rps=settings.get("rps"),
        keep_alive=keep_alive,
    )
