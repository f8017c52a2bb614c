"""Rules as JSON: schema gunitune/rule/1 (docs/schemas/rule-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.rulebook import AdviceRule


def render(rules: Sequence[AdviceRule], *, whole: bool, **_: object) -> str:
    """One JSON document with a record per rule, the same whether one was named or all are."""
    del whole
    document = {
        "schema": "gunitune/rule/1",
        "gunitune": __version__,
        "rules": [_rule(rule) for rule in rules],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _rule(rule: AdviceRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "layer": rule.layer,
        "basis": rule.basis,
        "since": rule.since,
        "summary": rule.summary,
        "why": rule.why,
        "unless": rule.unless,
        "refs": list(rule.refs),
        "when": rule.when,
        "let": dict(rule.let),
        "sets": {item.setting: item.value for item in rule.assignments},
        "examples": [dict(case) for case in rule.cases],
    }
