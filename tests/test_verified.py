"""How many rules are shown on real Gunicorn, and that the tests that show them are there."""

from __future__ import annotations

import ast
from pathlib import Path

from gunitune.checkrule import load_check_rules

TESTS = Path(__file__).parent
RULES = {rule.id: rule for rule in load_check_rules()}


def verified() -> dict[str, str]:
    """Rule id -> the test that shows its effect, from every module that starts real Gunicorn."""
    found: dict[str, str] = {}
    for path in sorted(TESTS.glob("test_effects_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "VERIFIED":
                assert node.value is not None
                shown: dict[str, str] = ast.literal_eval(node.value)
                assert set(shown.values()) <= names, path.name
                assert not set(shown) & set(found), path.name
                found |= shown
    return found


def test_every_rule_that_is_said_to_be_shown_exists() -> None:
    assert set(verified()) <= set(RULES)


def test_errors_and_warnings_are_shown_on_real_gunicorn() -> None:
    severe = {rule.id for rule in RULES.values() if rule.severity != "note" and rule.id > "GT1"}
    shown = severe & set(verified())
    assert len(shown) >= 25
    # What only a platform or a package shows that can't be had here, or what plain Python does.
    assert len(severe - shown) <= 0.25 * len(severe), sorted(severe - shown)
