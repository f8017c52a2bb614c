"""What Python's built-in functions give, where it can be told."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gunitune.bounds import MAX_ITEMS, EvaluationError, small_power
from gunitune.conf.environ import Environ
from gunitune.conf.formats import formatted
from gunitune.conf.iterating import (
    best_of,
    enumerate_of,
    filter_of,
    listed,
    map_of,
    pure,
    reversed_of,
    set_of,
    settled_of,
    sorted_of,
    sum_of,
    zip_of,
)
from gunitune.conf.values import (
    Class,
    Function,
    Method,
    Module,
    Names,
    Once,
    Raised,
    Reference,
    unknown_within,
)
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.conf.expression import Expressions

    Given = Callable[[Expressions, list[Any], dict[str, Any]], Any]

_TYPES: dict[str, type[Any]] = {
    "bool": bool,
    "bytes": bytes,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "set": set,
    "str": str,
    "tuple": tuple,
    "pathlib.Path": PurePosixPath,
}
_OBJECTS = (Class, Function, Method, Module, Reference, Environ, Names)
_MAX_DIGITS = 400


def _dict(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    if args and isinstance(args[0], Environ):
        return args[0] if not named else Unknown("a copy of the environment")
    found = run.as_dict(args[0]) if args else {}
    return found if isinstance(found, Unknown) else {**found, **named}


def _str(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    if len(args) != 1 or named or isinstance(args[0], bytes):
        return Unknown("a text in another encoding") if args else ""
    return run.apply(formatted, args[0], "", 115)


def _repr(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    return run.apply(lambda value: formatted(value, "", 114), *args)


def _format(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    return run.apply(formatted, *args)


def _bool(_: Expressions, args: list[Any], __: dict[str, Any]) -> Any:
    value = args[0] if args else False
    if isinstance(value, Reference):
        value = value.plain()
    return value if isinstance(value, Unknown) else bool(value)


def _len(_: Expressions, args: list[Any], __: dict[str, Any]) -> Any:
    (value,) = args
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Once) or not hasattr(value, "__len__"):
        if isinstance(value, (Reference, Environ, Names)):
            return Unknown("the length of an object")
        kind = "iterator" if isinstance(value, Once) else type(value).__name__
        raise Raised(TypeError, f"object of type {kind!r} has no len()")
    return len(value)


def _range(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    if (unknown := unknown_within(args)) is not None:
        return unknown
    return run.guarded(_bounded_range, *args)


def _bounded_range(*numbers: int) -> range:
    found = range(*numbers)
    if max(abs(found.start), abs(found.stop)) >= 2**62 or len(found) > MAX_ITEMS:
        raise EvaluationError("a range out of bounds", f"{MAX_ITEMS} items are the most")
    return found


def _round(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    digits = args[1] if len(args) > 1 else named.get("ndigits")
    if isinstance(digits, int) and abs(digits) > _MAX_DIGITS:
        raise EvaluationError("a rounding out of bounds")
    return run.apply(round, *args, **named)


def _pow(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    if len(args) != 2:
        raise EvaluationError("a power of three numbers")
    if unknown_within(args) is None and not small_power(*args):
        raise EvaluationError("a power out of bounds")
    return run.apply(pow, *args)


def _isinstance(_: Expressions, args: list[Any], __: dict[str, Any]) -> Any:
    value, kinds = args
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    types = [_TYPES.get(kind.path) if isinstance(kind, Reference) else None for kind in kinds]
    if isinstance(value, (Unknown, Once, *_OBJECTS)) or None in types:
        return value if isinstance(value, Unknown) else Unknown("the type of an object")
    return isinstance(value, tuple(kind for kind in types if kind))


def _getattr(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    from gunitune.conf.calls import attribute_of

    owner, name = args[0], args[1]
    if not isinstance(name, str):
        return name if isinstance(name, Unknown) else Unknown("an attribute that can't be told")
    try:
        found = attribute_of(run, owner, name)
    except Raised:
        if len(args) > 2:
            return args[2]
        raise
    if isinstance(found, Reference) and found.kind == "value" and len(args) > 2:
        return Unknown(f"{found.path} may be missing")
    return found


def _hasattr(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    try:
        found = _getattr(run, args[:2], {})
    except Raised:
        return False
    if isinstance(found, Reference):
        found = found.plain()
    return found if isinstance(found, Unknown) else True


def _setattr(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    owner, name, value = args
    if isinstance(owner, Names) and isinstance(name, str):
        run.put_global(owner.frame, name, value)
    elif isinstance(owner, Names):
        run.dynamic = run.dynamic or "sets names that can't be told, by setattr()"


def _globals(run: Expressions, _: list[Any], __: dict[str, Any]) -> Any:
    return Names(run.frame.module or run.frame)


def _locals(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    if args or run.frame.kind != "module":
        return Unknown("the names of an object")
    return Names(run.frame)


def _runs(what: str) -> Given:
    def given(run: Expressions, _: list[Any], __: dict[str, Any]) -> Any:
        run.dynamic = run.dynamic or f"runs text, by {what}()"
        return Unknown(f"calls {what}(), which is not run")

    return given


def leave(_: Expressions, __: list[Any], ___: dict[str, Any]) -> Any:
    """Ends the program."""
    raise Raised(SystemExit)


def _nothing(_: Expressions, __: list[Any], ___: dict[str, Any]) -> Any:
    return None


def _open(_: Expressions, __: list[Any], ___: dict[str, Any]) -> Any:
    return Unknown("read from a file")


FUNCTIONS: dict[str, Given] = {
    "abs": pure(abs),
    "all": settled_of(settling=False),
    "any": settled_of(settling=True),
    "bin": pure(bin),
    "bool": _bool,
    "chr": pure(chr),
    "dict": _dict,
    "divmod": pure(divmod),
    "enumerate": enumerate_of,
    "eval": _runs("eval"),
    "exec": _runs("exec"),
    "exit": leave,
    "filter": filter_of,
    "float": pure(float),
    "format": _format,
    "getattr": _getattr,
    "globals": _globals,
    "hasattr": _hasattr,
    "hex": pure(hex),
    "int": pure(int),
    "isinstance": _isinstance,
    "len": _len,
    "list": listed(list),
    "locals": _locals,
    "map": map_of,
    "max": best_of(max),
    "min": best_of(min),
    "oct": pure(oct),
    "open": _open,
    "ord": pure(ord),
    "pow": _pow,
    "print": _nothing,
    "quit": leave,
    "range": _range,
    "repr": _repr,
    "reversed": reversed_of,
    "round": _round,
    "set": set_of,
    "setattr": _setattr,
    "sorted": sorted_of,
    "str": _str,
    "sum": sum_of,
    "tuple": listed(tuple),
    "vars": _locals,
    "zip": zip_of,
}
