"""Every example in every advice rule is a test."""

from __future__ import annotations

from typing import Any

import pytest

from gunitune.data import rules_dir
from gunitune.rulebook import AdviceRule, file_id, load_rules
from gunitune.rulefile import check_expressions, differences, validate

RULES = load_rules(cases=True)


def cases() -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule.id} {case['name']}")
        for rule in RULES
        for case in rule.cases
    ]


@pytest.mark.parametrize(("rule", "case"), cases())
def test_a_rule_does_what_its_example_says(rule: AdviceRule, case: dict[str, Any]) -> None:
    assert list(differences(rule, case)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_example_that_fires_and_one_that_does_not(rule: AdviceRule) -> None:
    fires = {case.get("fires", True) for case in rule.cases}
    assert fires == {True, False} or rule.when == "True"


@pytest.mark.parametrize("path", sorted((rules_dir() / "advice").glob("*.toml")), ids=str)
def test_a_rule_file_keeps_the_format(path: Any) -> None:
    import tomllib

    validate(tomllib.loads(path.read_text()), path, "GA")
    (rule,) = [rule for rule in RULES if rule.path == str(path)]
    assert file_id(path) == (rule.id, rule.name)
    check_expressions(rule)
