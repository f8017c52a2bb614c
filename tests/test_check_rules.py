"""Every example in every check rule is a test."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from gunitune.checkfile import check_expressions, validate
from gunitune.checkrule import CheckRule, load_check_rules
from gunitune.checks import FUNCTIONS, function
from gunitune.checks.example import differences
from gunitune.data import rules_dir

RULES = load_check_rules(cases=True)
# What an example can't show in the text of a config: tests/test_conf_hostile.py does.
ONLY_BY_BYTES = {"GT010", "GT013", "GT014", "GT015"}


def cases() -> list[Any]:
    return [
        pytest.param(rule, case, id=f"{rule.id} {case['name']}")
        for rule in RULES
        for case in rule.cases
    ]


@pytest.mark.parametrize(("rule", "case"), cases())
def test_a_rule_finds_what_its_example_says(rule: CheckRule, case: dict[str, Any]) -> None:
    assert list(differences(rule, RULES, case)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_example_that_fires_and_one_that_does_not(rule: CheckRule) -> None:
    fires = {case.get("finds", 1) > 0 for case in rule.cases}
    assert fires == ({False} if rule.id in ONLY_BY_BYTES else {True, False})


@pytest.mark.parametrize("path", sorted((rules_dir() / "check").glob("*.toml")), ids=str)
def test_a_rule_file_keeps_the_format(path: Any) -> None:
    validate(tomllib.loads(path.read_text()), path, "GT")
    (rule,) = [rule for rule in RULES if rule.path == str(path)]
    check_expressions(rule)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_and_where_it_is_from(rule: CheckRule) -> None:
    assert rule.refs
    assert all(ref.startswith(("https://", "tests/", "benchmarks/")) for ref in rule.refs)
    assert rule.check == "" or callable(function(rule.check))


def test_every_function_serves_a_rule() -> None:
    assert {rule.check for rule in RULES if rule.check} == set(FUNCTIONS)


def test_there_are_at_least_seventy_rules() -> None:
    assert len(RULES) >= 70
