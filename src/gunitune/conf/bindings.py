"""Where a config file's names are bound, and how they become unknown."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from gunitune.bounds import EvaluationError
from gunitune.conf.comprehensions import Comprehensions
from gunitune.conf.environ import Environ, missing
from gunitune.conf.names import bound, called, changed, declared_outer, outside_functions
from gunitune.conf.values import NOTHING, Binding, Frame, Function, Names, Raised, Site
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.conf.machine import Machine
    from gunitune.conf.model import Means

_HIDDEN = frozenset(("globals", "locals", "vars", "exec", "eval", "setattr"))


class Bindings(Comprehensions):
    """The binding of names. `names` are those whose every binding is kept, in `assigned`."""

    def __init__(
        self, machine: Machine, environ: Environ, frame: Frame, names: frozenset[str]
    ) -> None:
        super().__init__(machine, environ, frame)
        self.names = names
        self.assigned: list[tuple[str, Binding]] = []
        self.nesting = 0
        self.current: ast.stmt | None = None  # the statement of the checked file

    def why(self, error: Raised | EvaluationError, deps: frozenset[str] | set[str]) -> Unknown:
        """Why an expression that raises can't be told."""
        if isinstance(error, EvaluationError):
            return Unknown(str(error))
        if (unset := missing(deps, self.environ)) is not None:
            return unset
        return Unknown(f"raises {error.name}: {error.message}".rstrip(": "))

    def lose_names(
        self,
        nodes: Sequence[ast.AST],
        unknown: Unknown,
        deps: frozenset[str],
        *,
        changes: bool = True,
    ) -> None:
        """Make unknown whatever statements bind or change, functions that they call included."""
        deps |= self.control
        for name in changed(nodes) if changes else ():
            if (binding := self.binding_of(name)) is not None:
                self.lose(binding.value, unknown)
        statement = nodes[0] if nodes else None
        for node in outside_functions(nodes):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.put(node.id, Binding(unknown, deps, self.site(node, statement, None)))
        for name in bound(nodes) | self._through_calls(nodes):
            binding = self.binding_of(name)
            if binding is None or binding.value is not unknown:
                self.put(name, Binding(unknown, deps, self.site(statement, statement, None)))
        if not _HIDDEN.isdisjoint(called(nodes)):
            self.dynamic = self.dynamic or "globals() or exec() where it can't be followed"

    def _through_calls(self, nodes: Sequence[ast.AST]) -> frozenset[str]:
        found: frozenset[str] = NOTHING
        for name in called(nodes):
            binding = self.binding_of(name)
            if binding is not None and isinstance(binding.value, Function):
                node = binding.value.node
                if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                    found |= declared_outer(node)
        return found

    def binding_of(self, name: str) -> Binding | None:
        """What a name is bound to where the statement stands."""
        frame: Frame | None = self.frame
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.outer
        return (self.frame.module or self.frame).names.get(name)

    # -- binding

    def site(self, name: Any, statement: Any, expression: Any, means: Means = "assign") -> Site:
        """Where a name is bound."""
        return Site(name, statement, expression, means, self.at_top())

    def at_top(self) -> bool:
        """Whether the statement is the module's own."""
        return self.nesting == 0 and self.frame.kind == "module"

    def put(self, name: str, binding: Binding) -> None:
        """Bind a name in the frame that it belongs to."""
        frame = self.frame
        while frame.kind == "comprehension" and frame.outer is not None:
            frame = frame.outer
        self._put_in(frame.declared.get(name, frame), name, binding)

    def _put_in(self, frame: Frame, name: str, binding: Binding) -> None:
        frame.names[name] = binding
        if frame.missing:
            frame.missing.pop(name, None)
        if frame.checked and name in self.names:
            self.assigned.append((name, binding))

    def put_global(self, frame: Frame, name: str, value: Any) -> None:
        """Bind a name of a module through `globals()`."""
        key, expression = _named_in(self.current, name)
        site = self.site(key or self.current, self.current, expression, "globals")
        self._put_in(frame, name, Binding(value, frozenset(self.deps) | self.control, site))

    def store(
        self, target: ast.expr, binding: Binding, statement: ast.AST, means: Means = "assign"
    ) -> None:
        """Bind a target: a name, several, an item; an attribute is left alone."""
        value, deps, site = binding
        expression = site.expression if site else None
        match target:
            case ast.Name(id=name):
                where = self.site(target, statement, expression, means)
                self.put(name, Binding(value, deps, where))
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                self._store_all(elts, binding, statement, means)
            case ast.Starred(value=inner):
                self.store(inner, binding, statement, means)
            case ast.Subscript():
                self._store_item(target, value, deps)

    def _store_all(
        self, targets: Sequence[ast.expr], binding: Binding, statement: ast.AST, means: Means
    ) -> None:
        items = self.items(binding.value)
        expression = binding.site.expression if binding.site else None
        parts: Sequence[Any] = [expression] * len(targets)
        star = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
        if isinstance(items, Unknown):
            values: list[Any] = [items] * len(targets)
        else:
            values = _spread(items, len(targets), star)
            match expression:
                case ast.Tuple(elts=elts) | ast.List(elts=elts) if len(elts) == len(targets):
                    parts = parts if star is not None else elts
        for target, value, part in zip(targets, values, parts, strict=True):
            site = self.site(target, statement, part, means)
            self.store(target, Binding(value, binding.depends, site), statement, means)

    def _store_item(self, target: ast.Subscript, value: Any, deps: frozenset[str]) -> None:
        owner, why = self.recorded(target.value)
        index, more = (
            self.recorded(target.slice)
            if not isinstance(target.slice, ast.Slice)
            else (Unknown("a slice"), set[str]())
        )
        self.deps |= deps | why | more
        if isinstance(owner, Environ):
            owner.write(index, value, deps | self.control)
        elif isinstance(owner, Names):
            self._store_global(owner, index, value)
        elif isinstance(owner, (list, dict)):
            if isinstance(index, Unknown):
                self.lose(owner, index)
            else:
                self.guarded(operator.setitem, owner, index, value)
                self.noted(owner)
                self.kept_small(owner)

    def _store_global(self, owner: Names, name: Any, value: Any) -> None:
        if isinstance(name, str):
            self.put_global(owner.frame, name, value)
        else:
            self.dynamic = self.dynamic or "sets names that can't be told, by globals()"

    def unpack(self, target: ast.expr, value: Any, deps: frozenset[str]) -> None:
        """Bind the names of a comprehension's target in its own frame."""
        if isinstance(target, ast.Name):
            self.frame.names[target.id] = Binding(value, deps)
            return
        if isinstance(target, (ast.Tuple, ast.List)):
            items = self.items(value)
            star = next((i for i, t in enumerate(target.elts) if isinstance(t, ast.Starred)), None)
            values = (
                [items] * len(target.elts)
                if isinstance(items, Unknown)
                else _spread(items, len(target.elts), star)
            )
            for each, item in zip(target.elts, values, strict=True):
                inner = each.value if isinstance(each, ast.Starred) else each
                self.unpack(inner, item, deps)


def _spread(items: list[Any], count: int, star: int | None) -> list[Any]:
    if star is None:
        if len(items) != count:
            raise Raised(ValueError, f"{len(items)} values to unpack where {count} are expected")
        return items
    after = count - star - 1
    if len(items) < count - 1:
        raise Raised(ValueError, f"not enough values to unpack (expected at least {count - 1})")
    end = len(items) - after
    return [*items[:star], items[star:end], *items[end:]]


def _named_in(statement: ast.stmt | None, name: str) -> tuple[ast.AST | None, ast.expr | None]:
    """Where a statement has a name as a text or a keyword, and the value that goes with it."""
    for node in outside_functions([statement] if statement else []):
        match node:
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == name:
                        return key, value
            case ast.keyword(arg=arg, value=value) if arg == name:
                return node, value
            case ast.Subscript(slice=ast.Constant(value=text)) if text == name:
                return node, getattr(statement, "value", None)
    return None, None
