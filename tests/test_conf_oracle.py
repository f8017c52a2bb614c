"""Whatever is read of a generated program is what Python has after it ran."""

from __future__ import annotations

import ast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gunitune.conf.environ import OTHER
from gunitune.conf.imports import Project
from gunitune.conf.machine import Machine
from gunitune.conf.runs import hangs_on
from gunitune.conf.worlds import Exploration
from gunitune.model import Unknown
from oracle import AFFINITY, CORES, PLACE, compared, really, same
from programs import NAMES, assignments, expressions, programs, simple

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


CONDITIONS = st.sampled_from(
    [
        "os.environ.get('A')",
        "os.getenv('A', 'x') == 'y'",
        "'A' in os.environ",
        "env.get('B') != 'z'",
        "os.getenv('A') in ('p', 'q')",
        "not os.getenv('B')",
        "os.getenv('B', 'k') == 'k'",
        "A == 'w'",
    ]
)
BODIES = st.one_of(simple, expressions.map(lambda text: f"workers = {text}"))
BRANCHES = st.lists(st.tuples(CONDITIONS, BODIES, BODIES), min_size=1, max_size=3).map(
    lambda parts: (
        (
            "import os\nfrom os import environ as env\nimport math, multiprocessing\n"
            "from pathlib import Path\nA = os.getenv('A', 'v')\n"
            "n, f, s, l, d = 4, 2.5, 'a', [3, 1], {'x': 1, 'z': []}\n"
            "t, q = (1, 'b'), {'a'}\n"
        )
        + "".join(f"if {test}:\n    {body}\nelse:\n    {other}\n" for test, body, other in parts)
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED)
@given(BRANCHES)
def test_a_world_is_what_python_has_in_its_environment(text: str) -> None:
    """Each world that names its environment is held against Python in that environment."""
    try:
        compile(text, "", "exec")
    except SyntaxError:
        return
    machine = Machine(CORES, AFFINITY, {}, PLACE.parent)
    project = Project(PLACE.parent, str(PLACE.parent))
    found = Exploration(ast.parse(text), machine, frozenset(NAMES), str(PLACE), project)
    for branch in found.branches:
        environ = branch.run.assumption.environ
        told = {name: value for name, value in environ.items() if isinstance(value, str)}
        real = really(text, told)
        if real.text != text or branch.run.assumption.forced or len(told) < len(environ):
            continue
        for name, binding in branch.run.frame.names.items():
            value = branch.run.exported(binding)
            if not isinstance(value, Unknown) and hangs_on(branch.run, binding) is None:
                assert OTHER not in str(value)
                if OTHER not in told.values():
                    assert same(value, real.names[name]), (name, value, told, text)


@pytest.mark.parametrize("environ", [{}, {"A": "y"}, {"A": "w", "B": "z"}, {"B": "k"}])
@settings(max_examples=40, deadline=None, suppress_health_check=RELAXED)
@given(text=BRANCHES)
def test_a_given_environment_is_the_one_that_holds(text: str, environ: dict[str, str]) -> None:
    try:
        compile(text, "", "exec")
    except SyntaxError:
        return
    compared(text, environ, frozenset(NAMES))
