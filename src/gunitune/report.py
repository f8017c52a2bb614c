"""What `check` says: findings with their places, and what was ignored and skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gunitune.checkrule import CheckRule
    from gunitune.conf.model import Conf, Span
    from gunitune.model import Host, Skipped

Severity = Literal["note", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement of the text in a span; an empty span inserts before it."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that keeps what the file means, save for what the finding is about."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one place.

    `message` and `help` are free of control characters and secrets. `condition` names the
    condition under which it holds, "" where it always does: such a finding is a note.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    path: str
    span: Span
    help: str
    setting: str | None = None
    confidence: Literal["high", "medium", "low"] = "high"
    condition: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that a comment in the file takes back, the comment's line and its reason."""

    finding: Finding
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One file that was checked, and the release of Gunicorn that it was held against."""

    conf: Conf
    gunicorn: str
    gunicorn_source: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, for which machine, and what came of it.

    `cores_assumed` says that the cores the target shows were not declared and are taken to be
    many. `rules` are those selected; `skipped` holds each rule and unknown fact once per file.
    """

    host: Host
    cores_assumed: bool
    files: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[Ignored, ...]
    skipped: tuple[Skipped, ...]
    rules: tuple[CheckRule, ...]

    def worst(self) -> Severity | None:
        """The highest severity among the findings; None without any."""
        found = [SEVERITIES.index(finding.severity) for finding in self.findings]
        return SEVERITIES[max(found)] if found else None
