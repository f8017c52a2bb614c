"""docs/rules/ says what the rule files say, and keeps what was written there by hand."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gunitune.checkrule import CheckRule, load_check_rules
from gunitune.rulebook import Template

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "rules"
SCRIPT = ROOT / "scripts" / "rule_pages.py"
RULES = load_check_rules(cases=True)
RULE = next(rule for rule in RULES if rule.id == "GT201")


def loaded() -> Any:
    specification = importlib.util.spec_from_file_location("rule_pages", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


SCRIPTED = loaded()


def main(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rules: Sequence[CheckRule], *, check: bool
) -> int:
    monkeypatch.setattr(SCRIPTED, "load_check_rules", lambda **_: tuple(rules))
    return int(SCRIPTED.main(folder, check=check))


def test_the_committed_pages_are_what_the_script_writes_in_any_folder(tmp_path: Path) -> None:
    check = [sys.executable, str(SCRIPT), "--check"]
    env = {**os.environ, "WEB_CONCURRENCY": "7", "PYTHONPATH": str(ROOT / "src")}
    result = subprocess.run(
        check, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_every_rule_has_its_page_and_its_row() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(GT\d+)\]\((GT\d+)\.md\) ", index, re.MULTILINE)
    assert rows == [(rule.id, rule.id) for rule in RULES]
    assert {path.stem for path in PAGES.glob("GT*.md")} == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_page_says_all_that_the_rule_says(rule: CheckRule) -> None:
    page = (PAGES / f"{rule.id}.md").read_text(encoding="utf-8")
    plain = re.sub(r"\\([*<|_])", r"\1", page)
    for text in (rule.summary, rule.why, rule.unless, rule.when, *rule.refs):
        assert text.strip() in plain
    assert f"| {rule.severity} | {rule.confidence} |" in page
    assert page.count("\n### ") == len(rule.cases)
    for link in re.findall(r"\]\((\.\./[^)]+)\)", page):
        assert (PAGES / link).exists(), link


def test_a_page_shows_what_an_example_finds() -> None:
    page = SCRIPTED.page(RULE, RULES)
    fires = next(case for case in RULE.cases if case.get("finds", 1))
    assert f"```python\n{fires['conf'].strip()}\n```\n\n```text\nline " in page
    assert re.search(r"```text\nline \d+: warning: \d+ workers .*\nhelp: .*\n```", page)
    assert "Finds nothing." in page


def test_hand_written_text_is_kept_and_gone_rules_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rules"
    assert main(folder, monkeypatch, RULES[:2], check=False) == 0
    first, second = (folder / f"{rule.id}.md" for rule in RULES[:2])
    first.write_text("By hand.\n\n" + first.read_text() + "\nMore of it.\n")
    (folder / "notes.md").write_text("Mine.\n")
    changed = replace(RULES[0], summary="Something else.")
    assert main(folder, monkeypatch, [changed], check=False) == 0
    text = first.read_text()
    assert text.startswith("By hand.\n\n<!-- generated -->\n")
    assert text.endswith("<!-- end -->\n\nMore of it.\n")
    assert "Something else." in text
    assert RULES[0].summary not in text
    assert not second.exists()
    assert (folder / "notes.md").exists()


def test_check_tells_each_stale_page_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(tmp_path, monkeypatch, RULES[:2], check=False)
    assert main(tmp_path, monkeypatch, RULES[:2], check=True) == 0
    assert capsys.readouterr().err == ""
    before = {path: path.read_text() for path in tmp_path.iterdir()}
    changed = replace(RULES[0], why="Because.")
    assert main(tmp_path, monkeypatch, [changed], check=True) == 1
    told = capsys.readouterr().err
    assert re.findall(r"^(\S+) is stale: run python", told, re.MULTILINE) == sorted(
        [f"{RULES[0].id}.md", f"{RULES[1].id}.md", "README.md"]
    )
    assert {path: path.read_text() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a * b and <tag> | `x * <y>`", r"a \* b and \<tag> \| `x * <y>`"),
        ("worker_class and __file__ or _private", r"worker_class and \_\_file\_\_ or \_private"),
    ],
)
def test_prose_is_no_markup_but_its_code(text: str, shown: str) -> None:
    assert SCRIPTED.prose(text) == shown


def test_placeholders_and_odd_characters_are_shown() -> None:
    rule = replace(RULE, help=Template("set workers to {2 * ceil(host.cpus) + 1:workers} or fewer"))
    assert next(SCRIPTED.remedy(rule)) == "Set workers to `2 * ceil(host.cpus) + 1` or fewer."
    assert SCRIPTED.fenced("a\x00\x1b```b\n", "python") == "````python\na\\x00\\x1b```b\n````"
