"""How SARIF describes rules: all those selected, found broken or not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gunitune.render.layout import plain

if TYPE_CHECKING:
    from gunitune.checkrule import CheckRule
    from gunitune.report import Finding, Report

MAX_TEXT = 1024
FAMILIES = {
    "0": "gunitune",
    "1": "names",
    "2": "cpu",
    "3": "memory",
    "4": "worker-class",
    "5": "reliability",
    "6": "security",
    "7": "observability",
    "8": "deployment",
}
PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}
# What code scanning calls high, medium and low.
SECURITY = {"error": "7.0", "warning": "5.0", "note": "2.0"}


def described(report: Report) -> list[dict[str, Any]]:
    """A descriptor for each selected rule by id, and for others that findings name."""
    found = {rule.id: _rule(rule) for rule in report.rules}
    for finding in report.findings:
        if finding.rule not in found:
            found[finding.rule] = _unlisted(finding)
    return [found[name] for name in sorted(found)]


def _rule(rule: CheckRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": _short(rule.summary)},
        "fullDescription": {"text": _short(rule.why or rule.summary)},
        "help": {"text": _help(rule, bold=""), "markdown": _help(rule, bold="**")},
        "defaultConfiguration": {"level": rule.severity},
        "properties": _properties(rule.id, rule.severity, rule.confidence),
    }


def _unlisted(finding: Finding) -> dict[str, Any]:
    """What can be said of a rule by a finding alone."""
    words = _short(finding.name.replace("-", " ") or finding.rule)
    return {
        "id": finding.rule,
        "name": finding.name,
        "shortDescription": {"text": words},
        "fullDescription": {"text": words},
        "help": {"text": words, "markdown": words},
        "defaultConfiguration": {"level": finding.severity},
        "properties": _properties(finding.rule, finding.severity, finding.confidence),
    }


def _properties(rule: str, severity: str, confidence: str) -> dict[str, Any]:
    family = FAMILIES.get(rule[2:3], "") if rule.startswith("GT") else ""
    properties: dict[str, Any] = {
        "tags": ["gunicorn", *([family] if family else [])],
        "precision": confidence,
        "problem.severity": PROBLEMS[severity],
    }
    if family == "security":
        properties["security-severity"] = SECURITY[severity]
    return properties


def _help(rule: CheckRule, bold: str) -> str:
    fix = re.sub(r"\{([^{}]+?)(?::[A-Za-z]+)?\}", r"`\1`" if bold else r"\1", rule.help.text)
    parts = [
        f"{bold}{rule.summary}{bold}",
        rule.why,
        f"{bold}Help:{bold} {fix}" if fix else "",
        f"{bold}Not where:{bold} {rule.unless}" if rule.unless else "",
        "\n".join(f"- <{ref}>" if bold else ref for ref in rule.refs),
        f"gunitune rule {rule.id}" if not bold else f"`gunitune rule {rule.id}` says more.",
    ]
    return "\n\n".join(_lines(part) for part in parts if part)


def _lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.split("\n"))


def _short(text: str) -> str:
    words = plain(" ".join(text.split()))
    return words if len(words) <= MAX_TEXT else words[: MAX_TEXT - 3] + "..."
