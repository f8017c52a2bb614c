"""Nothing of a checked file gets out of its place in any format, whatever it holds."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.conf.model import Conf, Span
from gunitune.model import Skipped
from gunitune.render import formats, renderer
from gunitune.render.check._assumed import assumptions
from gunitune.report import Checked, Ignored, Report
from reports import assigned, finding, report

EVIL = st.text(
    st.characters()
    | st.sampled_from("\r\n\t\x00\x1b\x07\x7f\x85\u2028\u202e\ud800\udc80\ufffe:,%[]&<\"'"),
    max_size=30,
)  # fmt: skip
LINES = st.integers(1, 6)
COLUMNS = st.integers(1, 40)
SPANS = st.builds(Span, LINES, COLUMNS, LINES, COLUMNS)
SECRET = "hunter2hunter2"


@st.composite
def hostile_reports(draw: Any) -> Report:
    """Reports whose every text from outside is anything."""
    path, text = draw(EVIL), draw(st.lists(EVIL).map("\n".join))
    findings = draw(
        st.lists(
            st.builds(
                finding,
                message=EVIL,
                help=EVIL,
                condition=EVIL,
                path=st.just(path) | EVIL,
                span=SPANS,
                setting=EVIL,
                severity=st.sampled_from(["error", "warning", "note"]),
            ),
            max_size=3,
        )
    )
    settings = {"proc_name": assigned("proc_name", draw(EVIL), depends_on=(draw(EVIL),))}
    conf = Conf(path=path, text=text, settings=settings, dynamic=draw(EVIL))
    return report(
        *findings,
        files=(Checked(conf, draw(EVIL), draw(EVIL)),),
        ignored=tuple(Ignored(item, 1, draw(EVIL)) for item in findings),
        skipped=(Skipped("GT301", draw(EVIL)),),
    )


@pytest.mark.parametrize("name", formats("check"))
@given(made=hostile_reports())
def test_no_control_character_reaches_the_output(name: str, made: Report) -> None:
    text = renderer("check", name)(made)
    assert text.replace("\n", "").isprintable()


@given(made=hostile_reports())
def test_no_control_character_reaches_stderr(made: Report) -> None:
    assert all(line.isprintable() for line in assumptions(made))


@pytest.mark.parametrize("name", ["json", "gitlab", "sarif"])
@given(made=hostile_reports())
def test_a_document_is_read_back_by_a_strict_reader(name: str, made: Report) -> None:
    text = renderer("check", name)(made)
    loaded = json.loads(text)
    # No escape stands for half a character: other readers than Python's refuse those.
    assert json.dumps(loaded, ensure_ascii=False).encode()


@given(made=hostile_reports())
def test_the_document_has_every_finding_with_its_path(made: Report) -> None:
    loaded = json.loads(renderer("check", "json")(made))
    shown = sorted(item["path"] for item in loaded["findings"])
    paths = [item.path.encode("utf-8", "backslashreplace").decode() for item in made.findings]
    assert shown == sorted(paths)


@given(made=hostile_reports())
def test_xml_has_a_case_for_every_finding(made: Report) -> None:
    root = ET.fromstring(renderer("check", "junit")(made))
    assert len(root.findall("testsuite/testcase")) == max(1, len(made.findings))


@given(made=hostile_reports())
def test_a_finding_is_one_command_and_nothing_ends_its_properties(made: Report) -> None:
    lines = renderer("check", "github")(made).splitlines()
    assert len(lines) == len(made.findings)
    for line in lines:
        assert re.match(r"::(error|warning|notice) (\w+=[^:,]*,)*title=[^:,]*::", line)


@given(made=hostile_reports(), width=st.integers(60, 120))
def test_source_lines_keep_to_the_page_and_carets_to_the_line(made: Report, width: int) -> None:
    from gunitune.render.check._source import _columns, source

    for item in made.findings:
        for checked in made.files:
            if excerpt := source(checked.conf.text).excerpt(item.span, width):
                shown, carets = excerpt
                assert _columns(shown) <= width
                assert len(carets) <= width + 1
                assert carets.strip(" ").strip("^") == ""
                assert carets.endswith("^")


@pytest.mark.parametrize("name", formats("check"))
def test_a_secret_is_in_no_output(name: str) -> None:
    text = f"raw_env = ['X={SECRET}']\nSECRET_KEY = '{SECRET}'\n"
    settings = {
        "raw_env": assigned("raw_env", [f"X={SECRET}"]),
        "logconfig_dict": assigned("logconfig_dict", {"password": SECRET}),
    }
    said = f"password = '{SECRET}'"
    findings = [
        finding(span=Span(line, 1, line, 9), message=said, help=said, condition=said)
        for line in (1, 2)
    ]
    conf = Conf(path="gunicorn.conf.py", text=text, settings=settings, dynamic=said)
    made = report(
        *findings,
        files=(Checked(conf, "25.3.0", said),),
        ignored=(Ignored(findings[0], 1, said),),
        skipped=(Skipped("GT301", said),),
    )
    assert SECRET not in renderer("check", name)(made)
    assert not any(SECRET in line for line in assumptions(made))
    assert "***" in renderer("check", name)(made)
