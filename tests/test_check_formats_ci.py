"""What CI reads: GitHub's annotations, GitLab's code quality report, JUnit's XML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from gunitune.conf.model import START, Span
from gunitune.render import renderer
from reports import FINDINGS, NO_JITTER, OVERSUBSCRIBED, finding, report

github = renderer("check", "github")
gitlab = renderer("check", "gitlab")
junit = renderer("check", "junit")
XSD = Path(__file__).parent / "fixtures" / "schemas" / "junit-10.xsd"
XS = "{http://www.w3.org/2001/XMLSchema}"
# What GitLab's documentation of the report requires.
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^./].*"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def test_github_gets_a_command_for_each_finding_errors_first() -> None:
    assert github(report(*FINDINGS)) == (
        "::error file=gunicorn.conf.py,line=2,endLine=2,col=1,endColumn=8,"
        "title=gunitune GT101 unknown-setting"
        "::gunicorn.conf.py:2: Gunicorn has no setting workres%0Ahelp: write workers\n"
        "::warning file=gunicorn.conf.py,line=3,endLine=3,col=1,endColumn=8,"
        "title=gunitune GT201 workers-oversubscribe-cpus"
        "::gunicorn.conf.py:3: 129 workers on 2 CPUs%0Ahelp: set workers to 5 or fewer\n"
        "::notice file=gunicorn.conf.py,line=4,endLine=4,col=1,endColumn=13,"
        "title=gunitune GT502 no-jitter"
        "::gunicorn.conf.py:4: all workers restart at once (if DEBUG is set)"
        "%0Ahelp: add max_requests_jitter\n"
    )


def test_github_gets_the_worst_first_whatever_the_file() -> None:
    made = report(NO_JITTER, OVERSUBSCRIBED, finding(path="z.py"))
    assert re.findall("^::(\\w+)", github(made), re.MULTILINE) == ["error", "warning", "notice"]


def test_github_gets_nothing_where_nothing_was_found() -> None:
    assert github(report()) == ""


def test_github_gets_no_columns_of_a_span_of_several_lines() -> None:
    command = github(report(finding(span=Span(2, 5, 4, 2))))
    assert "line=2,endLine=4,title=" in command
    assert "col=" not in command
    assert "endColumn=" not in command


def test_github_gets_properties_and_messages_escaped() -> None:
    made = report(finding(path="a,b:c%d\n.py", message="100%\r\n::error::x, y: z", help=""))
    assert github(made) == (
        "::error file=a%2Cb%3Ac%25d\\n.py,line=2,endLine=2,col=1,endColumn=8,"
        "title=gunitune GT101 unknown-setting"
        "::a,b:c%25d\\n.py:2: 100%25\\r\\n::error::x, y: z\n"
    )


def issues(*findings: Any) -> Any:
    """The GitLab report, which has what GitLab requires."""
    text = gitlab(report(*findings))
    assert text.isascii()
    loaded = json.loads(text)
    jsonschema.Draft202012Validator(CODE_QUALITY).validate(loaded)
    return loaded


def test_gitlab_gets_an_issue_for_each_finding() -> None:
    found = issues(*FINDINGS)
    assert found[1] == {
        "description": "GT201: 129 workers on 2 CPUs. Help: set workers to 5 or fewer",
        "check_name": "GT201",
        "fingerprint": found[1]["fingerprint"],
        "severity": "minor",
        "location": {"path": "gunicorn.conf.py", "lines": {"begin": 3, "end": 3}},
    }
    assert [issue["severity"] for issue in found] == ["major", "minor", "info"]
    assert found[2]["description"] == (
        "GT502: all workers restart at once (if DEBUG is set). Help: add max_requests_jitter"
    )


def test_gitlab_gets_an_empty_list_where_nothing_was_found() -> None:
    assert gitlab(report()) == "[]\n"


def test_a_fingerprint_outlives_a_moved_line_and_another_machine() -> None:
    moved = replace(OVERSUBSCRIBED, span=Span(40, 1, 40, 8), message="129 workers on 4 CPUs")
    assert issues(moved)[0]["fingerprint"] == issues(OVERSUBSCRIBED)[0]["fingerprint"]


@pytest.mark.parametrize("alike", [2, 5])
def test_fingerprints_are_unique(alike: int) -> None:
    same = [finding(span=Span(line, 1, line, 2)) for line in range(1, alike + 1)]
    others = [
        finding(path="other.py"),
        finding(setting=None),
        finding(rule="GT102"),
        finding(condition="if DEBUG is set"),
    ]
    marks = [issue["fingerprint"] for issue in issues(*same, *others)]
    assert len(set(marks)) == alike + 4
    assert all(re.fullmatch("[0-9a-f]{64}", mark) for mark in marks)


def test_a_fingerprint_is_the_same_in_every_run() -> None:
    assert issues(finding())[0]["fingerprint"] == (
        "d818e30ee0fba2d20f990e182e89d2c99e8d2ac08196402e0499829100f06acb"
    )


def allowed() -> dict[str, tuple[dict[str, bool], set[str]]]:
    """Each element of Jenkins' schema: its attributes, required or not, and its children."""
    schema = ET.parse(XSD).getroot()
    return {
        element.attrib["name"]: (
            {
                attribute.attrib["name"]: attribute.get("use") == "required"
                for attribute in element.iter(f"{XS}attribute")
            },
            {
                child.attrib["ref"]
                for child in element.iter(f"{XS}element")
                if "ref" in child.attrib
            },
        )
        for element in schema.iterfind(f"{XS}element")
    }


