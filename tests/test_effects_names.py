"""Real Gunicorn does with names, the environment and repeats what the rules GT1xx say of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from launched import (
    NEWEST,
    RULES,
    ends,
    example,
    fires,
    held,
    project,
    python,
    refused,
)
from serving import serving


@pytest.mark.parametrize("release", ["20.1.0", "23.0.0", "25.3.0", NEWEST])
def test_a_misspelt_name_is_ignored(tmp_path: Path, release: str) -> None:
    assert held(tmp_path, example("GT101", "two letters swapped"), release)["workers"] == "1"
    assert held(tmp_path, example("GT101", "the spelling of the flag"), release)["keepalive"] == "2"


@pytest.mark.parametrize("release", ["20.1.0", NEWEST])
def test_a_name_in_capitals_is_ignored(tmp_path: Path, release: str) -> None:
    assert held(tmp_path, example("GT102", "as constants are written"), release)["workers"] == "1"


def test_an_unknown_name_is_ignored(tmp_path: Path) -> None:
    assert "debug" not in held(tmp_path, example("GT124", "a setting of long ago"))


def test_a_misspelt_hook_is_never_called(tmp_path: Path) -> None:
    conf = example("GT123", "an underscore short")
    logs = []
    for text in (conf, conf.replace("postfork", "post_fork")):
        with serving(python(), ["app:app"], project(tmp_path, text)) as server:
            logs.append(server.log())
    assert ["forked" in log for log in logs] == [False, True]


@pytest.mark.parametrize(
    "case", fires("GT114", "a function of the standard library", "a helper function")
)
def test_a_name_that_is_taken_by_accident_stops_gunicorn(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    (tmp_path / "settings.py").touch()
    assert re.search(r"Invalid value for (reload|user): <function", refused(tmp_path, case["conf"]))


def test_a_setting_of_a_later_release_is_ignored(tmp_path: Path) -> None:
    conf = example("GT115", "HTTP/2 on 23")
    assert "http_protocols" not in held(tmp_path, conf, "23.0.0")
    assert held(tmp_path, conf, "25.3.0")["http_protocols"] == "['h2', 'h1']"


@pytest.mark.parametrize("release", ["23.0.0", NEWEST])
def test_a_removed_setting_is_ignored(tmp_path: Path, release: str) -> None:
    conf = example("GT116", "dangerous framing")
    assert "tolerate_dangerous_framing" not in held(tmp_path, conf, release)


def test_a_variable_that_is_not_set_stops_gunicorn(tmp_path: Path) -> None:
    conf = example("GT121", "no default")
    assert "int() can't convert non-string" in refused(tmp_path, conf)
    assert held(tmp_path, conf, WORKERS="3")["workers"] == "3"


@pytest.mark.parametrize("case", fires("GT122"))
def test_a_port_that_is_not_set_stops_gunicorn(tmp_path: Path, case: dict[str, Any]) -> None:
    code, log = ends(tmp_path, case["conf"])
    assert (code, "'None' is not a valid port number" in log) == (1, True)


def test_bool_of_false_is_true(tmp_path: Path) -> None:
    conf = example("GT128", "a default of false")
    assert held(tmp_path, conf)["reload"] == "True"
    assert held(tmp_path, conf, RELOAD="")["reload"] == "False"


def test_bool_of_0_is_true(tmp_path: Path) -> None:
    conf = example("GT147", "without a default")
    assert held(tmp_path, conf)["reload"] == "False"
    assert held(tmp_path, conf, RELOAD="0")["reload"] == "True"


@pytest.mark.parametrize("text", ["", "08", "30s"])
def test_some_texts_are_no_numbers_for_gunicorn(tmp_path: Path, text: str) -> None:
    conf = example("GT145", "with a default")
    assert "Invalid value for timeout" in refused(tmp_path, conf, TIMEOUT=text)
    assert held(tmp_path, conf, TIMEOUT="0x1e")["timeout"] == "30"


@pytest.mark.parametrize("text", ["", "1", "yes", "on"])
def test_some_texts_are_no_booleans_for_gunicorn(tmp_path: Path, text: str) -> None:
    conf = example("GT146", "with a default")
    assert "Invalid boolean" in refused(tmp_path, conf, PRELOAD=text)
    assert held(tmp_path, conf, PRELOAD="True")["preload_app"] == "True"


def test_the_last_assignment_counts(tmp_path: Path) -> None:
    conf = example("GT129", "a constant over the environment")
    assert held(tmp_path, conf, WORKERS="9")["workers"] == "2"


def test_of_two_hooks_the_last_is_called(tmp_path: Path) -> None:
    conf = example("GT129", "two hooks")
    with serving(python(), ["app:app"], project(tmp_path, conf)) as server:
        log = server.log()
    assert ("] one" in log, "] two" in log) == (False, True)


# Rule -> the test that shows on real Gunicorn what the rule says.
VERIFIED: dict[str, str] = {
    "GT101": "test_a_misspelt_name_is_ignored",
    "GT102": "test_a_name_in_capitals_is_ignored",
    "GT114": "test_a_name_that_is_taken_by_accident_stops_gunicorn",
    "GT115": "test_a_setting_of_a_later_release_is_ignored",
    "GT116": "test_a_removed_setting_is_ignored",
    "GT121": "test_a_variable_that_is_not_set_stops_gunicorn",
    "GT122": "test_a_port_that_is_not_set_stops_gunicorn",
    "GT123": "test_a_misspelt_hook_is_never_called",
    "GT124": "test_an_unknown_name_is_ignored",
    "GT128": "test_bool_of_false_is_true",
    "GT129": "test_the_last_assignment_counts",
    "GT145": "test_some_texts_are_no_numbers_for_gunicorn",
    "GT146": "test_some_texts_are_no_booleans_for_gunicorn",
    "GT147": "test_bool_of_0_is_true",
}


@pytest.mark.parametrize(("rule", "test"), VERIFIED.items())
def test_a_verified_rule_has_its_test_and_names_it(rule: str, test: str) -> None:
    assert callable(globals()[test])
    assert "tests/test_effects_names.py" in RULES[rule].refs
