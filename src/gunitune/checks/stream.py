"""Checks files one after the other, keeping of each only what the end needs to say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gunitune.checks.check import each, merged
from gunitune.conf.model import Conf
from gunitune.report import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.run import Check
    from gunitune.report import Report, Severity


@dataclass
class Stream:
    """A run whose output is written as it goes: many files take hardly more memory than few."""

    task: Check
    worst: Severity | None = None
    _bare: list[Report] = field(default_factory=list)

    def parts(self) -> Iterator[Report]:
        """The report of each file, whole."""
        task = self.task
        for part in each(task.pairs(), task.target, task.rules, heed=task.heeds):
            self._bare.append(_bare(part))
            found = [severity for severity in (self.worst, part.worst()) if severity]
            self.worst = max(found, key=SEVERITIES.index, default=None)
            yield part

    def rest(self) -> Report:
        """What is left when all parts are written: files, releases, and what was skipped."""
        return merged(self._bare, self.task.target, self.task.rules)


def _bare(part: Report) -> Report:
    (checked,) = part.files
    bare = replace(checked, conf=Conf(checked.conf.path, ""))
    return replace(part, files=(bare,), findings=(), ignored=())