def suites(*findings: Any) -> ET.Element:
    """The XML, which Jenkins takes; `line` and `column` of a case are what other checkers add."""
    root = ET.fromstring(junit(report(*findings)))
    schema = allowed()
    schema["testcase"][0].update(line=False, column=False)
    for element in root.iter():
        attributes, children = schema[element.tag]
        assert set(element.attrib) <= set(attributes), element.tag
        assert {name for name, required in attributes.items() if required} <= set(element.attrib)
        assert {child.tag for child in element} <= children
    return root


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_finding() -> None:
    root = suites(*FINDINGS, finding(path="deploy/web.conf.py"))
    assert root.attrib == {"name": "gunitune", "tests": "4", "failures": "3", "errors": "0"}
    assert [suite.attrib for suite in root] == [
        {"name": "gunicorn.conf.py", "tests": "3", "failures": "2", "errors": "0", "skipped": "1"},
        {
            "name": "deploy/web.conf.py",
            "tests": "1",
            "failures": "1",
            "errors": "0",
            "skipped": "0",
        },
    ]
    case = root[0][0]
    assert case.attrib == {
        "name": "GT101", "classname": "gunicorn.conf.py", "line": "2", "column": "1",
    }  # fmt: skip
    assert case[0].tag == "failure"
    assert case[0].attrib == {"type": "error", "message": "Gunicorn has no setting workres"}
    assert case[0].text == (
        "line 2, column 1: Gunicorn has no setting workres\nhelp: write workers"
    )


def test_a_note_fails_no_case() -> None:
    case = suites(NO_JITTER)[0][0]
    assert case[0].tag == "skipped"
    assert case[0].attrib["message"] == "all workers restart at once (if DEBUG is set)"


def test_junit_has_one_passed_case_where_nothing_was_found() -> None:
    root = suites()
    assert root.attrib["tests"] == "1"
    assert [len(case) for case in root[0]] == [0]


def test_junit_escapes_what_xml_has_no_way_to_hold() -> None:
    evil = "a\x00\x1b\ufffe\udc80<b>&\"'\u2028"
    case = suites(finding(path=evil, message=evil, help="", span=START))[0][0]
    shown = "a\\x00\\x1b\\ufffe\\udc80<b>&\"'\\u2028"
    assert case.attrib["classname"] == shown
    assert case[0].attrib["message"] == shown
    assert case[0].text == f"line 1, column 1: {shown}"
