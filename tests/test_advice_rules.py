"""Every example in every advice rule is a test."""

from __future__ import annotations

from typing import Any

import pytest

from gunitune.advise import Advice
from gunitune.data import rules_dir
from gunitune.facts import SAMPLE_APP, SAMPLE_HOST, SAMPLE_INSTALLED, facts
from gunitune.model import Goal, Unknown
from gunitune.rulebook import AdviceRule, file_id, load_rules
from gunitune.rulefile import check_expressions, validate

RULES = load_rules()


def cases() -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule.id} {case['name']}")
        for rule in RULES
        for case in rule.cases
    ]


@pytest.mark.parametrize(("rule", "case"), cases())
def test_a_rule_does_what_its_example_says(rule: AdviceRule, case: dict[str, Any]) -> None:
    advice = Advice(facts(SAMPLE_HOST, SAMPLE_APP, Goal(), SAMPLE_INSTALLED))
    for name, value in case.get("facts", {}).items():
        assert name in advice.scope, f"{name} is no fact"
        advice.scope[name] = tuple(value) if isinstance(value, list) else value
    for name in case.get("unknown", ()):
        assert name in advice.scope, f"{name} is no fact"
        advice.scope[name] = Unknown("the example says so")
    before = dict(case.get("settings", {}))
    advice.scope |= {f"set.{name}": value for name, value in before.items()}

    fired = advice.apply(rule)

    assert fired is case.get("fires", True)
    changed = {name: trail[-1].value for name, trail in advice.trails.items()}
    assert changed == case.get("expect", {})
    gone = [name for name in before if advice.scope[f"set.{name}"] is None]
    assert gone == case.get("gone", [])
    assert len(advice.said["warn"]) == case.get("warns", 0)
    assert all(text for texts in advice.said.values() for text in texts)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_example_that_fires_and_one_that_does_not(rule: AdviceRule) -> None:
    fires = {case.get("fires", True) for case in rule.cases}
    assert fires == {True, False} or rule.when == "True"


@pytest.mark.parametrize("path", sorted((rules_dir() / "advice").glob("*.toml")), ids=str)
def test_a_rule_file_keeps_the_format(path: Any) -> None:
    import tomllib

    validate(tomllib.loads(path.read_text()), path)
    (rule,) = [rule for rule in RULES if rule.path == str(path)]
    assert file_id(path) == (rule.id, rule.name)
    check_expressions(rule)
