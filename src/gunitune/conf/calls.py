"""What attributes and calls give: of the file's own objects, of plain values, and of libraries."""

from __future__ import annotations

import builtins
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gunitune.conf.builtin import FUNCTIONS as BUILTIN_FUNCTIONS
from gunitune.conf.casting import Reader, call_reader
from gunitune.conf.environ import MISSING, Environ
from gunitune.conf.libraries import CONSTANTS, MODULES
from gunitune.conf.libraries import FUNCTIONS as LIBRARY_FUNCTIONS
from gunitune.conf.methods import call_method, has_method, path_value
from gunitune.conf.values import (
    Binding,
    Class,
    Function,
    Method,
    Module,
    Names,
    Once,
    Raised,
    Reference,
    View,
)
from gunitune.model import Unknown

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from gunitune.conf.expression import Expressions

FUNCTIONS: dict[str, Callable[[Any, list[Any], dict[str, Any]], Any]] = {
    **LIBRARY_FUNCTIONS,
    **BUILTIN_FUNCTIONS,
}
BUILTINS: dict[str, Binding] = {
    name: Binding(Reference(name, "function" if name in BUILTIN_FUNCTIONS else "value"))
    for name in dir(builtins)
    if not name.startswith("_")
}
_ENVIRON = frozenset(["copy", "get", "items", "keys", "pop", "setdefault", "update", "values"])
_NAMES = frozenset(["get", "pop", "setdefault", "update"])
_METHODS = {Environ: _ENVIRON, Names: _NAMES}
_OBJECTS = (Class, Environ, Function, Method, Module, Names, Reader)
# What is handed to these is not changed by them.
_HARMLESS = ("logging.", "json.", "os.", "warnings.", "pprint.")


def reference(run: Expressions, path: str) -> Any:
    """What a dotted name of a library stands for."""
    if path == "os.environ":
        return run.environ
    if path in CONSTANTS:
        return CONSTANTS[path]
    if path in FUNCTIONS:
        return Reference(path, "function")
    return Reference(path, "module" if path in MODULES else "value")


def attribute_of(run: Expressions, owner: Any, name: str) -> Any:
    """What `owner.name` stands for; raises Raised for an attribute that is not there."""
    if isinstance(owner, Unknown):
        return owner
    if isinstance(owner, Reference):
        return reference(run, f"{owner.path}.{name}")
    if isinstance(owner, _OBJECTS):
        return _of_object(run, owner, name)
    if has_method(owner, name):
        return Method(owner, name)
    if isinstance(owner, PurePosixPath):
        return path_value(owner, name)
    return _of_value(owner, name)


def _of_object(run: Expressions, owner: Any, name: str) -> Any:
    match owner:
        case Module(frame=frame):
            return _member(run, owner, frame.names.get(name), name)
        case Class(names=names):
            return _member(run, owner, names.get(name) if names is not None else None, name)
    if name in _METHODS.get(type(owner), ()) or isinstance(owner, Reader):
        return Method(owner, name)
    return Unknown(f"the attribute {name} of an object")


def _of_value(owner: Any, name: str) -> Any:
    if isinstance(owner, (Once, View)) or hasattr(type(owner), name):
        return Unknown(f"the attribute {name} of a value")
    raise Raised(AttributeError, f"{type(owner).__name__!r} object has no attribute {name!r}")


def _member(run: Expressions, owner: Module | Class, binding: Binding | None, name: str) -> Any:
    if binding is None:
        return Unknown(f"{owner.name}.{name} can't be told")
    run.deps |= binding.depends
    return binding.value


def call(
    run: Expressions, target: Any, args: list[Any], named: dict[str, Any], node: ast.AST | None
) -> Any:
    """What a call gives; `Unknown` for what is not worked out."""
    match target:
        case Function():
            return run.run(target, args, named, node)
        case Reference(path=path) if (function := FUNCTIONS.get(path)) is not None:
            return _called(run, function, args, named)
        case Method(owner=owner, name=name):
            return _called_method(run, owner, name, args, named)
        case Reader():
            return call_reader(run, target, "", args, named)
    return _not_run(run, target, args, named)


def _called_method(
    run: Expressions, owner: Any, name: str, args: list[Any], named: dict[str, Any]
) -> Any:
    how: Callable[..., Any] = _CALLED.get(type(owner), call_method)
    return how(run, owner, name, args, named)


def _called(
    run: Expressions,
    function: Callable[[Any, list[Any], dict[str, Any]], Any],
    args: list[Any],
    named: dict[str, Any],
) -> Any:
    try:
        return function(run, args, named)
    except (TypeError, ValueError, LookupError) as error:  # the arguments do not fit
        raise Raised(TypeError, str(error)) from None


def _not_run(run: Expressions, target: Any, args: list[Any], named: dict[str, Any]) -> Any:
    what = "an object"
    match target:
        case Reference(path=path):
            what = path
        case Class(name=name) | Module(name=name):
            what = name
        case Unknown():
            pass
        case _:
            raise Raised(TypeError, f"{type(target).__name__!r} object is not callable")
    if not what.startswith(_HARMLESS):
        for value in (*args, *named.values()):
            if isinstance(value, Names):
                run.dynamic = run.dynamic or f"hands its names to {what}"
            run.lose(value, Unknown(f"may be changed by {what}"))
    return target if isinstance(target, Unknown) else Unknown(f"calls {what}, which is not run")


def _of_environ(
    run: Expressions, environ: Environ, name: str, args: list[Any], named: dict[str, Any]
) -> Any:
    if name in {"items", "keys", "values"}:
        return View(getattr(environ.items(run.deps), name)())
    if name == "copy":
        copied = Environ(environ.given)
        copied.written = dict(environ.written)
        return copied
    if name == "update":
        changes = run.as_dict(args[0]) if args else {}
        for key, value in ({} if isinstance(changes, Unknown) else changes | named).items():
            environ.write(key, value, frozenset(run.deps))
        return None
    key = args[0] if args else named.get("key")
    default = args[1] if len(args) > 1 else named.get("default", named.get("value"))
    value = environ.read(key, run.deps)
    if name == "setdefault" and value is MISSING:
        environ.write(key, default, frozenset(run.deps))
    elif name == "pop":
        if value is MISSING and len(args) < 2 and "default" not in named:
            raise Raised(KeyError, repr(key))
        environ.write(key, MISSING)
    return default if value is MISSING else value


def _of_names(
    run: Expressions,
    names: Names,
    name: str,
    args: list[Any],
    named: dict[str, Any],
) -> Any:
    if name == "update":
        changes = run.as_dict(args[0]) if args else {}
        if isinstance(changes, Unknown) or not all(isinstance(key, str) for key in changes):
            run.dynamic = run.dynamic or "sets names that can't be told, by globals().update()"
            changes = {}
        for key, value in (changes | named).items():
            run.put_global(names.frame, key, value)
        return None
    key = args[0] if args else None
    default = args[1] if len(args) > 1 else None
    if not isinstance(key, str):
        run.dynamic = run.dynamic or f"names that can't be told, in globals().{name}()"
        return Unknown("a name that can't be told")
    binding = names.frame.names.get(key)
    if name == "setdefault" and binding is None:
        run.put_global(names.frame, key, default)
    elif name == "pop":
        names.frame.names.pop(key, None)
    run.deps |= binding.depends if binding else names.frame.missing.get(key, frozenset())
    run.reads.add(key)
    return binding.value if binding else default


_CALLED: dict[type[Any], Callable[..., Any]] = {
    Environ: _of_environ,
    Names: _of_names,
    Reader: call_reader,
}
