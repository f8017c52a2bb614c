"""What code scanning reads: SARIF by its schema, and by the properties that GitHub asks for."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gunitune.conf.model import START, Span
from gunitune.model import Unknown
from gunitune.render import renderer
from gunitune.render.check import sarif
from gunitune.report import Finding, Report
from reports import FINDINGS, IGNORED, OVERSUBSCRIBED, RULES, SPELLING, finding, report, rule

SCHEMA = json.loads((Path(__file__).parent / "fixtures/schemas/sarif-2.1.0.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
# A relative reference: no scheme, no authority, only the characters of RFC 3986.
RELATIVE = re.compile(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*")


def run(made: Report) -> Any:
    """The one run of the log, which keeps to the schema."""
    text = renderer("check", "sarif")(made)
    assert text.isascii()
    log = json.loads(text)
    VALIDATOR.validate(log)
    assert log["version"] == "2.1.0"
    assert log["$schema"] == "https://json.schemastore.org/sarif-2.1.0.json"
    (only,) = log["runs"]
    return only


def results(*findings: Any) -> Any:
    """The results of a report with these findings."""
    return run(report(*findings))["results"]


def rules(made: Report) -> dict[str, Any]:
    """The rules that the driver lists, by id."""
    return {item["id"]: item for item in run(made)["tool"]["driver"]["rules"]}


def test_every_property_that_github_requires_is_there() -> None:
    made = run(report(*FINDINGS))
    driver = made["tool"]["driver"]
    assert driver["name"] == "gunitune"
    for item in driver["rules"]:
        assert item["id"]
        for key in ("shortDescription", "fullDescription"):
            assert 0 < len(item[key]["text"]) <= 1024
        assert item["help"]["text"]
        assert item["help"]["markdown"]
        assert item["defaultConfiguration"]["level"] in {"note", "warning", "error"}
        assert item["properties"]["precision"] in {"very-high", "high", "medium", "low"}
        assert item["properties"]["problem.severity"] in {"error", "warning", "recommendation"}
        assert len(item["properties"]["tags"]) <= 20
    for result in made["results"]:
        assert result["message"]["text"]
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert RELATIVE.fullmatch(place["artifactLocation"]["uri"])
        assert set(place["region"]) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert set(result["partialFingerprints"]) == {"gunitune/v1"}


def test_all_selected_rules_are_listed_found_or_not() -> None:
    assert list(rules(report())) == ["GT101", "GT201", "GT502", "GT601"]
    assert rules(report()) == rules(report(*FINDINGS))


def test_a_rule_is_described_in_its_own_words() -> None:
    described = rules(report())["GT201"]
    assert described == {
        "id": "GT201",
        "name": "workers-oversubscribe-cpus",
        "shortDescription": {"text": "More workers than the CPUs can run."},
        "fullDescription": {
            "text": "Workers beyond the CPUs wait for one another. Each takes memory."
        },
        "help": {
            "text": (
                "More workers than the CPUs can run.\n\n"
                "Workers beyond the CPUs wait for one another.\nEach takes memory.\n\n"
                "Help: set workers to 2 * ceil(host.cpus) + 1 or fewer\n\n"
                "Not where: The requests wait for others.\n\n"
                "https://docs.gunicorn.org/en/stable/design.html\n\n"
                "gunitune rule GT201"
            ),
            "markdown": (
                "**More workers than the CPUs can run.**\n\n"
                "Workers beyond the CPUs wait for one another.\nEach takes memory.\n\n"
                "**Help:** set workers to `2 * ceil(host.cpus) + 1` or fewer\n\n"
                "**Not where:** The requests wait for others.\n\n"
                "- <https://docs.gunicorn.org/en/stable/design.html>\n\n"
                "`gunitune rule GT201` says more."
            ),
        },
        "defaultConfiguration": {"level": "warning"},
        "properties": {
            "tags": ["gunicorn", "cpu"], "precision": "high", "problem.severity": "warning",
        },
    }  # fmt: skip


def test_only_a_security_rule_has_a_security_severity() -> None:
    described = rules(report())
    assert described["GT601"]["properties"]["security-severity"] == "5.0"
    assert "security" in described["GT601"]["properties"]["tags"]
    assert [name for name, item in described.items() if "security-severity" in str(item)] == [
        "GT601"
    ]


def test_a_rule_with_little_to_say_is_described_all_the_same() -> None:
    short = rule("XX001", why="", unless="", refs=(), help=replace(RULES[0].help, text=""))
    described = rules(report(rules=(short,)))["XX001"]
    assert described["fullDescription"]["text"] == "More workers than the CPUs can run."
    assert described["help"]["text"] == (
        "More workers than the CPUs can run.\n\ngunitune rule XX001"
    )
    assert described["properties"]["tags"] == ["gunicorn"]


def test_a_long_description_is_cut() -> None:
    described = rules(report(rules=(rule(why="w" * 3000, summary="s" * 3000),)))["GT201"]
    assert len(described["fullDescription"]["text"]) == 1024
    assert described["shortDescription"]["text"].endswith("s...")


def test_a_finding_of_a_rule_that_is_not_listed_describes_it() -> None:
    made = report(finding(rule="GT001", name="unused-ignore"), rules=())
    described = rules(made)["GT001"]
    assert described["shortDescription"]["text"] == "unused ignore"
    assert described["properties"]["tags"] == ["gunicorn", "gunitune"]
    assert rules(report(finding(name=""), rules=()))["GT101"]["help"]["text"] == "GT101"


def test_a_result_has_its_place_its_level_and_what_to_do() -> None:
    result = results(*FINDINGS)[1]
    assert (result["ruleId"], result["level"]) == ("GT201", "warning")
    assert result["message"]["text"] == "129 workers on 2 CPUs. Help: set workers to 5 or fewer"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "gunicorn.conf.py"},
        "region": {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 8},
    }
    assert result["properties"] == {"precision": "medium", "setting": "workers"}


def test_what_is_missing_from_a_file_is_placed_at_its_start() -> None:
    region = results(finding(span=START, setting=None))[0]["locations"][0]["physicalLocation"]
    assert region["region"] == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}


def test_columns_are_said_to_count_characters() -> None:
    assert run(report())["columnKind"] == "unicodeCodePoints"


def test_the_run_names_the_machine_and_the_release() -> None:
    made = run(report())
    assert made["automationDetails"] == {"id": "gunitune/"}
    (invocation,) = made["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["properties"]["host"]["cpus"] == 2.0
    assert invocation["properties"]["coresAssumed"] is True
    assert invocation["properties"]["gunicorn"] == [
        {"version": "25.3.0", "source": "requirements.txt:3"},
    ]
    assert "toolExecutionNotifications" not in invocation


def test_what_a_comment_ignores_is_left_out() -> None:
    assert run(report(ignored=(IGNORED,)))["results"] == []


def test_a_fix_is_given_as_replacements() -> None:
    (fix,) = results(finding(fix=SPELLING))[0]["fixes"]
    assert fix == {
        "description": {"text": "rename workres to workers"},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": "gunicorn.conf.py"},
                "replacements": [
                    {
                        "deletedRegion": {
                            "startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 8,
                        },
                        "insertedContent": {"text": "workers"},
                    },
                ],
            },
        ],
    }  # fmt: skip


def test_a_fix_that_would_show_a_secret_is_left_out() -> None:
    edits = (replace(SPELLING.edits[0], text="password = 'hunter2'"),)
    assert "fixes" not in results(finding(fix=replace(SPELLING, edits=edits)))[0]


def test_nothing_of_a_file_becomes_a_link() -> None:
    text = results(finding(message="[here](https://evil.example)"))[0]["message"]["text"]
    assert "](" not in text


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("deploy/gunicorn.conf.py", "deploy/gunicorn.conf.py"),
        ("<stdin>", "%3Cstdin%3E"),
        ("a b/c#d?e%f.py", "a%20b/c%23d%3Fe%25f.py"),
        ("http:/x.py", "http%3A/x.py"),
        ("../other/é.py", "../other/%C3%A9.py"),
        ("/etc/gunicorn.conf.py", "file:///etc/gunicorn.conf.py"),
        ("caf\udce9.py", "caf%E9.py"),
        ("\ud800.py", "%5Cud800.py"),
        ("a\nb.py", "a%0Ab.py"),
    ],
)
def test_a_path_is_a_uri(path: str, uri: str) -> None:
    place = results(finding(path=path))[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri


def test_fingerprints_are_those_of_gitlab() -> None:
    issues = json.loads(renderer("check", "gitlab")(report(*FINDINGS)))
    assert [result["partialFingerprints"]["gunitune/v1"] for result in results(*FINDINGS)] == [
        issue["fingerprint"] for issue in issues
    ]


def many(number: int) -> list[Finding]:
    """Findings that have little in common: for the compressor the worst."""
    return [
        replace(
            OVERSUBSCRIBED,
            path=f"{sha256(b'%d' % at).hexdigest()}.py",
            message=f"{at} workers" * 99,
        )
        for at in range(number)
    ]


def test_more_results_than_github_takes_are_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MAX_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MAX_RESULTS", 3)
    made = run(report(*many(4), finding()))
    assert [result["ruleId"] for result in made["results"]] == ["GT101", "GT201", "GT201"]
    (notification,) = made["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "2 findings are left out: 3 are the most"


def test_the_most_results_stay_within_what_github_takes() -> None:
    text = renderer("check", "sarif")(report(*many(500)))
    share = 500 / sarif.MAX_RESULTS
    assert len(gzip.compress(text.encode())) < 10 * 1024 * 1024 * share
    longest = max(len(item["message"]["text"]) for item in json.loads(text)["runs"][0]["results"])
    assert longest == 1000


def test_an_unknown_fact_of_the_machine_is_null() -> None:
    host = replace(report().host, shm=Unknown("not looked at"))
    assert run(report(host=host))["invocations"][0]["properties"]["host"]["shm"] is None


def test_a_span_of_several_lines_is_a_region() -> None:
    place = results(finding(span=Span(1, 5, 3, 2)))[0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1, "startColumn": 5, "endLine": 3, "endColumn": 2}
