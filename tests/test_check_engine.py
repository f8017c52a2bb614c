"""How findings get their severity, place and condition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gunitune.checkfile import check_expressions, validate
from gunitune.checkrule import CheckRule, chosen, load_check_rules
from gunitune.checks.example import findings, report_of
from gunitune.checks.scope import is_fact
from gunitune.errors import RuleError, UsageError
from gunitune.model import Skipped
from gunitune.rulebook import Template

EVERY = load_check_rules()
RULE = CheckRule(
    id="GX900",
    name="ours",
    since="1",
    severity="error",
    confidence="high",
    settings=("workers", "threads"),
    when="conf.workers > 2",
    check="",
    absent=False,
    margin=0.5,
    let=(),
    message=Template("{conf.workers:workers}"),
    help=Template("fewer"),
    fix="",
    fix_setting="",
    fix_value="",
    summary="s",
    why="w",
    unless="",
    refs=(),
    cases=(),
    path="GX900-ours.toml",
)


def found(rule: CheckRule, text: str, **case: Any) -> list[Any]:
    return findings(rule, (rule,), case, text)


def test_a_finding_points_at_the_first_of_its_settings_that_is_written() -> None:
    (finding,) = found(RULE, "threads = 2\nworkers = 3\n")
    assert (finding.setting, finding.span.line, finding.span.column) == ("workers", 2, 1)
    assert (finding.message, finding.severity) == ("3 workers", "error")


def test_a_rule_is_not_looked_at_where_the_file_writes_none_of_its_settings() -> None:
    assert found(replace(RULE, when="True"), "timeout = 3\n") == []


def test_a_default_left_alone_is_a_note() -> None:
    (finding,) = found(replace(RULE, when="True", absent=True), "timeout = 3\n")
    assert (finding.severity, finding.span.line) == ("note", 1)
    (written,) = found(replace(RULE, when="True", absent=True), "workers = 3\n")
    assert written.severity == "error"


@pytest.mark.parametrize("text", ["threads = = 2\n", "x = 1\0", "#" * 300_000, "# coding: nope\n"])
def test_what_a_file_that_can_not_be_read_leaves_out_is_not_judged(text: str) -> None:
    rule = replace(RULE, when="True", absent=True)
    made = report_of(rule, (rule,), {}, text)
    assert made.findings == ()
    assert made.skipped == (Skipped("GX900", "the file can't be read whole"),)


def test_what_is_refused_or_unknown_is_unknown_to_expressions() -> None:
    for value in ("4.5", "'many'", "os.environ['N']", "None"):
        assert found(RULE, f"import os\nworkers = {value}\n") == []
    assert found(RULE, "workers = '4'\n")[0].message == "4 workers"


def test_cores_that_nobody_declared_make_a_warning_that_says_so() -> None:
    text = "import os\nworkers = os.cpu_count()\n"
    (finding,) = found(RULE, text, cpus=2)
    assert finding.severity == "warning"
    assert finding.message == ("64 workers; if the target has only 2 cores pass --cores 2")
    (declared,) = found(RULE, text, cpus=2, cores=8)
    assert (declared.severity, declared.message) == ("error", "8 workers")


@pytest.mark.parametrize("count", ["os.cpu_count()", "len(os.sched_getaffinity(0))"])
def test_the_cores_to_declare_are_a_number_that_the_option_takes(count: str) -> None:
    (finding,) = found(RULE, f"import os\nworkers = {count}\n", cpus=0.5)
    assert finding.severity == "warning"
    assert finding.message == "64 workers; if the target has only 1 core pass --cores 1"


def test_a_value_of_another_world_is_a_note_with_its_condition() -> None:
    text = "import os\nworkers = 1\nif os.environ.get('BIG'):\n    workers = 9\n"
    (finding,) = found(RULE, text)
    assert (finding.severity, finding.span.line) == ("note", 4)
    assert "BIG" in finding.condition
    (declared,) = found(RULE, text, env={"BIG": "1"})
    assert (declared.severity, declared.condition) == ("error", "")


def test_what_holds_anyway_is_not_said_again_for_each_world() -> None:
    text = "import os\nworkers = 9\nif os.environ.get('BIG'):\n    threads = 2\n"
    assert len(found(replace(RULE, settings=("workers", "threads")), text)) == 1


def test_a_rule_may_ask_for_the_app_the_advice_and_what_settings_come_to() -> None:
    rule = replace(
        RULE,
        when="effective.worker_class == 'gthread' and effective.in_flight == 8"
        " and advice.workers == 5 and app.kind == 'unknown' and 'cpu' not in depends.workers"
        " and effective.memory_bytes > 400 and not effective.tls and not effective.bind_unix",
    )
    assert len(found(rule, "workers = 4\nthreads = 2\n")) == 1
    assert found(rule, "workers = 4\nthreads = 3\n") == []


@pytest.mark.parametrize(
    ("bind", "public", "unix"),
    [
        ("'0.0.0.0:80'", True, False),
        ("':80'", True, False),
        ("'127.0.0.1:80'", False, False),
        ("'[::1]:80'", False, False),
        ("'localhost:80'", False, False),
        ("'unix:/run/g.sock'", False, True),
        ("['127.0.0.1:80', 'unix:/run/g.sock', '10.0.0.1:80']", True, True),
    ],
)
def test_where_a_bind_can_be_reached_from(bind: str, public: bool, unix: bool) -> None:
    when = f"effective.bind_public is {public} and effective.bind_unix is {unix}"
    rule = replace(RULE, settings=("bind",), when=when, message=Template("x"))
    assert len(found(rule, f"bind = {bind}\n")) == 1


@pytest.mark.parametrize(
    ("worker_class", "effective"),
    [
        ("gevent_pywsgi", "gevent"),
        ("egg:gunicorn#gevent", "gevent"),
        ("gunicorn.workers.ggevent.GeventWorker", "gevent"),
        ("uvicorn.workers.UvicornH11Worker", "uvicorn"),
        ("uvicorn_worker.UvicornWorker", "uvicorn"),
        ("own.Worker", "other"),
        ("sync", "sync"),
    ],
)
def test_which_class_runs(worker_class: str, effective: str) -> None:
    when = f"effective.worker_class == '{effective}'"
    rule = replace(RULE, settings=("worker_class",), when=when, message=Template("x"))
    assert len(found(rule, f"worker_class = '{worker_class}'\n")) == 1


def test_an_own_class_has_threads_that_nobody_knows() -> None:
    rule = replace(RULE, when="not known(effective.threads) and not known(effective.reuses)")
    assert len(found(rule, "workers = 3\nworker_class = 'own.Worker'\n")) == 1


def test_words_select_rules_and_a_wrong_one_is_refused() -> None:
    rules = load_check_rules()
    assert {rule.id for rule in chosen(rules, ["GT0"])} == {
        rule.id for rule in rules if rule.id < "GT1"
    }
    assert chosen(rules, ["misspelt-setting"])[0].id == "GT101"
    assert not {"GT101"} & {rule.id for rule in chosen(rules, (), ["gt1"])}
    with pytest.raises(UsageError, match="did you mean"):
        chosen(rules, ["misspelled-setting"])


def document(**changes: Any) -> dict[str, Any]:
    return {
        "id": "GX900",
        "name": "ours",
        "since": "1",
        "severity": "error",
        "settings": ["workers"],
        "when": "conf.workers > 2",
        "message": "m",
        "help": "h",
        "summary": "s",
        "why": "w",
        "case": [{"name": "c", "conf": "workers = 3"}],
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "GT900"}, "does not start with GX"),
        ({"when": None}, "a rule has an expression"),
        ({"settings": []}, "name the settings"),
        ({"settings": ["wrokers"]}, "Gunicorn has no wrokers"),
        ({"severity": "fatal"}, "severity"),
        ({"let": {"conf": "1", "a b": "2"}}, "no free name"),
        ({"name": "theirs"}, "do not match the file's name"),
        ({"run": "os.system"}, "run"),
        ({"case": []}, "case"),
    ],
)
def test_a_rule_file_that_breaks_the_format_is_refused(changes: dict[str, Any], said: str) -> None:
    broken = {key: value for key, value in document(**changes).items() if value is not None}
    with pytest.raises(RuleError, match=said):
        validate(broken, Path("GX900-ours.toml"), "GX")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when": "conf.wrokers"}, "is no fact"),
        ({"when": "open('x')"}, "is no function"),
        ({"when": "().__class__"}, "not allowed"),
        ({"when": "set.workers"}, "is no fact"),
        ({"message": Template("{conf.workers")}, "brace"),
        ({"message": Template("{hit.name}")}, "is no fact"),
    ],
)
def test_an_expression_that_names_what_is_not_there_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(RuleError, match=said):
        check_expressions(replace(RULE, **changes))


@pytest.mark.parametrize("when", ["conf.workers + 'x'", "1 / 0", "conf.workers * 2 ** 250 > 1"])
def test_a_rule_that_can_not_be_worked_out_is_skipped_and_counted(when: str) -> None:
    rule = replace(RULE, when=when)
    report = report_of(rule, (rule,), {}, "workers = 300\n")
    assert report.findings == ()
    assert [item.rule for item in report.skipped] == ["GX900"]
    assert "can't be worked out" in report.skipped[0].reason


def test_names_of_a_rule_that_need_each_other_are_skipped_too() -> None:
    rule = replace(RULE, when="a", let=(("a", "b"), ("b", "a")))
    assert found(rule, "workers = 3\n") == []


def test_the_facts_are_those_that_the_readme_names() -> None:
    assert is_fact("conf.workers")
    assert is_fact("host.cpus")
    assert is_fact("gunicorn.release")
    assert not is_fact("set.workers")
    assert not is_fact("fired")
    assert not is_fact("conf.wrokers")
    assert not is_fact("hit.name")


EITHER = """
try:
    import gevent
    worker_class = "gevent"
except ImportError:
    worker_class = "gthread"
threads = 4
"""


@pytest.mark.parametrize(
    ("text", "fixes"),
    [
        ("worker_class = 'gevent'\nthreads = 4\n", 1),
        ("import os\nworker_class = os.getenv('CLASS', 'gevent')\nthreads = 4\n", 0),
        (EITHER, 0),
    ],
)
def test_nothing_is_deleted_that_serves_another_class_of_the_file(text: str, fixes: int) -> None:
    rule = next(rule for rule in EVERY if rule.id == "GT401")
    (finding,) = found(rule, text)
    assert (finding.fix is not None) == bool(fixes)
