"""The page and the JSON document of `check`: what they say, where they point, what they hide."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gunitune.conf.model import Conf, Defined, Fault, Span
from gunitune.model import Skipped, Unknown
from gunitune.render import formats, renderer
from gunitune.render.check._assumed import assumptions
from gunitune.render.check._source import source
from gunitune.report import Checked, Ignored, Report
from reports import (
    FINDINGS,
    HOST,
    IGNORED,
    OVERSUBSCRIBED,
    SKIPPED,
    SPELLING,
    assigned,
    conf,
    finding,
    report,
)

SCHEMAS = Path(__file__).resolve().parent.parent / "docs" / "schemas"
text = renderer("check", "text")
PAGE = """\
gunicorn.conf.py:2:1: error: Gunicorn has no setting workres [GT101 unknown-setting]
  |
2 | workres = 4
  | ^^^^^^^
  = help: write workers
  = fix: rename workres to workers (--fix does it)
  = more: gunitune rule GT101

gunicorn.conf.py:3:1: warning: 129 workers on 2 CPUs [GT201 workers-oversubscribe-cpus]
  |
3 | workers = 129
  | ^^^^^^^
  = help: set workers to 5 or fewer
  = more: gunitune rule GT201

gunicorn.conf.py:4:1: note: all workers restart at once [GT502 no-jitter]
  |
4 | max_requests = 1000
  | ^^^^^^^^^^^^
  = when: if DEBUG is set
  = help: add max_requests_jitter
  = more: gunitune rule GT502
