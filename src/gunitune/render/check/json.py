"""The report as JSON: schema gunitune/check/1 (docs/schemas/check-1.json)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.mask import hidden, mask
from gunitune.model import Unknown
from gunitune.render.check._findings import by_file, counts, safe
from gunitune.render.check._unicode import valid
from gunitune.render.document import host

if TYPE_CHECKING:
    from gunitune.conf.model import Assigned, Fault, Span
    from gunitune.report import Checked, Finding, Fix, Report


def render(report: Report, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline."""
    return json.dumps(valid(document(report)), indent=2, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The document; keys may be added within a version, never changed or dropped."""
    return {
        "schema": "gunitune/check/1",
        "gunitune": __version__,
        "host": host(report.host),
        "cores_assumed": report.cores_assumed,
        "files": [_file(checked) for checked in report.files],
        "findings": [_finding(finding) for finding in by_file(report)],
        "settings": [
            _setting(checked.conf.path, assigned)
            for checked in report.files
            for assigned in checked.conf.settings.values()
        ],
        "ignored": [
            {**_finding(item.finding), "ignore_line": item.line, "reason": safe(item.reason)}
            for item in report.ignored
        ],
        "skipped": _skipped(report),
        "rules": [rule.id for rule in report.rules],
        "summary": asdict(counts(report)),
    }


def _file(checked: Checked) -> dict[str, Any]:
    return {
        "path": checked.conf.path,
        "gunicorn": checked.gunicorn,
        "gunicorn_source": safe(checked.gunicorn_source),
        "faults": [_fault(fault) for fault in checked.conf.faults],
        "dynamic": safe(checked.conf.dynamic) or None,
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {"kind": fault.kind, "message": safe(fault.message), **_place(fault.span)}


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": safe(finding.message),
        "path": finding.path,
        **_place(finding.span),
        "setting": finding.setting,
        "help": safe(finding.help),
        "condition": safe(finding.condition) or None,
        "fix": _fix(finding.fix) if finding.fix else None,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{**_place(edit.span), "text": mask(edit.text)} for edit in fix.edits]
    return {"title": safe(fix.title), "edits": edits}


def _setting(path: str, assigned: Assigned) -> dict[str, Any]:
    is_unknown = isinstance(assigned.value, Unknown)
    return {
        "path": path,
        "line": assigned.span.line,
        "name": assigned.name,
        "value": None if is_unknown else hidden(assigned.name, assigned.value),
        "unknown": safe(assigned.value.reason) if is_unknown else None,
        "depends_on": list(assigned.depends_on),
    }


def _skipped(report: Report) -> list[dict[str, Any]]:
    """Each rule and unknown fact once, with the number of files."""
    times = Counter((item.rule, item.reason) for item in report.skipped)
    return [
        {"rule": rule, "reason": safe(reason), "files": number}
        for (rule, reason), number in times.items()
    ]
