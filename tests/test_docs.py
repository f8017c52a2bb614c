"""The documentation shows what the program does, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest

from gunitune.data import rules_dir
from gunitune.facts import fact_names
from gunitune.formulas import TABLE
from gunitune.options import OPTIONS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("rules/*.md")])


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_shows_what_the_commands_print() -> None:
    text = (ROOT / "README.md").read_text()
    assert script("readme").with_blocks(text) == text, "run python scripts/readme.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_the_rules_readme_names_every_fact_and_function() -> None:
    text = (ROOT / "rules" / "README.md").read_text()
    names = {name for name in fact_names() if not name.startswith("set.")}
    missing = {name for name in names if not re.search(rf"`{re.escape(name)}`", text)}
    assert missing <= {"app.worker_memory_basis", "app.worker_memory_source"}
    assert set(re.findall(r"Functions: `([\w ]+)`", text)[0].split()) == set(TABLE)


def test_every_option_is_in_the_settings_page_or_explains_itself_in_help() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for option in OPTIONS:
        if option.group == "Goal":
            assert option.flag in text, option.flag


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("docs/schemas/*.json")), ids=lambda path: path.name
)
def test_a_schema_is_a_schema(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


def test_the_settings_catalogue_knows_what_the_rules_set() -> None:
    settings = json.loads((rules_dir() / "gunicorn" / "settings.json").read_text())
    assert settings["workers"] == {
        "flag": "--workers", "gone": None, "since": "19.7.1", "type": "int",
    }  # fmt: skip
    assert settings["tolerate_dangerous_framing"]["gone"] == "23.0.0"