"""


def document(made: Report) -> Any:
    """The JSON document, which keeps to its schema."""
    loaded = json.loads(renderer("check", "json")(made))
    schema = json.loads((SCHEMAS / "check-1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(loaded)
    return loaded


def excerpt(line: str, column: int, end_column: int, width: int = 80) -> list[str]:
    """The source line and the carets that a finding on the only line of a file is shown with."""
    made = report(
        finding(span=Span(1, column, 1, end_column)),
        files=(Checked(conf(f"{line}\n"), "25.3.0", "newest"),),
    )
    return text(made, width=width).splitlines()[2:4]


def test_the_formats_are_those_of_the_design() -> None:
    assert formats("check") == ("github", "gitlab", "json", "junit", "sarif", "text")


def test_the_page_shows_each_finding_and_ends_with_their_number() -> None:
    assert text(report(*FINDINGS)) == (
        f"{PAGE}\nFound 1 error, 1 warning and 1 note in 1 of 2 files; 1 can be fixed with --fix\n"
    )


def test_a_quiet_page_has_the_findings_alone() -> None:
    assert text(report(*FINDINGS), quiet=True) == PAGE
    assert text(report(), quiet=True) == ""


def test_a_clean_page_says_so() -> None:
    assert text(report()) == "All checks passed in 2 files\n"
    assert (
        text(report(ignored=(IGNORED,)))
        == "All checks passed in 2 files; 1 finding ignored by comments\n"
    )
    assert text(report(files=())) == "No Gunicorn config was checked\n"


def test_the_number_of_findings_is_said_in_words() -> None:
    errors = [finding(span=Span(line, 1, line, 2)) for line in (1, 2)]
    last = text(report(*errors, ignored=(IGNORED, IGNORED))).splitlines()[-1]
    assert last == "Found 2 errors in 1 of 2 files; 2 findings ignored by comments"
    assert text(report(OVERSUBSCRIBED)).splitlines()[-1] == "Found 1 warning in 1 of 2 files"


def test_findings_stand_file_by_file_then_by_line_the_worst_first() -> None:
    made = report(
        finding(path="other.py"),
        finding(path="deploy/web.conf.py", span=Span(1, 1, 1, 5)),
        replace(OVERSUBSCRIBED, severity="note", span=Span(2, 1, 2, 8)),
        replace(OVERSUBSCRIBED, span=Span(2, 9, 2, 10)),
        finding(span=Span(10, 1, 10, 2)),
        finding(),
    )
    heads = re.findall(r"^\S+:\d+:\d+: \w+", text(made), re.MULTILINE)
    assert heads == [
        "gunicorn.conf.py:2:1: error",
        "gunicorn.conf.py:2:9: warning",
        "gunicorn.conf.py:2:1: note",
        "gunicorn.conf.py:10:1: error",
        "deploy/web.conf.py:1:1: error",
        "other.py:2:1: error",
    ]


def test_how_to_learn_more_is_said_once_for_a_rule() -> None:
    made = report(finding(), finding(span=Span(3, 1, 3, 2)))
    assert text(made).count("= more: gunitune rule GT101") == 1


def test_a_finding_without_help_has_no_empty_line_for_it() -> None:
    assert "help" not in text(report(finding(help="")))


def test_long_help_is_wrapped_under_itself() -> None:
    lines = text(report(finding(help="word " * 40)), width=60).splitlines()
    assert all(len(line) <= 60 for line in lines[4:8])
    assert lines[5].startswith("          word")


@pytest.mark.parametrize(
    ("line", "column", "end_column", "shown", "carets"),
    [
        ("workers = 4", 11, 12, "workers = 4", "          ^"),
        ("\tworkers = 4", 2, 9, "    workers = 4", "    ^^^^^^^"),
        ("名 = '工人'; x = 1", 11, 12, "名 = '工人'; x = 1", "             ^"),
        ("名前 = 4", 1, 3, "名前 = 4", "^^^^"),
        ("e\u0301a = 4", 3, 4, "e\u0301a = 4", " ^"),
        ("a\x1b[31m = 4", 2, 7, r"a\x1b[31m = 4", " ^^^^^^^^"),
        ("workers", 8, 9, "workers", "       ^"),
        ("workers", 99, 120, "workers", "       ^"),
        ("workers", 3, 3, "workers", "  ^"),
        ('secret_key = "hunter2"; workers = 9', 25, 32, 'secret_key = "***"; workers = 9',
         "                    ^^^^^^^"),
        ('secret_key = "hunter2"', 14, 23, 'secret_key = "***"', "             ^^^^^"),
        ('raw_env = ["A=hunter2"]', 1, 8, 'raw_env = ["A=***"]', "^^^^^^^"),
    ],
)  # fmt: skip
def test_carets_stand_under_the_place(
    line: str, column: int, end_column: int, shown: str, carets: str
) -> None:
    assert excerpt(line, column, end_column) == [f"1 | {shown}", f"  | {carets}"]


def test_a_long_line_is_cut_around_the_place() -> None:
    line = f"a = {'b' * 100} + workres + {'c' * 100}"
    shown, carets = excerpt(line, 108, 115, width=60)
    assert shown == f"1 | ...{'b' * 9} + workres + {'c' * 28}..."
    assert carets == f"  | {' ' * 15}^^^^^^^"


def test_a_long_line_keeps_its_start_where_the_place_is_there() -> None:
    shown, carets = excerpt(f"workres = {'b' * 200}", 1, 8, width=60)
    assert shown == f"1 | workres = {'b' * 43}..."
    assert carets == "  | ^^^^^^^"


def test_a_span_longer_than_the_page_shows_its_start() -> None:
    shown, carets = excerpt(f"a = {'b' * 20} {'c' * 300}", 26, 326, width=60)
    assert shown == f"1 | ...{'b' * 11} {'c' * 38}..."
    assert carets == f"  | {' ' * 15}{'^' * 38}"


def test_a_span_of_several_lines_shows_the_first() -> None:
    made = report(
        finding(span=Span(1, 1, 3, 2)),
        files=(Checked(conf("raw_env = [  \n    'A=b',\n]\n"), "25.3.0", "newest"),),
    )
    assert text(made).splitlines()[2:5] == ["1 | raw_env = [", "  | ^^^^^^^^^^^", "  = help: write workers"]  # fmt: skip  # noqa: E501  (as it is shown)


def test_a_place_without_a_line_has_no_excerpt() -> None:
    empty = (Checked(conf(""), "25.3.0", "newest"),)
    assert "|" not in text(report(finding(span=Span(1, 1, 1, 1)), files=empty))
    assert "|" not in text(report(finding(span=Span(9, 1, 9, 2))))
    assert "|" not in text(report(finding(path="elsewhere.py")))


def test_lines_are_counted_as_python_does() -> None:
    made = report(
        finding(span=Span(3, 1, 3, 8)),
        files=(Checked(conf("a = '\x0c\u2028'\r\nb = 1\rworkres = 4"), "25.3.0", "newest"),),
    )
    assert text(made).splitlines()[2] == "3 | workres = 4"


def test_a_secret_of_several_lines_is_hidden_on_each() -> None:
    held = 'key = """-----BEGIN PRIVATE KEY-----\nc2hvcnQ=\n-----END PRIVATE KEY-----"""\n'
    files = (Checked(conf(held), "25.3.0", "newest"),)
    made = report(finding(span=Span(2, 1, 2, 9)), files=files)
    assert text(made).splitlines()[2:4] == ["2 | ***", "  | ^^^"]


def test_the_gutter_is_as_wide_as_the_line_number() -> None:
    files = (Checked(conf("\n" * 999 + "workres = 4\n"), "25.3.0", "newest"),)
    lines = text(report(finding(span=Span(1000, 1, 1000, 8)), files=files)).splitlines()
    assert lines[1:5] == [
        "     |", "1000 | workres = 4", "     | ^^^^^^^", "     = help: write workers",
    ]  # fmt: skip


def test_colours_change_no_word() -> None:
    made = report(*FINDINGS, ignored=(IGNORED,))
    colored = text(made, color=True)
    assert colored != text(made)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in bare.splitlines()] == text(made).splitlines()


def test_markup_is_shown_as_it_is() -> None:
    made = report(finding(message="[red]x[/red] [/] :smile:", help="[b]"))
    for color in (True, False):
        bare = re.sub(r"\x1b\[[0-9;]*m", "", text(made, color=color))
        assert "error: [red]x[/red] [/] :smile:" in bare
        assert "help: [b]" in bare


def test_the_document_holds_all_that_was_found() -> None:
    made = document(report(*FINDINGS, ignored=(IGNORED,), skipped=SKIPPED))
    assert (made["schema"], made["cores_assumed"]) == ("gunitune/check/1", True)
    assert made["host"]["memory_source"] == "not declared (--memory)"
    assert made["findings"][0] == {
        "rule": "GT101", "name": "unknown-setting", "severity": "error", "confidence": "high",
        "message": "Gunicorn has no setting workres", "path": "gunicorn.conf.py",
        "line": 2, "column": 1, "end_line": 2, "end_column": 8, "setting": "workres",
        "help": "write workers", "condition": None,
        "fix": {
            "title": "rename workres to workers",
            "edits": [
                {"line": 2, "column": 1, "end_line": 2, "end_column": 8, "text": "workers"}
            ],
        },
    }  # fmt: skip
    assert made["findings"][2]["condition"] == "if DEBUG is set"
    assert made["findings"][2]["fix"] is None
    assert made["rules"] == ["GT101", "GT201", "GT502", "GT601"]
    assert made["summary"] == {
        "files": 2, "files_with_findings": 1, "errors": 1, "warnings": 1, "notes": 1,
        "ignored": 1, "fixable": 1,
    }  # fmt: skip


def test_the_document_says_what_was_ignored_and_skipped() -> None:
    made = document(report(ignored=(Ignored(finding(), 1, "token = 'x'"),), skipped=SKIPPED))
    assert made["ignored"][0]["rule"] == "GT101"
    assert made["ignored"][0]["ignore_line"] == 1
    assert made["ignored"][0]["reason"] == "token = '***'"
    assert made["skipped"] == [
        {"rule": "GT301", "reason": "memory not declared: pass --memory", "files": 2},
        {"rule": "GT302", "reason": "memory not declared: pass --memory", "files": 1},
        {"rule": "GT801", "reason": "platform not declared: pass --platform", "files": 1},
    ]


def test_the_document_holds_each_file_with_its_faults() -> None:
    fault = Fault("syntax", "'(' was never closed", Span(3, 5, 3, 6))
    made = document(
        report(files=(Checked(conf(faults=(fault,), dynamic="exec at line 3"), "23.0.0", "pin"),))
    )
    assert made["files"] == [
        {
            "path": "gunicorn.conf.py", "gunicorn": "23.0.0", "gunicorn_source": "pin",
            "faults": [
                {
                    "kind": "syntax", "message": "'(' was never closed",
                    "line": 3, "column": 5, "end_line": 3, "end_column": 6,
                },
            ],
            "dynamic": "exec at line 3",
        },
    ]  # fmt: skip


def held(name: str, value: Any) -> Any:
    """A setting's record in the document."""
    settings = {name: assigned(name, value, 7, depends_on=("env:X", "cpu"))}
    files = (Checked(conf(settings=settings), "25.3.0", "newest"),)
    return document(report(files=files))["settings"][0]


