"""Configs as people write them are read as Python has them."""

from __future__ import annotations

import pytest

from census import HOOKS, SETTINGS, configs
from gunitune.model import Unknown
from oracle import compared, read

NAMES = frozenset(SETTINGS) | frozenset(HOOKS)
ENVIRONMENTS = {
    "nothing set": {},
    "usual variables set": {
        "PORT": "9000",
        "LOG_LEVEL": "30",
        "WEB_CONCURRENCY": "3",
        "HOST": "12",
        "GUNICORN_WORKERS": "7",
        "MAX_WORKERS": "2",
        "DEBUG": "1",
        "ENV": "dev",
        "TIMEOUT": "44",
        "WORKERS": "5",
    },
}


def test_nearly_all_settings_of_the_census_mix_are_told() -> None:
    told = total = 0
    for each in configs(400):
        conf = read(each.text, {}, NAMES)
        assert not conf.faults
        assert conf.settings.keys() == each.sets
        values = {name: assigned.value for name, assigned in conf.settings.items()}
        known = {name for name, value in values.items() if not isinstance(value, Unknown)}
        assert known == each.tells, each.text
        told, total = told + len(known), total + len(values)
    assert told / total >= 0.97


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_value_that_is_told_is_the_one_that_python_has(environment: str) -> None:
    there = told = 0
    for each in configs(250, seed=1):
        if "project_settings" not in each.text:
            more, ours = compared(each.text, ENVIRONMENTS[environment], NAMES)
            there, told = there + more, told + ours
    assert told >= 0.97 * there


def test_the_same_seed_gives_the_same_configs() -> None:
    assert list(configs(5)) == list(configs(5))
    assert list(configs(5)) != list(configs(5, seed=1))
