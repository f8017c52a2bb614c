"""How text and values are written with the secrets in them hidden."""

from __future__ import annotations

from math import isfinite
from typing import Any

from gunitune.conf.model import Defined
from gunitune.model import Unknown
from gunitune.render.layout import plain
from gunitune.secret import is_harmless, is_secret, secrets

__all__ = ["HIDDEN", "hidden", "is_secret", "mask", "secrets", "shown"]

HIDDEN = "***"
SHOWN_CHARACTERS = 60
MAX_DEPTH = 20
MAX_BITS = 1024


def mask(text: str) -> str:
    """The text with each secret in it written as `***`."""
    parts, at = [], 0
    for start, end in secrets(text):
        parts += [text[at:start], HIDDEN]
        at = end
    return "".join([*parts, text[at:]])


def hidden(name: str, value: Any, depth: int = 0) -> Any:
    """A setting's value as JSON can hold it, secrets masked; what JSON lacks is written as text."""
    if depth > MAX_DEPTH:
        return "..."
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, (list, tuple)):
        return [hidden(name, item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            mask(str(_plain_value(key))): hidden(_part(name, key), item, depth + 1)
            for key, item in value.items()
        }
    return _plain_value(value)


def shown(name: str, value: Any) -> str:
    """A setting's value as a person reads it: on one line, short, secrets hidden."""
    if isinstance(value, (Unknown, Defined)):
        return plain(mask(str(_plain_value(value))))
    held = hidden(name, value)
    is_text = isinstance(held, str) and not isinstance(value, str)
    written = held if is_text else repr(tuple(held) if isinstance(value, tuple) else held)
    written = plain(written)
    if len(written) <= SHOWN_CHARACTERS:
        return written
    return written[: SHOWN_CHARACTERS - 3] + "..."


def _part(name: str, key: object) -> str:
    """The name that tells whether an entry of a dict is a secret."""
    return name if name == "raw_env" or is_secret(name) else str(_plain_value(key))


def _text(name: str, text: str) -> str:
    if name == "raw_env":
        variable, equals, _ = text.partition("=")
        return f"{variable}={HIDDEN}" if equals else HIDDEN
    return HIDDEN if is_secret(name) and not is_harmless(text) else mask(text)


def _plain_value(value: Any) -> Any:
    """A value that is no text and no list, as JSON can hold it."""
    if isinstance(value, int):  # so is a bool
        bits = value.bit_length()
        return value if bits <= MAX_BITS else f"a number of {bits} bits"
    if value is None or (isinstance(value, float) and isfinite(value)):
        return value
    return _words(value)


def _words(value: object) -> str:
    """What a value that JSON lacks is called."""
    if isinstance(value, Unknown):
        return f"unknown: {value.reason}"
    if isinstance(value, Defined):
        return "a lambda" if value.kind == "lambda" else f"the {value.kind} {value.name}"
    if isinstance(value, (set, frozenset)):
        return mask("{" + ", ".join(sorted(repr(hidden("", item)) for item in value)) + "}")
    return mask(repr(value) if isinstance(value, bytes) else str(value))
