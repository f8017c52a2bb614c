"""What a name in a config file may stand for while the file is read, beside plain values."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from gunitune.bounds import EvaluationError, bounded
from gunitune.conf.model import Defined
from gunitune.model import Unknown

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from gunitune.conf.model import Means

MAX_DEPTH = 50
NOTHING: frozenset[str] = frozenset()
SCALARS = frozenset({int, float, str, bool, type(None), PurePosixPath})
CONTAINERS = (list, tuple, dict, set, frozenset)


class Site(NamedTuple):
    """Where a name is bound: nodes of the checked file, and how."""

    name: Any
    statement: Any
    expression: Any
    means: Means
    top_level: bool


class Binding(NamedTuple):
    """What a name stands for, what that depends on, and where it was bound."""

    value: Any
    depends: frozenset[str] = NOTHING
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Something outside the file by its dotted name; `value` is what can't be told."""

    path: str
    kind: str = "value"  # or module, function

    def plain(self) -> Any:
        """What an operator makes of it: the object itself, or that it is unknown."""
        if self.kind != "value":
            return self
        module, _, name = self.path.rpartition(".")
        return Unknown(f"imported from {module or name}, which is outside the project")


@dataclass(slots=True, eq=False, repr=False)
class Frame:
    """The names of a module, a function's call, a class body or a comprehension.

    `missing` holds names that the side not taken of a condition would bind, with what it hangs on.
    `tests` collects what a function's conditions depend on.
    """

    names: dict[str, Binding] = field(default_factory=dict)
    outer: Frame | None = None
    module: Frame | None = None  # None: it is the module itself
    kind: str = "module"  # function, class, comprehension
    own: frozenset[str] = NOTHING
    declared: dict[str, Frame] = field(default_factory=dict)
    missing: dict[str, frozenset[str]] = field(default_factory=dict)
    tests: set[str] = field(default_factory=set)
    checked: bool = False  # the module of the checked file
    package: str = ""  # of a module: the folder that its relative imports start at
    path: str = ""
    star: str = ""  # of a module: where names that can't be seen may come from


@dataclass(slots=True, eq=False, repr=False)
class Function:
    """A function or lambda of the project; `defaults` are its parameters' by name."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame
    defaults: dict[str, Binding]
    decorated: bool = False

    def defined(self) -> Defined:
        """How the outside sees it."""
        name = getattr(self.node, "name", "")
        kind = "function" if name else "lambda"
        if self.decorated:
            return Defined("function", name)
        arguments = self.node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        least = len(positional) - len(arguments.defaults)
        return Defined(
            "function" if kind == "function" else "lambda",
            name,
            least,
            None if arguments.vararg else len(positional),
        )


@dataclass(slots=True, eq=False, repr=False)
class Class:
    """A class of the project; `names` are its body's, None where a base may change them."""

    name: str
    names: dict[str, Binding] | None


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A module of the project that was followed."""

    name: str
    frame: Frame


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a plain value, not yet called."""

    owner: Any
    name: str


@dataclass(slots=True, eq=False, repr=False)
class Names:
    """What `globals()` gives: the names of a module."""

    frame: Frame


class Once(list[Any]):
    """What an iterator will give, once."""

    def __bool__(self) -> bool:
        """An iterator is true, empty or not."""
        return True


class View(list[Any]):
    """What the keys, values or items of a dict are."""


class Raised(Exception):  # noqa: N818  (an event in the file that is read)
    """An exception that the file would raise: its kind, or its name as the file writes it.

    `meant` says that it is a `raise` of the file.
    """

    def __init__(
        self, kind: type[BaseException] | str, message: str = "", *, meant: bool = False
    ) -> None:
        super().__init__(message)
        found = getattr(builtins, kind, kind) if isinstance(kind, str) else kind
        built_in = isinstance(found, type) and issubclass(found, BaseException)
        self.kind = found if built_in else kind
        self.message = message
        self.meant = meant

    @property
    def name(self) -> str:
        """Its class."""
        return self.kind.__name__ if isinstance(self.kind, type) else str(self.kind)

    def caught_by(self, names: Iterable[str]) -> bool:
        """Whether a handler for exceptions of these names catches it."""
        if isinstance(self.kind, type):
            return not {each.__name__ for each in self.kind.__mro__}.isdisjoint(names)
        return not {self.name, "Exception", "BaseException"}.isdisjoint(names)


class Stopped(Exception):  # noqa: N818  (an event in the file that is read)
    """The file raises, or ends the program, on purpose."""


class Exhausted(Exception):  # noqa: N818  (an event in the file that is read)
    """The file takes more steps than are granted."""


def unknown_within(values: Iterable[Any]) -> Unknown | None:
    """The first `Unknown` among values, or in what they hold; they must be bounded."""
    left, seen = list(values), set()
    while left:
        value = left.pop()
        if isinstance(value, Unknown):
            return value
        if isinstance(value, CONTAINERS) and id(value) not in seen:
            seen.add(id(value))
            left.extend((*value, *value.values()) if isinstance(value, dict) else value)
    return None


def exported(value: Any) -> Any:
    """A value as others see it: plain Python, `Defined` or `Unknown`."""
    if value.__class__ in SCALARS or isinstance(value, Unknown):
        return value
    try:
        return _exported(bounded(value))
    except EvaluationError as error:
        return Unknown(str(error))


def _exported(value: Any, depth: int = MAX_DEPTH) -> Any:
    if depth == 0:
        return Unknown("a value that is nested too deeply")
    if value.__class__ in SCALARS or isinstance(value, (Unknown, range, bytes)):
        return value
    if isinstance(value, (Once, View)):
        return Unknown("an iterator")
    return _all_exported(value, depth - 1) if isinstance(value, CONTAINERS) else _object(value)


def _object(value: Any) -> Defined | Unknown:
    match value:
        case Function():
            return value.defined()
        case Class(name=name):
            return Defined("class", name)
        case Module(name=name):
            return Defined("object", name)
        case Reference(path=path):
            plain = value.plain()
            return plain if isinstance(plain, Unknown) else Defined("object", path)
    return Unknown("an object that can't be told")


def _all_exported(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        value = {key: _exported(item, depth) for key, item in value.items()}
    elif not isinstance(value, (set, frozenset)):
        value = type(value)(_exported(item, depth) for item in value)
    return unknown_within([value]) or value


def same(left: Any, right: Any) -> bool:
    """Whether two exported values are the same for Gunicorn: 1 is not True."""
    return type(left) is type(right) and bool(left == right)
