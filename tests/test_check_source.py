"""How an assignment's text is read: its expression, and the environment variable that it is."""

from __future__ import annotations

import ast

import pytest

from gunitune.checks.source import MAX_CHARACTERS, dotted, expression_of, slice_of, variable
from gunitune.conf.model import Assigned, Conf, Span


def assigned(text: str, *, means: str = "assign") -> tuple[Conf, Assigned]:
    """A config of one statement, and what it assigns."""
    lines = text.split("\n")
    whole = Span(1, 1, len(lines), len(lines[-1]) + 1)
    return Conf("conf.py", text), Assigned("name", 1, whole, whole, None, (), means)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name", "default"),
    [
        ("os.environ.get('A', 4)", "A", 4),
        ("os.getenv('A')", "A", None),
        ("getenv('A', default='x')", "A", "x"),
        ("environ['A']", "A", None),
    ],
)
def test_a_variable_is_read_in_these_ways(text: str, name: str, default: object) -> None:
    found = variable(ast.parse(text, mode="eval").body)
    assert found is not None
    assert found.name == name
    assert (found.default and ast.literal_eval(found.default)) == default


@pytest.mark.parametrize(
    "text", ["config('A')", "os.environ.get(name)", "names['A']", "int(os.environ['A'])", "4"]
)
def test_nothing_else_is_a_variable(text: str) -> None:
    assert variable(ast.parse(text, mode="eval").body) is None
    assert variable(None) is None


@pytest.mark.parametrize(
    "text", ["name = 4 + 1", "name: int = 4 + 1", "name = (\n    4\n    + 1\n)"]
)
def test_the_expression_of_a_statement_is_its_value(text: str) -> None:
    node = expression_of(*assigned(text))
    assert node is not None
    assert ast.unparse(node) == "4 + 1"


@pytest.mark.parametrize(
    "text", ["name: int", "name =", "del name", f"name = '{'a' * MAX_CHARACTERS}'"]
)
def test_a_statement_without_a_value_or_a_long_one_has_no_expression(text: str) -> None:
    assert expression_of(*assigned(text)) is None


def test_an_import_has_no_expression() -> None:
    assert expression_of(*assigned("import name", means="import")) is None


def test_a_span_that_is_not_there_is_empty() -> None:
    conf, _ = assigned("name = 1")
    assert slice_of(conf, None) == ""
    assert slice_of(conf, Span(9, 1, 9, 2)) == ""
    assert slice_of(conf, Span(1, 8, 1, 9)) == "1"


def test_only_attributes_of_a_name_are_dotted() -> None:
    assert dotted(ast.parse("a.b.c", mode="eval").body) == "a.b.c"
    assert dotted(ast.parse("a().b", mode="eval").body) == ""
