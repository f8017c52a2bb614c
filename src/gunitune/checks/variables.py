"""Which settings come from environment variables in a way that some texts in these break."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunitune.checks.look import Hit
from gunitune.checks.source import expression_of, variable
from gunitune.checks.values import faults, is_boolean, ours, takes_numbers, unset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look
    from gunitune.checks.source import Variable
    from gunitune.conf.model import Assigned

_OFF = frozenset(("0", "f", "false", "n", "no", "off", "none"))


def unset_variable(look: Look) -> Iterator[Hit]:
    """Settings that are None while an environment variable is not set, and may not be None."""
    for name, assigned, fault in faults(look):
        if unset(assigned):
            facts = {"name": name, "fault": fault, "variable": _variables(assigned)}
            yield Hit(assigned.span, name, facts)


def uncast_number(look: Look) -> Iterator[Hit]:
    """Numbers that come from an environment variable as they are."""
    for name, assigned, read in _read_directly(look):
        if takes_numbers(look.catalog, name):
            yield Hit(assigned.span, name, {"name": name, "variable": read.name})


def uncast_boolean(look: Look) -> Iterator[Hit]:
    """Booleans that come from an environment variable as they are: 1 and yes are refused."""
    for name, assigned, read in _read_directly(look):
        if is_boolean(look.catalog, name):
            yield Hit(assigned.span, name, {"name": name, "variable": read.name})


def always_true(look: Look) -> Iterator[Hit]:
    """`bool(os.environ.get("X", "false"))`: true, since the text is not empty."""
    for name, assigned, read in _tested(look):
        match read.default:
            case ast.Constant(value=str(text)) if text.strip().lower() in _OFF:
                facts = {"name": name, "variable": read.name, "text": text.strip()}
                yield Hit(assigned.span, name, facts)


def any_text_is_true(look: Look) -> Iterator[Hit]:
    """`bool(os.environ.get("X"))`: true for 0 and false too."""
    for name, assigned, read in _tested(look):
        match read.default:
            case ast.Constant(value=str(text)) if text.strip():
                continue
        yield Hit(assigned.span, name, {"name": name, "variable": read.name})


def _variables(assigned: Assigned) -> str:
    names = (each.removeprefix("env:") for each in assigned.depends_on if each.startswith("env:"))
    return " and ".join(sorted(names))


def _read_directly(look: Look) -> Iterator[tuple[str, Assigned, Variable]]:
    """Settings whose expression is an environment variable."""
    for name, assigned in ours(look):
        if any(each.startswith("env:") for each in assigned.depends_on):
            found = variable(expression_of(look.conf, assigned))
            if found:
                yield name, assigned, found


def _tested(look: Look) -> Iterator[tuple[str, Assigned, Variable]]:
    """Booleans whose expression is `bool()` of an environment variable."""
    for name, assigned in ours(look):
        if not any(each.startswith("env:") for each in assigned.depends_on):
            continue
        match expression_of(look.conf, assigned):
            case ast.Call(func=ast.Name(id="bool"), args=[argument], keywords=[]):
                found = variable(argument)
                if found and is_boolean(look.catalog, name):
                    yield name, assigned, found
