"""The nouns of measuring as JSON values, and back again without a loss."""

from __future__ import annotations

import base64
import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from gunitune import trial
from gunitune.model import Interface, Unknown, Value

# What the annotations of `trial` mean: it imports them for type checkers alone.
_NAMES = {
    "Mapping": Mapping,
    "Path": Path,
    "Interface": Interface,
    "Unknown": Unknown,
    "Value": Value,
    "Literal": Literal,
}


def to_json(value: Any) -> Any:
    """Plain values for JSON: dataclasses as objects, sets as sorted lists, bytes as base64."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_json(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(to_json(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value) if isinstance(value, Path) else value


def from_json(kind: Any, value: Any) -> Any:  # noqa: PLR0911  (one for each kind of kind)
    """The value of an annotation's kind; raises ValueError for anything else."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(arguments, value)
    if origin is tuple:
        return _tuple(arguments, value)
    if origin in (frozenset, Mapping):
        return _collection(origin, arguments, value)
    if dataclasses.is_dataclass(kind):
        return _object(kind, value)
    if kind is bytes and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and kind is not bool:
        raise ValueError(f"{value!r} is no {kind}")
    if isinstance(value, kind):
        return value
    raise ValueError(f"{value!r} is no {kind}")


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """The first kind that fits; whole numbers stay whole where that is allowed."""
    for kind in kinds:
        try:
            return from_json(type(None) if kind is None else kind, value)
        except ValueError:
            continue
    raise ValueError(f"{value!r} is none of {kinds}")


def _tuple(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    items = _list(value)
    if arguments[-1] is Ellipsis:
        return tuple(from_json(arguments[0], item) for item in items)
    return tuple(from_json(kind, item) for kind, item in zip(arguments, items, strict=True))


def _collection(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if origin is frozenset:
        return frozenset(from_json(arguments[0], item) for item in _list(value))
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no object")  # noqa: TRY004  (of what was read)
    return {
        from_json(arguments[0], key): from_json(arguments[1], item) for key, item in value.items()
    }


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")  # noqa: TRY004  (of what was read)
    return value


def _object(kind: Any, value: Any) -> Any:
    """A dataclass; keys that it does not know are a newer release's and left out."""
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no {kind.__name__}")  # noqa: TRY004  (of what was read)
    known = {name: hint for name, hint in _hints(kind).items() if name in value}
    try:
        return kind(**{name: from_json(hint, value[name]) for name, hint in known.items()})
    except TypeError as error:
        raise ValueError(str(error)) from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind, globalns=vars(trial) | _NAMES)
