"""What checks may know of the project that a config belongs to, worked out when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gunitune.errors import ProjectError
from gunitune.model import Installed, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gunitune.checks.target import Target
    from gunitune.model import App, Recommendation
    from gunitune.project.dependencies import Dependencies
    from gunitune.rulebook import AdviceRule
    from gunitune.settings import Settings


@dataclass
class Project:
    """One project's folder, on the target.

    `settings` are gunitune's own, `environ` is what Gunicorn starts with.
    """

    root: Path
    target: Target
    settings: Settings
    environ: Mapping[str, str]
    rules: Callable[[], Sequence[AdviceRule]]

    @cached_property
    def dependencies(self) -> Dependencies:
        """What the project declares."""
        from gunitune.project.dependencies import Dependencies, read_dependencies
        from gunitune.project.files import walk

        try:
            return read_dependencies(walk(self.root))
        except ProjectError:
            return Dependencies()

    @cached_property
    def release(self) -> tuple[str, str]:
        """Gunicorn's release and its source: declared, else pinned, else the newest allowed."""
        from gunitune.catalog import catalog
        from gunitune.units import release

        version, source = self._release()
        known = catalog(version)
        if known.release != release(known.surveyed):
            source += f"; judged as {known.surveyed}, the nearest that gunitune knows"
        return version, source

    def _release(self) -> tuple[str, str]:
        from gunitune.catalog import newest
        from gunitune.catalog.stored import surveyed

        if (version := self.settings.get("gunicorn_version")) is not None:
            return version, self.settings.source("gunicorn_version")
        if pin := self.dependencies.pin("gunicorn"):
            return pin.version, pin.source
        if allowed := self.dependencies.newest("gunicorn", surveyed()):
            return allowed.version, f"the newest that {allowed.source} allows"
        return newest(), "no pin found, the newest known: pass --gunicorn-version"

    @cached_property
    def app(self) -> App | Unknown:
        """What will run, or why that can't be told."""
        from gunitune.api import classify_with

        try:
            return classify_with(self.root, self.settings, host=self.target.host)
        except ProjectError as error:
            return Unknown(error.message)

    @cached_property
    def installed(self) -> Installed:
        """The release that counts, and what else the project's environment tells."""
        from gunitune.api import versions_of

        gunicorn, source = self.release
        if isinstance(self.app, Unknown):
            lost = Unknown(self.app.reason)
            return Installed(lost, self.app.reason, gunicorn, source)
        found = versions_of(self.root, self.app, self.settings)
        return Installed(found.python, found.python_source, gunicorn, source, found.packages)

    @cached_property
    def facts(self) -> dict[str, Any] | Unknown:
        """The facts that advice rules read of host, app, goal and release."""
        from gunitune.api import goal
        from gunitune.facts import facts

        if isinstance(self.app, Unknown):
            return self.app
        return facts(self.target.host, self.app, goal(self.settings), self.installed)

    @cached_property
    def advice(self) -> Recommendation | Unknown:
        """What `recommend` says for the project on the target."""
        from gunitune.advise import advise
        from gunitune.api import goal

        if isinstance(self.app, Unknown):
            return self.app
        host, wanted = self.target.host, goal(self.settings)
        return advise(host, self.app, wanted, self.installed, self.rules())
