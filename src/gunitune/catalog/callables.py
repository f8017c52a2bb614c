"""What Gunicorn's validators of hooks and classes take; nothing is imported or called for it."""

from __future__ import annotations

from typing import Any

from gunitune.catalog.refusal import Refused, formatted, refused
from gunitune.catalog.texts import string
from gunitune.conf.model import Defined
from gunitune.model import Unknown


def hook(value: Any, arities: tuple[int, ...]) -> Defined | Unknown:
    """As `validate_callable`: parameters by position count, those with a default too."""
    *first, last = map(str, arities)
    counts = f"{', '.join(first)} or {last}" if first else last
    wanted = f"a function of {counts} argument{'s' * (arities != (1,))}"
    if isinstance(value, str):
        return _import_string(value, wanted)
    if not isinstance(value, Defined):
        raise refused(wanted, value, formatted("Value is not callable: %s", value))
    # Without a most it may be that *args is there, which Gunicorn does not count.
    if value.kind in ("function", "lambda") and value.most_args not in (None, *arities):
        count = f"{value.most_args} argument{'s' * (value.most_args != 1)}"
        text = f"{wanted} is wanted, and {value.name[:60]} takes {count}"
        raise Refused(f'{text}: Gunicorn stops with "Value must have an arity of: {arities[-1]}"')
    return value


def _import_string(value: str, wanted: str) -> Unknown:
    module, dot, name = value.rpartition(".")
    if not dot:
        raise refused(f"{wanted} or its dotted path", value, "is not import string")
    if not module:
        raise refused(f"{wanted} or its dotted path", value, "Empty module name")
    return Unknown(f"{name[:60]} is in another module")


def worker_class(value: Any) -> str | Defined | Unknown | None:
    """As `validate_class`: a function is called for the class."""
    if not isinstance(value, Defined):
        return string(value, "a class or its name")
    if value.kind == "class":
        return value
    if value.least_args:
        raise refused("a class or its name", value, "missing")
    return Unknown(f"Gunicorn calls {value.name[:60]} for the class")