def test_a_setting_has_its_value_place_and_dependencies() -> None:
    assert held("workers", 5) == {
        "path": "gunicorn.conf.py", "line": 7, "name": "workers", "value": 5, "unknown": None,
        "depends_on": ["env:X", "cpu"],
    }  # fmt: skip


def test_an_unknown_setting_has_its_reason() -> None:
    record = held("workers", Unknown("set by environment variable X"))
    assert (record["value"], record["unknown"]) == (None, "set by environment variable X")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("bind", ("a:1", "b:2"), ["a:1", "b:2"]),
        ("raw_env", ["A=b", "SECRET"], ["A=***", "***"]),
        ("post_fork", Defined("function", "post_fork"), "the function post_fork"),
        ("timeout", float("inf"), "inf"),
        ("workers", 1 << 5000, "a number of 5001 bits"),
        ("statsd_host", b"x", "b'x'"),
        ("logconfig_dict", {"password": "a", 1: [Unknown("set by X")]},
         {"password": "***", "1": ["unknown: set by X"]}),
        ("proc_name", "a\x1b\udc80", "a\x1b\\udc80"),
    ],
)  # fmt: skip
def test_a_value_that_json_lacks_is_text(name: str, value: Any, expected: Any) -> None:
    assert held(name, value)["value"] == expected


