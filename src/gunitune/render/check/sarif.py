"""The findings as SARIF 2.1.0, as GitHub's code scanning reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.mask import mask
from gunitune.render.check._findings import advice, safe, worst_first
from gunitune.render.check._identity import identified
from gunitune.render.check._sarif_rules import described
from gunitune.render.check._unicode import uri, valid
from gunitune.render.document import host

if TYPE_CHECKING:
    from gunitune.conf.model import Span
    from gunitune.report import Edit, Finding, Fix, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RESULTS = 25_000  # GitHub refuses a run with more
MAX_TEXT = 1000


def render(report: Report, **_: object) -> str:
    """One log with one run; findings that a comment ignores are left out, as GitHub shows them."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(valid(log), indent=2, allow_nan=False) + "\n"


def _run(report: Report) -> dict[str, Any]:
    rules = described(report)
    index = {rule["id"]: at for at, rule in enumerate(rules)}
    found = list(identified(worst_first(report)))
    driver = {
        "name": "gunitune",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": rules,
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": "gunitune/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, left_out=len(found[MAX_RESULTS:]))],
        "results": [_result(finding, mark, index) for finding, mark in found[:MAX_RESULTS]],
    }


def _invocation(report: Report, left_out: int) -> dict[str, Any]:
    releases = {(checked.gunicorn, safe(checked.gunicorn_source)) for checked in report.files}
    invocation: dict[str, Any] = {
        "executionSuccessful": True,
        "properties": {
            "host": host(report.host),
            "coresAssumed": report.cores_assumed,
            "gunicorn": [{"version": name, "source": text} for name, text in sorted(releases)],
        },
    }
    if left_out:
        text = f"{left_out} findings are left out: {MAX_RESULTS} are the most"
        notification = {"level": "warning", "message": {"text": text}}
        invocation["toolExecutionNotifications"] = [notification]
    return invocation


def _result(finding: Finding, fingerprint: str, index: dict[str, int]) -> dict[str, Any]:
    result = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": finding.severity,
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": _location(finding)}],
        # `primaryLocationLineHash` is for upload-sarif to fill: it warns where another's differs.
        "partialFingerprints": {"gunitune/v1": fingerprint},
        "properties": {"precision": finding.confidence, "setting": finding.setting},
    }
    if finding.fix and not any(mask(edit.text) != edit.text for edit in finding.fix.edits):
        result["fixes"] = [_fix(finding.fix, finding.path)]
    return result


def _message(finding: Finding) -> str:
    # Nothing of a file's becomes a link, which SARIF writes as [text](place).
    return advice(finding).replace("](", "] (")[:MAX_TEXT]


def _location(finding: Finding) -> dict[str, Any]:
    return {"artifactLocation": {"uri": uri(finding.path)}, "region": _region(finding.span)}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix, path: str) -> dict[str, Any]:
    replacements = [_replacement(edit) for edit in fix.edits]
    change = {"artifactLocation": {"uri": uri(path)}, "replacements": replacements}
    return {"description": {"text": safe(fix.title)}, "artifactChanges": [change]}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
