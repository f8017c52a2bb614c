"""The findings as GitHub's workflow commands, which become annotations of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.render.check._findings import safe, sentence, worst_first
from gunitune.render.layout import plain

if TYPE_CHECKING:
    from gunitune.report import Finding, Report

LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report, **_: object) -> str:
    """A line for each finding, errors first: GitHub shows ten of each level."""
    return "".join(_command(finding) + "\n" for finding in worst_first(report))


def _command(finding: Finding) -> str:
    path, span = plain(finding.path), finding.span
    properties = {"file": path, "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:
        properties |= {"col": span.column, "endColumn": span.end_column}
    properties["title"] = plain(f"gunitune {finding.rule} {finding.name}")
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    message = f"{path}:{span.line}: {sentence(finding)}"
    if finding.help:
        message += f"\nhelp: {safe(finding.help)}"
    return f"::{LEVELS[finding.severity]} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """A message as a workflow command holds it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property's value as a workflow command holds it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