def test_the_document_is_plain_ascii() -> None:
    made = renderer("check", "json")(
        report(finding(message="名\u2028\x85\x07", path="\udc80名.py"))
    )
    assert made.isascii()
    assert "\\udc" not in made.replace("\\\\udc", "")
    assert json.loads(made)["findings"][0]["path"] == "\\udc80名.py"


def test_what_was_assumed_is_said() -> None:
    assert assumptions(report(skipped=SKIPPED)) == [
        (
            "declared target: 2 CPUs (--cpus), 64 cores visible (assumed: pass --cores),"
            " memory not declared: pass --memory"
        ),
        "Gunicorn 25.3.0 (requirements.txt:3)",
        "2 rules skipped: memory not declared: pass --memory (GT301, GT302)",
        "1 rule skipped: platform not declared: pass --platform (GT801)",
    ]


def test_this_machine_may_not_be_the_target() -> None:
    host = replace(
        HOST, origin="this machine", cores_visible=1, cores_source="/proc/stat",
        memory_bytes=1 << 30, memory_source="cgroup v2 memory.max", platform="docker",
        platform_source="/.dockerenv",
    )  # fmt: skip
    assert assumptions(report(host=host, cores_assumed=False))[0] == (
        "this machine: 2 CPUs (--cpus), 1 core visible (/proc/stat), 1 GiB memory"
        " (cgroup v2 memory.max), docker (/.dockerenv); if it is not where Gunicorn will run,"
        " declare the target with --cpus and --memory"
    )


def test_an_unknown_machine_is_said_to_be_unknown() -> None:
    host = replace(HOST, cores_visible=Unknown("no /proc"), memory_bytes=Unknown("no /proc"))
    assert assumptions(report(host=host))[0] == (
        "declared target: 2 CPUs (--cpus), memory unknown (no /proc)"
    )


def test_each_release_is_said_with_its_files() -> None:
    files = tuple(
        Checked(Conf(path=f"{name}.py", text=""), release, "pin")
        for name, release in zip("abcdef", ("23.0.0",) * 5 + ("25.3.0",), strict=True)
    )
    assert assumptions(report(files=files))[1:] == [
        "Gunicorn 23.0.0 (pin): a.py, b.py, c.py and 2 more",
        "Gunicorn 25.3.0 (pin): f.py",
    ]


def test_many_releases_and_reasons_are_shortened() -> None:
    files = tuple(Checked(Conf(path=f"{n}.py", text=""), f"23.{n}.0", "pin") for n in range(8))
    skipped = [Skipped(f"GT3{n:02}", "x" * 200) for n in range(9)]
    skipped += [Skipped("GT401", f"fact {n}") for n in range(6)]
    lines = assumptions(report(files=files, skipped=tuple(skipped)))
    assert lines[6] == "3 more releases or sources: -f json lists them"
    assert lines[7] == (
        f"9 rules skipped: {'x' * 97}... (GT300, GT301, GT302, GT303, GT304, GT305 and 3 more)"
    )
    assert lines[8:12] == [f"1 rule skipped: fact {n} (GT401)" for n in range(4)]
    assert lines[12:] == ["1 rule skipped for 2 other unknown facts: -f json lists them"]


def test_a_fix_that_would_show_a_secret_hides_it() -> None:
    edits = (replace(SPELLING.edits[0], text="password = 'hunter2'"),)
    made = document(report(finding(fix=replace(SPELLING, edits=edits))))
    assert made["findings"][0]["fix"]["edits"][0]["text"] == "password = '***'"


def test_many_findings_on_a_long_line_take_no_longer_than_on_many_lines() -> None:
    line = "; ".join(f"workres{at} = 1" for at in range(15_000))
    spans = [Span(1, 1 + 16 * at, 1, 9 + 16 * at) for at in range(2_000)]
    read = source(line)
    shown = [read.excerpt(span, 60) for span in spans]
    assert len(read.lines[0]) > 250_000
    assert all(len(found[0]) <= 60 for found in shown if found)


def test_characters_without_a_column_do_not_fill_the_page() -> None:
    read = source("a" + "\u0301" * 50_000 + " = 1")
    found = read.excerpt(Span(1, 1, 1, 50_002), 60)
    assert found is not None
    assert len(found[0]) < 1_000
