"""How it is said that Gunicorn refuses a value: what is wanted, what was given, how it stops."""

from __future__ import annotations

from typing import Any

from gunitune.conf.model import Defined
from gunitune.model import Unknown

LONGEST = 60
_KINDS = {"bool": "boolean", "str": "string", "int": "integer"}


class Refused(Exception):  # noqa: N818  (a validator's answer, caught by the catalogue alone)
    """Gunicorn's validator raises for the value; the message is one sentence."""


def refused(wanted: str, value: Any, error: str) -> Refused:
    """`wanted` as in "an integer"; `error` is Gunicorn's own, without the value in it."""
    text = f"{wanted} is wanted, not {noun(value)}"
    return Refused(f'{text}: Gunicorn stops with "{error}"' if error else text)


def formatted(template: str, value: Any) -> str:
    """Gunicorn's `template % value` up to the value; of a tuple, the error that that leads to."""
    if "%" in template and isinstance(value, tuple) and len(value) != 1:
        return f"not {'all' if value else 'enough'} arguments"
    return template.partition(":")[0]


def unhashable(value: Any) -> str:
    """The error of looking the value up in a dict; "" where there is none."""
    try:
        hash(value)
    except TypeError as error:
        return str(error)
    return ""


def noun(value: Any) -> str:
    """What a value is, in a few words: `the float 4.5`, `the list of 3 items`."""
    if value is None:
        return "None"
    if isinstance(value, Defined):
        return f"the {value.kind} {short(value.name)}"
    name = type(value).__name__
    return f"the {_KINDS.get(name, name)}{_content(value)}"


def _content(value: Any) -> str:
    if isinstance(value, int) and abs(value) >= 10**LONGEST:
        return f" of {value.bit_length()} bits"
    if isinstance(value, (bool, int, float, complex)):
        return f" {value!r}"
    if isinstance(value, (str, bytes)):
        return f" {short(value)}"
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return f" of {len(value)} item{'' if len(value) == 1 else 's'}"
    return ""


def short(value: str | bytes) -> str:
    """A string as Python writes it, cut where it is long."""
    text = repr(value[:LONGEST])
    return text if len(value) <= LONGEST else f"{text[: LONGEST - 3]}..."


def hidden(value: Any) -> bool:
    """Whether it can't be told what the value is."""
    return isinstance(value, Unknown) or (isinstance(value, Defined) and value.kind == "object")


def unknown(value: Any) -> Unknown:
    """The reason why it can't be told, of a `hidden` value."""
    return value if isinstance(value, Unknown) else Unknown(f"{value.name} is defined elsewhere")
