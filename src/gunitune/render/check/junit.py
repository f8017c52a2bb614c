"""The findings as JUnit's XML: a suite for each file, a failed case for each finding."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from gunitune.render.check._findings import by_file, safe, sentence
from gunitune.render.layout import plain

if TYPE_CHECKING:
    from gunitune.report import Finding, Report

PASSED = """\
  <testsuite name="gunitune" tests="1" failures="0" errors="0" skipped="0">
    <testcase name="no findings" classname="gunitune"/>
  </testsuite>
"""


def render(report: Report, **_: object) -> str:
    """One document; a note is a skipped case, and without findings there is one that passed."""
    found = by_file(report)
    suites = [_suite(path, list(group)) for path, group in groupby(found, lambda item: item.path)]
    failed = _failures(found)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="gunitune" tests="{len(found) or 1}" failures="{failed}" errors="0">\n'
        f"{''.join(suites) or PASSED}</testsuites>\n"
    )


def _suite(path: str, findings: list[Finding]) -> str:
    failed = _failures(findings)
    return (
        f'  <testsuite name="{_escaped(path)}" tests="{len(findings)}" failures="{failed}"'
        f' errors="0" skipped="{len(findings) - failed}">\n'
        f"{''.join(_case(finding) for finding in findings)}  </testsuite>\n"
    )


def _case(finding: Finding) -> str:
    span, kind = finding.span, "skipped" if finding.severity == "note" else "failure"
    message = _escaped(sentence(finding))
    text = f"line {span.line}, column {span.column}: {message}"
    if finding.help:
        text += f"\nhelp: {_escaped(safe(finding.help))}"
    return (
        f'    <testcase name="{_escaped(finding.rule)}" classname="{_escaped(finding.path)}"'
        f' line="{span.line}" column="{span.column}">\n'
        f'      <{kind} type="{finding.severity}" message="{message}">{text}</{kind}>\n'
        "    </testcase>\n"
    )


def _failures(findings: list[Finding]) -> int:
    return sum(finding.severity != "note" for finding in findings)


def _escaped(text: str) -> str:
    """Text as XML 1.0 can hold it, in an attribute too."""
    text = plain(text).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace(">", "&gt;").replace('"', "&quot;")
