"""What Gunicorn's validators of strings, lists, paths and dicts take, and what they make."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Any

from gunitune.catalog.refusal import formatted, hidden, refused, unknown
from gunitune.conf.model import Defined
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    Strings = tuple[str | None, ...] | Unknown

# The names of Python's types in its own messages, for what the reader of configs has none for.
_TYPES = {"function": "function", "lambda": "function"}


def string(value: Any, wanted: str = "a string") -> str | None:
    """As `validate_string`: a path object is none."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise refused(wanted, value, formatted("Not a string: %s", value))
    return value.strip()


def strings(value: Any) -> Strings:
    """As `validate_list_string`: a string is a list of one, whatever is false an empty one."""
    if not value:
        return ()
    if isinstance(value, str):
        return (value.strip(),)
    if isinstance(value, Defined) and value.kind == "class":
        return Unknown(f"what {value.name} gives when gone through")
    items = [item if hidden(item) else string(item, "a list of strings") for item in _items(value)]
    return next((unknown(item) for item in items if hidden(item)), tuple(items))


def _items(value: Any) -> list[Any]:
    try:
        return list(value)
    except TypeError:
        name = _TYPES[value.kind] if isinstance(value, Defined) else type(value).__name__
        error = f"'{name}' object is not iterable"
        raise refused("a list of strings", value, error) from None


def comma_strings(value: Any) -> tuple[str, ...]:
    """As `validate_string_to_list`: one string with commas, no list."""
    text = string(value, "a string with commas between the items")
    return tuple(item.strip() for item in text.split(",") if item) if text else ()


def files(value: Any) -> Strings:
    """As `validate_list_of_existing_files`; what exists on the target can't be told."""
    found = strings(value)
    for place, item in enumerate(found if isinstance(found, tuple) else ()):
        if item is not None and (not item or "\0" in item):
            # It stops at the first file that is missing; whether an earlier one is can't be told.
            error = "" if place else f"File {item} does not exists."
            raise refused("a list of existing files", item, error)
    return found


def chdir(value: Any) -> str | Unknown:
    """As `validate_chdir`; what exists on the target can't be told."""
    text = string(value)
    if text is None:
        raise refused("a directory", value, "join() argument must be str")
    if "\0" in text:
        raise refused("a directory", value, "can't chdir to")
    if not text.startswith("/"):
        return Unknown("it is relative to the directory that Gunicorn is started in")
    return os.path.abspath(text)  # noqa: PTH100  (what Gunicorn calls; the path is of no file here)


def mapping(value: Any) -> dict[Any, Any]:
    """As `validate_dict`."""
    if not isinstance(value, dict):
        raise refused("a dict", value, formatted("Value is not a dictionary: %s", value))
    return value


TEXTS: dict[str, Callable[[Any], Any]] = {
    "chdir": chdir,
    "comma_strings": comma_strings,
    "dict": mapping,
    "files": files,
    "string": string,
    "strings": strings,
}
