"""Expressions are worked out without running anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.errors import GunituneError
from gunitune.evaluate import MAX_DEPTH, EvaluationError, Functions, parse
from gunitune.formulas import FUNCTIONS, TABLE
from gunitune.model import Unknown
from gunitune.units import release

LOST = Unknown("nobody looked")
SCOPE: dict[str, Any] = {
    "host.cpus": 2.5,
    "app.kind": "io",
    "app.names": ("flask", "gevent"),
    "lost": LOST,
    "none": None,
}


def worked_out(text: str) -> Any:
    return parse(text).evaluate(SCOPE, FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("floor(2 * host.cpus) + 1", 6),
        ("floor(2 * 0.5) + 1", 2),
        ("ceil(host.cpus)", 3),
        ("ceil(0.1 + 0.2) if 0.1 + 0.2 > 0.3 else 0", 1),
        ("7 // 2 - 7 % 4 + 2 ** 3 / 4", 2.0),
        ("-1 + +2", 1),
        ("'gevent' in app.names and 'eventlet' not in app.names", True),
        ("app.kind in ('io', 'cpu')", True),
        ("none is None", True),
        ("app.kind is not None", True),
        ("1 < host.cpus <= 2.5", True),
        ("1 < host.cpus < 2", False),
        ("not app.names", False),
        ("len(app.names) == 2 or lost", True),
        ("none or 7", 7),
        ("max(1, 2) + min(3, 4)", 5),
        ("join(app.names)", "flask, gevent"),
        ("(25, 3, 0) >= release('24')", True),
        ("release('25.10') > release('25.9')", True),
        ("'a' + 'b'", "ab"),
        ("[1, 2]", (1, 2)),
    ],
)
def test_an_expression_gives_its_value(text: str, value: Any) -> None:
    assert worked_out(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lost and False", False),
        ("False and lost", False),
        ("lost or True", True),
        ("known(lost)", False),
        ("known(host.cpus)", True),
        ("not known(lost) or lost > 3", True),
        ("1 if lost else 1", 1),
        ("2 < 1 < lost", False),
    ],
)
def test_what_is_settled_in_spite_of_an_unknown_fact(text: str, value: Any) -> None:
    assert worked_out(text) == value


@pytest.mark.parametrize(
    "text",
    ["2 * lost", "lost + 1", "-lost", "not lost", "lost > 1", "lost == lost", "1 < lost < 3",
     "lost and True", "True and lost", "lost or False", "floor(lost)", "1 if lost else 2",
     "(1, lost)", "'io' in (lost, 'cpu')", "lost in (1, 2)"],
)  # fmt: skip
def test_an_unknown_fact_flows_through_with_its_reason(text: str) -> None:
    assert worked_out(text) == LOST


@pytest.mark.parametrize(
    "text",
    ["().__class__", "host.__class__", "__import__('os')", "(lambda: 1)()", "[i for i in 'ab']",
     "f'{host.cpus}'", "{1: 2}", "{1}", "'a'[0]", "max(*app.names)", "max(1, key=len)", "x := 1",
     "await x", "yield", "b'a'", "1j", "1 << 9", "~1", "1 & 1", "...", "open", "print('x')",
     "'%s' % 1", "import os", "", "1 +", "a.b().c", "\0", "[].append(1)"],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError):
        worked_out(text)


@pytest.mark.parametrize(
    "text",
    ["9 ** 9 ** 9", "2 ** 300", "10 ** -1 ** 9 ** 99", "'a' * 100000", "100000 * 'a'", "'ab' ** 2",
     "(1, 2) * 9000", "-" * 500 + "1", "(" * 90 + "1" + ")" * 90 + "." * 2000, "1 + " * 400 + "1",
     "1 / 0", "'a' + 1", "max()", "1 < 'a'", "9" * 100],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError):
        worked_out(text)


def test_a_result_that_grows_step_by_step_is_refused() -> None:
    scope = {"big": 2**200, "many": ("x",) * 9_000}
    for text in ("big * big", "many + many"):
        with pytest.raises(EvaluationError, match="out of bounds"):
            parse(text).evaluate(scope, FUNCTIONS)


def test_depth_has_a_limit() -> None:
    parse("not " * (MAX_DEPTH - 4) + "True")
    with pytest.raises(EvaluationError, match="too large"):
        parse("not " * MAX_DEPTH + "True")


def test_the_names_and_calls_of_an_expression_are_told_apart() -> None:
    expression = parse("floor(2 * host.cpus) + max(goal.rps, 1)")
    assert expression.names == {"host.cpus", "goal.rps"}
    assert expression.calls == {"floor", "max"}


def test_a_missing_name_says_which() -> None:
    with pytest.raises(EvaluationError, match=r"'host\.cpsu' in 'host\.cpsu \+ 1' is no fact"):
        worked_out("host.cpsu + 1")


def test_a_function_may_ask_for_unknown_arguments() -> None:
    functions = Functions({"why": lambda value: value.reason}, frozenset({"why"}))
    assert parse("why(lost)").evaluate(SCOPE, functions) == "nobody looked"


@given(st.text(max_size=60))
def test_no_text_does_more_than_fail(text: str) -> None:
    try:
        worked_out(text)
    except EvaluationError as error:
        assert str(error)


OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "<", "==", "in", "and", "or"]
GRAMMAR = st.recursive(
    st.sampled_from(["1", "0", "2.5", "'a'", "host.cpus", "lost", "none", "app.names", "True"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(st.sampled_from(sorted(TABLE)), inner).map(
            lambda parts: f"{parts[0]}({parts[1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        inner.map(lambda part: f"(not {part})"),
    ),
    max_leaves=8,
)


@given(GRAMMAR)
def test_every_expression_of_the_language_gives_a_value_or_an_error(text: str) -> None:
    try:
        worked_out(text)
    except GunituneError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("25.3.0", (25, 3, 0)), ("26", (26, 0, 0)), ("20.1", (20, 1, 0)), ("24.0.0rc1", (24, 0, 0)),
     ("23.0.0.post1", (23, 0, 0))],
)  # fmt: skip
def test_a_release_is_read_as_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert release(version) == numbers


@pytest.mark.parametrize("version", ["", "newest", "1.2.3.4.5.6", "1,2", "9" * 50])
def test_what_is_no_release_is_refused(version: str) -> None:
    with pytest.raises(GunituneError, match="is not a version"):
        release(version)
