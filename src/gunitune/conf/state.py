"""What is known while a config file is read: names, dependence, steps, changes in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.bounds import SIZED, EvaluationError, bounded, weight
from gunitune.conf.environ import Environ
from gunitune.conf.values import (
    CONTAINERS,
    NOTHING,
    SCALARS,
    Exhausted,
    Frame,
    Names,
    Once,
    Raised,
    Reference,
    unknown_within,
)
from gunitune.evaluate import Evaluation
from gunitune.model import Unknown

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from gunitune.conf.machine import Machine
    from gunitune.conf.values import Binding, Function

_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError)


class State(Evaluation):
    """One reading of a config file, for one environment.

    While an expression is worked out, `deps` collects what it depends on: what the environment and
    the machine were asked for, and what the names that it reads depend on. `control` is what the
    conditions around the statement depend on. A step is one node; `limit` is the last granted.
    """

    def __init__(self, machine: Machine, environ: Environ, frame: Frame) -> None:
        self.machine = machine
        self.environ = environ
        self.frame = frame
        self.deps: set[str] = set()
        self.failed: set[str] = set()  # what the expression that raised depends on
        self.control: frozenset[str] = NOTHING
        self.steps = 0
        self.limit = 0
        self.doubts = 0  # what could not be told, and so might raise
        self.reads: set[str] = set()
        self.dynamic = ""
        # values changed in place: the value, why it can't be told any more, what it depends on
        self.marks: dict[int, tuple[Any, Unknown | None, frozenset[str]]] = {}

    def raw(self, node: ast.expr) -> Any:
        """Work out an expression; objects of the outside stay what they are."""
        self.steps += 1
        if self.steps > self.limit:
            raise Exhausted
        method = self.kinds.get(node.__class__)
        if method is None:
            return Unknown("an expression of a kind that is not worked out")
        return method(self, node)

    def of(self, node: ast.expr) -> Any:
        """Work out an expression for an operator: what can't be told is `Unknown`."""
        value = self.raw(node)
        return value.plain() if value.__class__ is Reference else value

    def plain(self, value: Any) -> Any:
        """A value for an operator."""
        return value.plain() if value.__class__ is Reference else value

    def recorded(self, node: ast.expr) -> tuple[Any, set[str]]:
        """What an expression gives, and what that depends on."""
        before, self.deps = self.deps, set()
        try:
            value = self.raw(node)
        except (Raised, EvaluationError):
            self.failed |= self.deps
            raise
        else:
            if isinstance(value, Unknown):
                self.doubts += 1
            return value, self.deps
        finally:
            self.deps = before

    def spend(self, steps: int) -> None:
        """Count work that is more than one step."""
        self.steps += steps
        if self.steps > self.limit:
            raise Exhausted

    def apply(self, function: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """Apply a function of ours; `Unknown` where a value is, or holds, one."""
        for value in (*values, *named.values()) if named else values:
            if value.__class__ not in SCALARS and (unknown := self._unknown(value)) is not None:
                return unknown
        return self.guarded(function, *values, **named)

    def _unknown(self, value: Any) -> Unknown | None:
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Reference):
            plain = value.plain()
            return plain if isinstance(plain, Unknown) else None
        if isinstance(value, (Environ, Names)):
            return Unknown("uses a whole namespace")
        if isinstance(value, CONTAINERS):
            bounded(value)
            self.spend(len(value) // 16)
            return unknown_within([value])
        return None

    def guarded(self, function: Callable[..., Any], *values: Any, **named: Any) -> Any:
        """Apply a function of ours to what is small; its exception is one of the file's."""
        try:
            result = bounded(function(*values, **named))
        except RecursionError:
            raise EvaluationError("a value that is nested too deeply") from None
        except _ERRORS as error:
            raise Raised(type(error), str(error)) from None
        if isinstance(result, SIZED):
            self.spend(len(result) // 16)
        return result

    def items(self, value: Any) -> list[Any] | Unknown:
        """What iterating over a value gives, or `Unknown`; raises Raised for one that can't be."""
        if isinstance(value, Reference):
            value = value.plain()
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Environ):
            return list(value.items(self.deps))
        if isinstance(value, Names):
            return Unknown("goes through the names of a module")
        if isinstance(value, (set, frozenset)) and len(value) > 1:
            raise EvaluationError("the order of a set, which is not fixed")
        if not isinstance(value, (str, bytes, range, *CONTAINERS)):
            raise Raised(TypeError, f"{type(value).__name__!r} object is not iterable")
        self.spend(len(value) // 16)
        found = list(value)
        if isinstance(value, Once):
            value.clear()
        return found

    def seen(self, value: Any) -> Any:
        """A value as it is now: one that was changed in place may be lost, or depend on more."""
        if self.marks and (mark := self.marks.get(id(value))) is not None and mark[0] is value:
            self.deps |= mark[2]
            return mark[1] or value
        return value

    def lose(self, value: Any, unknown: Unknown) -> None:
        """Note that a list, dict or set can't be told any more."""
        if isinstance(value, (list, dict, set)):
            _, _, deps = self.marks.get(id(value), (value, None, NOTHING))
            self.marks[id(value)] = value, unknown, deps | self.deps | self.control

    def noted(self, value: Any) -> None:
        """Note what a change in place depends on."""
        if self.deps or self.control:
            _, unknown, deps = self.marks.get(id(value), (value, None, NOTHING))
            self.marks[id(value)] = value, unknown, deps | self.deps | self.control

    def held(self, value: Any) -> Any:
        """Pass a new list, tuple or dict on; raises EvaluationError for one of too many items."""
        self.spend(weight(value) // 16)
        return value

    def as_dict(self, value: Any) -> Any:
        """What `dict(value)` holds, or `Unknown`."""
        if isinstance(value, Environ):
            return value.items(self.deps)
        if isinstance(value, Reference):
            value = value.plain()
        if isinstance(value, (dict, Unknown)):
            return value
        pairs = self.items(value)
        return pairs if isinstance(pairs, Unknown) else self.guarded(dict, pairs)

    def kept_small(self, value: Any) -> None:
        """Check a list, dict or set that grew; raises EvaluationError, and empties it then."""
        try:
            self.spend(weight(value) // 16)
        except EvaluationError as error:
            value.clear()  # it may hold itself
            self.lose(value, Unknown(str(error)))
            raise

    # -- what is added further on

    def run(
        self, function: Function, args: list[Any], named: dict[str, Any], node: ast.AST | None
    ) -> Any:
        """What a function of the file gives."""
        raise NotImplementedError

    def called(self, function: Any, args: list[Any]) -> Any:
        """What calling a value gives."""
        raise NotImplementedError

    def put(self, name: str, binding: Binding) -> None:
        """Bind a name where the statement stands."""
        raise NotImplementedError

    def put_global(self, frame: Frame, name: str, value: Any) -> None:
        """Bind a name of a module through `globals()`."""
        raise NotImplementedError

    def unpack(self, target: ast.expr, value: Any, deps: frozenset[str]) -> None:
        """Bind the names of a target that is not an assignment's."""
        raise NotImplementedError
