"""What a statement of a config file does: names bound, lists changed, functions called."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any, ClassVar

from gunitune.bounds import EvaluationError
from gunitune.conf.bindings import Bindings
from gunitune.conf.environ import MISSING, Environ
from gunitune.conf.methods import call_method
from gunitune.conf.values import (
    NOTHING,
    Binding,
    Class,
    Frame,
    Function,
    Names,
    Raised,
    Site,
    Stopped,
)
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gunitune.conf.environ import Environ as _Environ  # noqa: F401
    from gunitune.conf.machine import Machine

RETURN, BREAK, CONTINUE = "return", "break", "continue"
_IN_PLACE = {ast.Add: "extend", ast.BitOr: "update"}
_KEPT = frozenset(("cache", "lru_cache", "functools.cache", "functools.lru_cache"))


class Statements(Bindings):
    """The simple statements."""

    acts: ClassVar[Mapping[type[ast.AST], Callable[[Any, Any], str | None]]] = {}

    def __init__(
        self, machine: Machine, environ: Environ, frame: Frame, names: frozenset[str]
    ) -> None:
        super().__init__(machine, environ, frame, names)
        self.tries: list[tuple[str, ...]] = []
        self.returned: Any = None
        self.misplaced: ast.stmt | None = None

    def body(self, nodes: Iterable[ast.stmt]) -> str | None:
        """Carry out statements; what ends them early, if something does."""
        for node in nodes:
            if (signal := self.statement(node)) is not None:
                return signal
        return None

    def statement(self, node: ast.stmt) -> str | None:
        """Carry out one statement; of one that fails in a module, the names become unknown."""
        self.spend(1)
        if (self.frame.module or self.frame).checked:
            self.current = node
        try:
            act = self.acts.get(node.__class__)
            return act(self, node) if act else None
        except (Raised, EvaluationError) as error:
            if self.frame.kind == "function" or self._caught(error):
                raise
            if isinstance(error, Raised) and (error.meant or error.kind is SystemExit):
                raise Stopped from None
            self._failed(node, error)
        except RecursionError:
            self._failed(node, EvaluationError("it is nested too deeply"))
        return None

    def _caught(self, error: Raised | EvaluationError) -> bool:
        return isinstance(error, Raised) and any(
            error.caught_by(kinds) for kinds in reversed(self.tries)
        )

    def _failed(self, node: ast.stmt, error: Raised | EvaluationError) -> None:
        deps, self.failed = frozenset(self.failed), set()
        self.doubts += 1
        unknown = self.why(error, deps)
        certain = unknown.reason.startswith("raises ")
        self.lose_names([node], unknown, deps, changes=not certain)

    # -- statements

    def assign(self, node: ast.Assign) -> None:
        """`a = b = value`."""
        value, deps = self.recorded(node.value)
        depends = frozenset(deps) | self.control if deps or self.control else NOTHING
        targets = node.targets
        if len(targets) == 1 and targets[0].__class__ is ast.Name:
            target: Any = targets[0]
            site = Site(target, node, node.value, "assign", self.at_top())
            self.put(target.id, Binding(value, depends, site))
            return
        for each in targets:
            self.store(each, Binding(value, depends, self.site(each, node, node.value)), node)

    def annotated(self, node: ast.AnnAssign) -> None:
        """`a: int = value`."""
        if node.value is not None:
            value, deps = self.recorded(node.value)
            site = self.site(node.target, node, node.value)
            self.store(node.target, Binding(value, frozenset(deps) | self.control, site), node)

    def augment(self, node: ast.AugAssign) -> None:
        """`a += value`, which changes a list in place."""
        target = node.target
        read = _as_read(target)
        before, deps = self.recorded(read)
        value, more = self.recorded(node.value)
        depends = frozenset(deps | more) | self.control
        method = _IN_PLACE.get(type(node.op)) if isinstance(before, (list, dict, set)) else None
        outer, self.deps = self.deps, set(depends)
        try:
            if method and hasattr(before, method):
                call_method(self, before, method, [value], {})
                result = self.seen(before)
            else:
                result = self._operated(node.op, before, value)
        except (Raised, EvaluationError):
            self.failed |= depends
            raise
        finally:
            self.deps = outer
        site = self.site(target, node, node.value, "augment")
        self.store(target, Binding(result, depends, site), node, "augment")

    def _operated(self, op: ast.operator, left: Any, right: Any) -> Any:
        left, right = self.plain(left), self.plain(right)
        if isinstance(left, Unknown):
            return left
        return right if isinstance(right, Unknown) else self.operate(op, left, right)

    def expression(self, node: ast.Expr) -> None:
        """A call, most often: it may change lists, the environment or names."""
        if node.value.__class__ is not ast.Constant:
            self.recorded(node.value)

    def delete(self, node: ast.Delete) -> None:
        """`del a`."""
        for target in node.targets:
            if isinstance(target, ast.Name):
                frame = self.frame.declared.get(target.id, self.frame)
                if frame.names.pop(target.id, None) is None:
                    raise Raised(NameError, f"name {target.id!r} is not defined")
            elif isinstance(target, ast.Subscript):
                self._delete_item(target)

    def _delete_item(self, target: ast.Subscript) -> None:
        owner, _ = self.recorded(target.value)
        if isinstance(target.slice, ast.Slice):
            self.lose(owner, Unknown("a slice of it is deleted"))
            return
        index, _ = self.recorded(target.slice)
        if isinstance(owner, Environ):
            owner.write(index, MISSING)
        elif isinstance(owner, Names):
            owner.frame.names.pop(index, None)
        elif isinstance(index, Unknown):
            self.lose(owner, index)
        elif isinstance(owner, (list, dict)):
            self.guarded(operator.delitem, owner, index)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A function, which is not run yet."""
        decorated = any(ast.unparse(_callee(each)) not in _KEPT for each in node.decorator_list)
        function = Function(node, self.frame, self.defaults(node.args), decorated)
        self.put(
            node.name, Binding(function, self.control, self.site(node, node, None, "function"))
        )

    def define_class(self, node: ast.ClassDef) -> None:
        """A class: the names of its body, where no base may change what they are."""
        frame = self.frame
        names: dict[str, Binding] | None = None
        if not node.keywords and not node.decorator_list and all(map(_is_object, node.bases)):
            inside = Frame(outer=frame, module=frame.module or frame, kind="class")
            self.frame, self.nesting = inside, self.nesting + 1
            try:
                self.body(node.body)
            finally:
                self.frame, self.nesting = frame, self.nesting - 1
            names = inside.names
        site = self.site(node, node, None, "class")
        self.put(node.name, Binding(Class(node.name, names), self.control, site))

    def declare(self, node: ast.Global | ast.Nonlocal) -> None:
        """`global` and `nonlocal`."""
        for name in node.names:
            where = self.frame.module or self.frame
            if isinstance(node, ast.Nonlocal):
                frame = self.frame.outer
                while frame is not None and name not in frame.names:
                    frame = frame.outer
                where = frame or where
            self.frame.declared[name] = where

    def leave(self, node: ast.Return) -> str:
        """`return`."""
        if self.frame.kind != "function":
            self.misplaced = self.misplaced or node
        self.returned = self.raw(node.value) if node.value else None
        return RETURN

    def throw(self, node: ast.Raise) -> None:
        """`raise`: an exception that the file means."""
        exception = _callee(node.exc) if node.exc else None
        name = exception.id if isinstance(exception, ast.Name) else "an exception"
        raise Raised(name, meant=True)


def _callee(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _is_object(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "object"


def _as_read(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=attr):
            return ast.Attribute(value, attr, ast.Load())
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value, index, ast.Load())


Statements.acts = {
    ast.Assign: Statements.assign,
    ast.AnnAssign: Statements.annotated,
    ast.AugAssign: Statements.augment,
    ast.Expr: Statements.expression,
    ast.Delete: Statements.delete,
    ast.FunctionDef: Statements.define,
    ast.AsyncFunctionDef: Statements.define,
    ast.ClassDef: Statements.define_class,
    ast.Global: Statements.declare,
    ast.Nonlocal: Statements.declare,
    ast.Return: Statements.leave,
    ast.Raise: Statements.throw,
    ast.Break: lambda _, __: BREAK,
    ast.Continue: lambda _, __: CONTINUE,
}
