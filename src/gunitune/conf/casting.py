"""What the usual libraries that read and cast environment variables give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gunitune.conf.environ import MISSING, required
from gunitune.conf.values import Raised, Reference
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.conf.expression import Expressions

    Given = Callable[[Expressions, list[Any], dict[str, Any]], Any]

_TYPES: dict[str, type[Any]] = {"int": int, "float": float, "str": str, "bool": bool}
_METHODS: dict[str, type[Any]] = {
    **_TYPES,
    "": str,
    "dict": dict,
    "integer": int,
    "list": list,
    "string": str,
    "unicode": str,
}
_TRUE = frozenset(("1", "ok", "on", "t", "true", "y", "yes"))


@dataclass(slots=True, eq=False, repr=False)
class Reader:
    """An `Env()` or `Config()`: its library, and the (type, default) that it has for names."""

    library: str
    scheme: dict[str, Any] = field(default_factory=dict)


def _reader(library: str) -> Given:
    def given(_: Expressions, __: list[Any], named: dict[str, Any]) -> Any:
        return Reader(library, dict(named))

    return given


def call_reader(
    run: Expressions, reader: Reader, method: str, args: list[Any], named: dict[str, Any]
) -> Any:
    """What `env.int("NAME", 4)`, `env("NAME")` and the like give."""
    if method and method not in _METHODS:
        return Unknown(f"calls {reader.library}'s {method}, which is not run")
    cast = named.get("cast") or (args[1] if reader.library == "starlette" and args[1:] else None)
    default = named.get("default", MISSING)
    if reader.library != "starlette" and len(args) > 1:
        default = args[1]
    name = args[0] if args else named.get("name")
    scheme = reader.scheme.get(name) if isinstance(name, str) else None
    kind = _METHODS[method]
    if isinstance(scheme, tuple) and len(scheme) == 2:
        cast, default = scheme[0], scheme[1] if default is MISSING else default
    if isinstance(cast, Reference):
        kind = _TYPES.get(cast.path, object)
    elif cast is not None:
        kind = object
    return _read(run, name, default, kind)


def _read(run: Expressions, name: Any, default: Any, kind: type[Any]) -> Any:
    value = run.environ.read(name, run.deps)
    if value is MISSING:
        if default is MISSING:
            return required(str(name))
        plain = default is None or type(default) is kind
        return default if plain else Unknown(f"cast by the library that reads {name}")
    return _cast(run, value, kind)


def _cast(run: Expressions, value: Any, kind: type[Any]) -> Any:
    if isinstance(value, Unknown):
        return value
    if kind is bool:
        return value.lower() in _TRUE
    if kind in {int, float, str}:
        return run.apply(kind, value)
    return Unknown("cast by a library")


def _decouple(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    """`decouple.config(name, default=..., cast=...)`, which casts the default too."""
    name = args[0] if args else named.get("option")
    default = args[1] if len(args) > 1 else named.get("default", MISSING)
    cast = args[2] if len(args) > 2 else named.get("cast")
    value = run.environ.read(name, run.deps)
    if value is MISSING:
        value = default
    if value is MISSING:
        return required(str(name))
    if cast is None or isinstance(value, Unknown):
        return value
    if isinstance(cast, Reference) and cast.path == "bool":
        return run.apply(_boolean, value)
    return run.called(cast, [value])


def _boolean(value: Any) -> bool:
    text = str(value).lower()
    if text in {"y", "yes", "t", "true", "on", "1"}:
        return True
    if text in {"", "n", "no", "f", "false", "off", "0"}:
        return False
    raise Raised(ValueError, f"invalid truth value {text!r}")


READERS: dict[str, Given] = {
    "decouple.config": _decouple,
    "environ.Env": _reader("django-environ"),
    "environs.Env": _reader("environs"),
    "starlette.config.Config": _reader("starlette"),
}
