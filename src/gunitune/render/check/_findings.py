"""In which order findings are said, in which words, and how many there are."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from gunitune.mask import mask
from gunitune.render.layout import plain
from gunitune.report import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.report import Finding, Report


@dataclass(frozen=True, slots=True)
class Counts:
    """How many findings of each severity, in how many files; `fixable` of them have a fix."""

    files: int = 0
    files_with_findings: int = 0
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    ignored: int = 0
    fixable: int = 0

    def __add__(self, other: Counts) -> Counts:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Counts(*(one + another for one, another in pairs))


def counts(report: Report) -> Counts:
    """Count what the report holds."""
    severities = [finding.severity for finding in report.findings]
    return Counts(
        files=len(report.files),
        files_with_findings=len({finding.path for finding in report.findings}),
        errors=severities.count("error"),
        warnings=severities.count("warning"),
        notes=severities.count("note"),
        ignored=len(report.ignored),
        fixable=sum(finding.fix is not None for finding in report.findings),
    )


def by_file(report: Report) -> list[Finding]:
    """The findings file by file, as the report has the files, then by line, the worst first."""
    files = {checked.conf.path: at for at, checked in enumerate(report.files)}
    return sorted(
        report.findings,
        key=lambda finding: (
            files.get(finding.path, len(files)),
            finding.path,
            finding.span.line,
            -SEVERITIES.index(finding.severity),
            finding.span.column,
            finding.rule,
        ),
    )


def worst_first(report: Report) -> list[Finding]:
    """The findings by severity, errors first, then as `by_file`."""
    return sorted(by_file(report), key=lambda found: -SEVERITIES.index(found.severity))


def safe(text: str) -> str:
    """Text on one line, without control characters and secrets."""
    masked = mask(text)
    return masked if masked.isprintable() else plain(masked)


def sentence(finding: Finding) -> str:
    """The message, with the condition under which it holds."""
    if not finding.condition:
        return safe(finding.message)
    return f"{safe(finding.message)} ({safe(finding.condition)})"


def advice(finding: Finding) -> str:
    """The message, and what to do about it, on one line."""
    if not finding.help:
        return sentence(finding)
    return f"{sentence(finding).rstrip('.')}. Help: {safe(finding.help)}"


def count(number: int, noun: str) -> str:
    """`1 file`, `5 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
