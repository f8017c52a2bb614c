"""The findings as a GitLab Code Quality report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune.render.check._findings import advice, by_file
from gunitune.render.check._identity import identified
from gunitune.render.check._unicode import valid

if TYPE_CHECKING:
    from gunitune.report import Finding, Report

SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def render(report: Report, **_: object) -> str:
    """A JSON array with an object for each finding."""
    issues = [_issue(finding, fingerprint) for finding, fingerprint in identified(by_file(report))]
    return json.dumps(valid(issues), indent=2, allow_nan=False) + "\n"


def _issue(finding: Finding, fingerprint: str) -> dict[str, Any]:
    return {
        # GitLab does not show `check_name`.
        "description": f"{finding.rule}: {advice(finding)}",
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": SEVERITIES[finding.severity],
        "location": {
            "path": finding.path,
            "lines": {"begin": finding.span.line, "end": finding.span.end_line},
        },
    }
