"""Whatever is read of a generated program is what Python has after it ran."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from oracle import compared
from programs import NAMES, assignments, programs

SET = {"SET": "12"}
RELAXED = [HealthCheck.too_slow, HealthCheck.filter_too_much]


@settings(max_examples=300, deadline=None, suppress_health_check=RELAXED)
@given(assignments)
def test_an_expression_gives_what_python_gives(text: str) -> None:
    compared(text, SET, frozenset(NAMES))


@settings(max_examples=200, deadline=None, suppress_health_check=RELAXED)
@given(programs)
def test_a_program_leaves_the_names_that_python_leaves(text: str) -> None:
    compared(text, SET, frozenset(NAMES))
