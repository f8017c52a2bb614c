"""What the methods of plain values give: texts, lists, dicts, sets and paths."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gunitune.bounds import MAX_ITEMS, EvaluationError
from gunitune.conf.formats import format_text
from gunitune.conf.names import CHANGING
from gunitune.conf.values import Once, Raised, View
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.conf.expression import Expressions

_CODECS = re.compile(r"utf[-_]?8|ascii|us[-_]ascii|latin[-_]?1|iso[-_]8859[-_]1", re.IGNORECASE)
_TEXT = frozenset(
    (
        *("capitalize", "casefold", "center", "count", "encode", "endswith"),
        *("expandtabs", "find", "format", "index", "isalnum", "isalpha", "isascii"),
        *("isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable"),
        *("isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip"),
        *("partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex"),
        *("rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith"),
        *("strip", "swapcase", "title", "upper", "zfill", "format_map"),
    )
)
_BYTES = frozenset(("decode", "startswith", "endswith", "strip", "split"))
_LIST = frozenset(
    (
        *("append", "clear", "copy", "count", "extend", "index", "insert", "pop"),
        *("remove", "reverse", "sort"),
    )
)
_TUPLE = frozenset(("count", "index"))
_DICT = frozenset(
    (
        *("clear", "copy", "get", "items", "keys", "pop", "setdefault", "update"),
        *("values",),
    )
)
_SET = frozenset(
    (
        *("add", "copy", "difference", "discard", "intersection", "isdisjoint"),
        *("issubset", "issuperset", "remove", "symmetric_difference", "union", "update"),
    )
)
_NUMBER = frozenset(("bit_length", "is_integer"))
ALLOWED: dict[type[Any], frozenset[str]] = {
    str: _TEXT,
    bytes: _BYTES,
    list: _LIST,
    Once: frozenset(),
    View: frozenset(),
    tuple: _TUPLE,
    dict: _DICT,
    set: _SET,
    frozenset: _SET - CHANGING,
    int: _NUMBER,
    bool: _NUMBER,
    float: frozenset(("is_integer",)),
    range: _TUPLE,
}
_PATH_METHODS = frozenset(
    (
        *("as_posix", "is_absolute", "is_relative_to", "joinpath", "relative_to"),
        *("with_name", "with_suffix"),
    )
)
_PATH_SAME = frozenset(("resolve", "absolute"))
_PATH_OUTSIDE = frozenset(
    (
        *("cwd", "exists", "expanduser", "glob", "home", "is_dir", "is_file"),
        *("is_socket", "iterdir", "mkdir", "open", "read_bytes", "read_text", "stat"),
        *("touch", "unlink", "write_bytes", "write_text"),
    )
)
_PATH_VALUES = frozenset((*("name", "parent", "parents", "parts", "stem", "suffix", "suffixes"),))


def has_method(owner: Any, name: str) -> bool:
    """Whether a plain value has a method that is worked out here."""
    if isinstance(owner, PurePosixPath):
        return name in _PATH_METHODS | _PATH_SAME | _PATH_OUTSIDE
    return name in ALLOWED.get(type(owner), ())


def path_value(path: PurePosixPath, name: str) -> Any:
    """An attribute of a path; raises EvaluationError for one that is not worked out."""
    if name == "parents":
        return tuple(path.parents)
    if name in _PATH_VALUES:
        return getattr(path, name)
    raise EvaluationError(f"a path's {name[:40]}")


def call_method(
    run: Expressions, owner: Any, name: str, args: list[Any], named: dict[str, Any]
) -> Any:
    """What a method gives; a change in place is noted with what it depends on."""
    if isinstance(owner, PurePosixPath):
        return _path(run, owner, name, args, named)
    if special := _SPECIAL.get((type(owner), name)):
        return special(run, owner, args, named)
    if name in CHANGING and isinstance(owner, (list, dict, set)):
        return _change(run, owner, name, args, named)
    if isinstance(owner, str):
        _check_text(owner, name, args)
    return run.apply(getattr(owner, name), *args, **named)


def _change(run: Expressions, owner: Any, name: str, args: list[Any], named: dict[str, Any]) -> Any:
    if name == "sort" and named.keys() - {"reverse"}:
        run.lose(owner, Unknown("sorted by a key"))
        return None
    if isinstance(owner, dict) or name in {"append", "insert", "setdefault"}:
        unknown = next((arg for arg in args[:-1] if isinstance(arg, Unknown)), None)
        if name == "update" and args:
            args, unknown = _mapping(run, args)
        result = unknown or run.guarded(getattr(owner, name), *args, **named)
    else:
        if name in {"extend", "update"}:
            args = [arg if isinstance(arg, Unknown) else run.items(arg) for arg in args]
        result = run.apply(getattr(owner, name), *args, **named)
        unknown = result if isinstance(result, Unknown) else None
    if unknown is not None:
        run.lose(owner, unknown)
    run.noted(owner)
    run.kept_small(owner)
    return result


def _mapping(run: Expressions, args: list[Any]) -> tuple[list[Any], Unknown | None]:
    """The argument of `dict.update` as a dict, or why it is unknown."""
    if isinstance(args[0], Unknown) or len(args) > 1:
        return args, args[0] if isinstance(args[0], Unknown) else None
    found = run.as_dict(args[0])
    return [found], found if isinstance(found, Unknown) else None


def _check_text(text: str, name: str, args: list[Any]) -> None:
    numbers = [arg for arg in args if isinstance(arg, int)]
    if name in {"center", "ljust", "rjust", "zfill", "expandtabs"}:
        if any(number * (text.count("\t") + 1) > MAX_ITEMS for number in numbers):
            raise EvaluationError("a text out of bounds", f"{MAX_ITEMS} characters are the most")
    elif name == "replace" and len(args) > 1 and all(isinstance(a, str) for a in args[:2]):
        if (text.count(args[0]) * len(args[1])) > MAX_ITEMS:
            raise EvaluationError("a text out of bounds", f"{MAX_ITEMS} characters are the most")
    elif (
        name == "encode" and args and not (isinstance(args[0], str) and _CODECS.fullmatch(args[0]))
    ):
        raise EvaluationError("a text in another encoding")


def _join(run: Expressions, owner: str, args: list[Any], _: dict[str, Any]) -> Any:
    if len(args) != 1:
        raise Raised(TypeError, "str.join() takes exactly one argument")
    items = run.items(args[0])
    if isinstance(items, Unknown):
        return items
    if len(owner) * len(items) > MAX_ITEMS:
        raise EvaluationError("a text out of bounds", f"{MAX_ITEMS} characters are the most")
    return run.apply(owner.join, items)


def _format(run: Expressions, owner: str, args: list[Any], named: dict[str, Any]) -> Any:
    return run.guarded(format_text, owner, args, named)


def _format_map(run: Expressions, owner: str, args: list[Any], _: dict[str, Any]) -> Any:
    found = run.as_dict(args[0]) if args else {}
    return found if isinstance(found, Unknown) else run.guarded(format_text, owner, [], found)


def _decode(run: Expressions, owner: bytes, args: list[Any], named: dict[str, Any]) -> Any:
    if args and not (isinstance(args[0], str) and _CODECS.fullmatch(args[0])):
        raise EvaluationError("a text in another encoding")
    return run.apply(owner.decode, *args, **named)


def _get(run: Expressions, owner: dict[Any, Any], args: list[Any], _: dict[str, Any]) -> Any:
    if isinstance(args[0] if args else None, Unknown):
        return args[0]
    return run.seen(run.guarded(owner.get, *args))


def _view(name: str) -> Callable[..., Any]:
    def view(run: Expressions, owner: dict[Any, Any], args: list[Any], _: dict[str, Any]) -> Any:
        run.spend(len(owner) // 16)
        return View(run.guarded(getattr(owner, name), *args))

    return view


_SPECIAL: dict[tuple[type[Any], str], Callable[..., Any]] = {
    (str, "join"): _join,
    (str, "format"): _format,
    (str, "format_map"): _format_map,
    (bytes, "decode"): _decode,
    (dict, "get"): _get,
    (dict, "items"): _view("items"),
    (dict, "keys"): _view("keys"),
    (dict, "values"): _view("values"),
}


def _path(
    run: Expressions, path: PurePosixPath, name: str, args: list[Any], named: dict[str, Any]
) -> Any:
    if name in _PATH_OUTSIDE:
        return Unknown(f"asks the file system: {name} of a path")
    if name in _PATH_SAME:
        return normal_path(path)
    return run.apply(getattr(path, name), *args, **named)


def normal_path(path: PurePosixPath | str) -> Any:
    """An absolute path without `..`, links aside; `Unknown` for a relative one."""
    import posixpath

    if not posixpath.isabs(path):
        return Unknown("depends on the folder that Gunicorn is started in")
    return type(path)(posixpath.normpath(path))
