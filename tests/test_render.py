"""Every format writes the same advice, and nothing of a project's gets out of its place."""

from __future__ import annotations

import ast
import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advice import advice, app, host
from gunitune.errors import GunituneError
from gunitune.model import Evidence, Goal, Recommendation, Setting, Step, Unknown
from gunitune.render import describe, formats, renderer
from gunitune.render.comments import comment
from gunitune.render.layout import Page

EVIL = "x\r\nworkers = 99\u2028\x1b[31m\x07\x00\u202e`|<b>"


def evil_advice() -> Recommendation:
    """Advice whose every text from outside is hostile."""
    evidence = tuple(
        Evidence("io", 3.0, f"call {EVIL}", f"{EVIL}.py", line, EVIL) for line in range(8)
    )
    subject = app(
        kind="io", framework=EVIL, spec=f"{EVIL}:app", evidence=evidence, notes=(EVIL,),
        gevent_blockers=(EVIL,), databases=(EVIL,), libraries=(EVIL,), dependencies=(EVIL,),
    )  # fmt: skip
    found = advice(subject, host(cpus_source=EVIL, memory_source=EVIL, platform="docker"))
    steps = (Step(EVIL, EVIL, "GX1", "asked"), Step(f"{EVIL}'\"", EVIL, "GX2", "asked"))
    return replace(
        found,
        settings=(*found.settings, Setting("proc_name", steps)),
        constraint=EVIL,
        warnings=(EVIL,),
        next=(EVIL,),
        alternatives=(EVIL,),
    )


def assigned(text: str) -> dict[str, Any]:
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text, feature_version=(3, 7)).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def test_a_conf_holds_exactly_the_settings_whatever_the_project_is_called() -> None:
    found = evil_advice()
    text = renderer("emit", "conf")(found)
    assert assigned(text) == {item.name: item.value for item in found.settings}
    assert text.isascii() or text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_no_control_character_reaches_a_page(name: str) -> None:
    text = renderer("recommend", name)(evil_advice())
    assert text.replace("\n", "").isprintable()


def test_markdown_shows_markup_as_text() -> None:
    text = renderer("recommend", "markdown")(evil_advice())
    (row,) = [line for line in text.splitlines() if line.startswith("| `proc_name`")]
    assert row.count(" | ") == 4
    assert row.replace("\\`", "").count("`") == 4
    assert "<b>" not in text.replace(row, "")


def test_json_holds_texts_as_they_are() -> None:
    document = json.loads(renderer("recommend", "json")(evil_advice()))
    assert document["constraint"] == EVIL


@pytest.mark.parametrize("name", ["args", "env"])
def test_a_shell_reads_back_the_values(name: str) -> None:
    value = 'it\'s `x` $(y) "z" | & é'
    steps = (Step(value, "r", "GX1", "asked"),)
    found = advice(app(kind="io"))
    named = replace(found, settings=(*found.settings, Setting("proc_name", steps)))
    text = renderer("emit", name)(named)
    words = shlex.split(text)
    if name == "env":
        (assignment,) = words
        words = shlex.split(assignment.removeprefix("GUNICORN_CMD_ARGS="))
    assert f"--name={value}" in words
    assert "--workers=5" in words


@pytest.mark.parametrize("name", ["args", "env"])
def test_a_value_of_several_lines_is_no_flag(name: str) -> None:
    with pytest.raises(GunituneError, match="proc_name has control characters"):
        renderer("emit", name)(evil_advice())


def test_a_switch_is_a_flag_only_where_it_is_on() -> None:
    on = replace(advice(), settings=(Setting("preload_app", (Step(True, "r", "GX1", "asked"),)),))
    off = replace(on, settings=(Setting("preload_app", (Step(False, "r", "GX1", "asked"),)),))
    assert renderer("emit", "args")(on) == "--preload\n"
    assert renderer("emit", "args")(off) == "\n"


def test_a_setting_without_a_flag_can_only_be_a_conf() -> None:
    hook = Setting("wsgi_app", (Step("app:app", "r", "GX1", "asked"),))
    with pytest.raises(GunituneError, match="wsgi_app has no command-line flag"):
        renderer("emit", "args")(replace(advice(), settings=(hook,)))


@given(st.text())
def test_a_comment_stays_a_comment(text: str) -> None:
    for lead in ("", "- "):
        assert ast.parse(comment(text, lead)).body == []


@given(st.text(), st.integers(60, 120))
def test_a_page_keeps_its_width(text: str, width: int) -> None:
    page = Page(width)
    page.labelled("label", [describe.plain(text)])
    lines = page.plain().splitlines()
    assert all(len(line) <= width for line in lines)


def test_colours_change_no_word() -> None:
    import re

    found = advice(app(kind="memory"), host(memory_bytes=512 << 20), Goal(concurrency=9))
    plain = renderer("recommend", "text")(found)
    colored = renderer("recommend", "text")(found, color=True)
    assert colored != plain
    bare = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_the_trail_of_a_changed_setting_is_shown() -> None:
    text = renderer("recommend", "text")(advice(app(kind="cpu"), host(memory_bytes=512 << 20)))
    assert "was 5: 2 x 2 CPUs + 1 = 5" in " ".join(text.split())
    conf = renderer("emit", "conf")(advice(app(kind="cpu"), host(memory_bytes=512 << 20)))
    assert "# was 5: 2 x 2 CPUs + 1 = 5" in conf


def test_what_is_unknown_is_said() -> None:
    lost = app(interface=Unknown("two apps"), spec=Unknown("a:app or b:app"), framework=None)
    found = advice(lost, host(memory_bytes=Unknown("not declared: pass --memory"), cpus=1.0))
    text = " ".join(renderer("recommend", "text")(found).split())
    assert "app (interface unknown, taken as WSGI)" in text
    assert "1 CPU (sample)" in text
    assert "memory unknown: not declared: pass --memory" in text
    assert "gunicorn -c gunicorn.conf.py MODULE:APP" in text
    assert "GA310" in text
    document = json.loads(renderer("recommend", "json")(found))
    assert document["app"]["interface"] is None
    assert document["app"]["app_unknown"] == "a:app or b:app"
    assert document["host"]["memory_bytes"] is None


def test_the_formats_of_a_command_are_its_modules() -> None:
    assert formats("emit") == ("args", "conf", "env")
    assert formats("recommend") == ("json", "markdown", "text")
    with pytest.raises(GunituneError, match="'xml' is no format of gunitune recommend"):
        renderer("recommend", "xml")


def test_a_title_and_a_gap_are_lines_of_their_own() -> None:
    page = Page()
    page.title("A title")
    page.gap()
    assert page.plain() == "A title\n\n"
