"""Advice without a project or a machine: the stages after probe and classify."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gunitune.advise import advise
from gunitune.facts import SAMPLE_APP, SAMPLE_HOST, SAMPLE_INSTALLED
from gunitune.model import App, Dependency, Goal, Host, Installed, Recommendation
from gunitune.rulebook import load_rules

RULES = load_rules(cases=True)


def app(**changes: Any) -> App:
    """The sample app with changes; `dependencies` as names."""
    names = changes.pop("dependencies", ())
    found = tuple(Dependency(name, "", "requirements.txt", 1) for name in names)
    return replace(SAMPLE_APP, dependencies=found, **changes)


def host(**changes: Any) -> Host:
    """The sample machine (2 CPUs, 4 GiB, bare) with changes."""
    return replace(SAMPLE_HOST, **changes)


def installed(gunicorn: Any) -> Installed:
    """A project on this release of Gunicorn."""
    return replace(SAMPLE_INSTALLED, gunicorn=gunicorn)


def advice(
    of: App | None = None,
    on: Host | None = None,
    goal: Goal | None = None,
    under: Installed = SAMPLE_INSTALLED,
) -> Recommendation:
    """What gunitune recommends."""
    return advise(on or host(), of or app(), goal or Goal(), under, RULES)


def values(recommended: Recommendation) -> dict[str, Any]:
    """The settings by name."""
    return {item.name: item.value for item in recommended.settings}
