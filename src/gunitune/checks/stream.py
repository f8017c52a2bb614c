"""Checks files one after the other, keeping of each only what the end needs to say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gunitune.checks.check import each, merged
from gunitune.conf.model import Conf
from gunitune.report import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunitune.checks.run import Check
    from gunitune.model import Skipped
    from gunitune.report import Checked, Report, Severity

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass
class Stream:
    """A run whose output is written as it goes: many files take hardly more memory than few."""

    task: Check
    worst: Severity | None = None
    _files: list[Checked] = field(default_factory=list)
    _skipped: dict[Skipped, None] = field(default_factory=dict)

    def parts(self) -> Iterator[Report]:
        """The report of each file, whole."""
        task = self.task
        for part in each(task.pairs(), task.target, task.rules, heed=task.heeds):
            self._keep(part)
            yield part

    def rest(self) -> Report:
        """What is left when all parts are written: files, releases, and what was skipped."""
        report = merged([], self.task.target, self.task.rules)
        return replace(report, files=tuple(self._files), skipped=tuple(self._skipped))

    def _keep(self, part: Report) -> None:
        (checked,) = part.files
        bare = Conf(checked.conf.path, "", settings=_NOTHING, others=_NOTHING)
        self._files.append(replace(checked, conf=bare))
        self._skipped |= dict.fromkeys(part.skipped)
        found = [severity for severity in (self.worst, part.worst()) if severity]
        self.worst = max(found, key=SEVERITIES.index, default=None)
