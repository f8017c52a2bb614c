"""GT7xx: what is wrong with the format of the access log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.checks.look import Hit
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look

SETTING = "access_log_format"
TEXTS = frozenset("hlutrmUqHbfaLp")
NUMBERS = frozenset("BTDM")
OTHERS = frozenset("s")
DURATIONS = frozenset("TDML")
_NAMED = re.compile(r"\{.+\}[ioe]", re.DOTALL)
_USE = re.compile(
    r"%(?:\(((?:[^()]|\([^()]*\))*)\))?[#0\- +]*(?:\*|\d*)(?:\.(?:\*|\d*))?[hlL]?(.?)", re.DOTALL
)
_INTEGERS = frozenset("diouxXc")
_REALS = frozenset("eEfFgG")
_ANY = frozenset("sra")


def no_duration(look: Look) -> Iterator[Hit]:
    """The format, where no field in it says how long the request took."""
    text = _text(look)
    if text is not None and not DURATIONS & {field for field, _ in _uses(text)}:
        yield Hit(look.settings[SETTING].span, SETTING)


def unknown_fields(look: Look) -> Iterator[Hit]:
    """The format, where it names fields that Gunicorn does not fill in: `fields`, `advice`."""
    text = _text(look)
    unknown = [] if text is None else [field for field, _ in _uses(text) if not _is_known(field)]
    if unknown:
        fields = ", ".join(f"%({field})s" for field in dict.fromkeys(unknown))
        facts = {"fields": fields, "advice": _advice(unknown[0])}
        yield Hit(look.settings[SETTING].span, SETTING, facts)


def broken_format(look: Look) -> Iterator[Hit]:
    """The format, where Python's % can't work with it: `fault` is the first, and its `effect`."""
    text = _text(look)
    for match in () if text is None else _matches(text):
        if fault := _fault(match):
            facts = {"fault": fault, "effect": _effect(match)}
            yield Hit(look.settings[SETTING].span, SETTING, facts)
            return


def _text(look: Look) -> str | None:
    """The format; None where it is unknown, or read by another logger or class than Gunicorn's."""
    if "logger_class" in look.settings:
        return None
    found = look.scope["effective.worker_class"]
    if isinstance(found, Unknown) or found in ("uvicorn", "other"):
        return None
    value = look.scope[f"conf.{SETTING}"]
    return value if isinstance(value, str) else None


def _matches(text: str) -> Iterator[re.Match[str]]:
    return (match for match in _USE.finditer(text) if match[0] != "%%")


def _uses(text: str) -> Iterator[tuple[str, str]]:
    """The fields that the format names, each with its type."""
    return ((match[1], match[2]) for match in _matches(text) if match[1] is not None)


def _is_known(field: str) -> bool:
    return field in TEXTS | NUMBERS | OTHERS or _NAMED.fullmatch(field) is not None


def _advice(field: str) -> str:
    if field.startswith("{"):
        name = field.strip("{}")
        return f"for the request's header write %({{{name}}}i)s, for the response's %({{{name}}}o)s"
    return "take one of Gunicorn's: s status, r request line, h client, D microseconds, b length"


def _fault(match: re.Match[str]) -> str | None:
    """What is wrong with one use of %; None where nothing is."""
    use, field, kind = match[0].strip(), match[1], match[2]
    if field is None:
        return f"{use!r} names no field in parentheses"
    if kind not in _INTEGERS | _REALS | _ANY:
        return f"{use!r} has no type such as s behind it"
    if field in TEXTS and kind in _INTEGERS | _REALS:
        return f"{use!r} wants a number and {field} is a text"
    return None


def _effect(match: re.Match[str]) -> str:
    """What a use of % that is at fault does to the log."""
    if match[1] is None and match[2] in _ANY:
        return "each line has all of its request in it, cookies included"
    return "each request writes a traceback instead of its line"
