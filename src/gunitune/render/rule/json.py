"""Rules as JSON: schema gunitune/rule/1 (docs/schemas/rule-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.checkrule import CheckRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.rulebook import AdviceRule


def render(rules: Sequence[AdviceRule | CheckRule], *, whole: bool, **_: object) -> str:
    """One JSON document with a record per rule, the same whether one was named or all are."""
    del whole
    document = {
        "schema": "gunitune/rule/1",
        "gunitune": __version__,
        "rules": [
            {**_common(rule), **(_check(rule) if isinstance(rule, CheckRule) else _advice(rule))}
            for rule in rules
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _common(rule: AdviceRule | CheckRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "since": rule.since,
        "summary": rule.summary,
        "why": rule.why,
        "unless": rule.unless,
        "refs": list(rule.refs),
        "when": rule.when,
        "let": dict(rule.let),
        "examples": [dict(case) for case in rule.cases],
    }


def _advice(rule: AdviceRule) -> dict[str, Any]:
    return {
        "layer": rule.layer,
        "basis": rule.basis,
        "sets": {item.setting: item.value for item in rule.assignments},
    }


def _check(rule: CheckRule) -> dict[str, Any]:
    """A check sets nothing; its layer and basis are `check`."""
    return {
        "layer": "check",
        "basis": "check",
        "sets": {},
        "severity": rule.severity,
        "confidence": rule.confidence,
        "settings": list(rule.settings),
        "function": rule.check,
        "absent": rule.absent,
        "margin": rule.margin,
        "message": rule.message.text,
        "help": rule.help.text,
        "fix": rule.fix,
    }
