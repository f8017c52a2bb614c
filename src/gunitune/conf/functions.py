"""What a function of a config file gives when the file calls it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from gunitune.bounds import EvaluationError
from gunitune.conf.attempts import Attempts
from gunitune.conf.loops import MAX_STEPS
from gunitune.conf.names import holds, local_names
from gunitune.conf.statements import RETURN
from gunitune.conf.values import Binding, Exhausted, Frame, Function, Raised
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CALLS = 12


class Functions(Attempts):
    """Calls of functions and lambdas of the file."""

    calls = 0

    def run(
        self, function: Function, args: list[Any], named: dict[str, Any], node: ast.AST | None
    ) -> Any:
        """What a function of the file gives."""
        definition = function.node
        if (
            function.decorated
            or isinstance(definition, ast.AsyncFunctionDef)
            or _yields(definition)
        ):
            return Unknown(f"calls {getattr(definition, 'name', 'a function')}, which is not run")
        if self.calls >= MAX_CALLS:
            raise EvaluationError("calls that are nested too deeply")
        frame = self._called_frame(function, definition, args, named)
        place = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
        kept = (self.frame, self.context, self.nesting, self.control, self.limit)
        self.frame, self.context, self.calls = frame, (*self.context, place), self.calls + 1
        self.limit = min(self.limit, self.steps + MAX_STEPS)
        try:
            return self._given_back(definition)
        except Exhausted:
            if self.steps > kept[-1]:
                raise
            raise EvaluationError("a call that takes too long") from None
        finally:
            self.frame, self.context, self.nesting, self.control, self.limit = kept
            self.calls -= 1
            self.deps |= frame.tests

    def _given_back(self, definition: ast.FunctionDef | ast.Lambda) -> Any:
        if isinstance(definition, ast.Lambda):
            return self.raw(definition.body)
        return self.returned if self.body(definition.body) == RETURN else None

    def _called_frame(
        self,
        function: Function,
        definition: ast.FunctionDef | ast.Lambda,
        args: list[Any],
        named: dict[str, Any],
    ) -> Frame:
        outer: Frame | None = function.frame
        while outer is not None and outer.kind == "class":
            outer = outer.outer
        frame = Frame(
            names=dict(function.defaults),
            outer=outer if outer is not None and outer.kind != "module" else None,
            module=function.frame.module or function.frame,
            kind="function",
            own=local_names(definition),
        )
        frame.names.update(_parameters(definition.args, args, named, frame.names))
        return frame


def _parameters(
    spec: ast.arguments, args: list[Any], named: dict[str, Any], defaults: Mapping[str, Binding]
) -> dict[str, Binding]:
    """The parameters of a call, bound as Python binds them."""
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    found = dict(zip(positional, args, strict=False))
    rest = args[len(positional) :]
    if rest and spec.vararg is None:
        raise Raised(TypeError, f"takes {len(positional)} positional arguments")
    if spec.vararg is not None:
        found[spec.vararg.arg] = tuple(rest)
    by_name = {each.arg for each in (*spec.args, *spec.kwonlyargs)}
    more = {name: value for name, value in named.items() if name not in by_name}
    if (more and spec.kwarg is None) or found.keys() & (named.keys() - more.keys()):
        raise Raised(TypeError, "got an unexpected keyword argument, or one twice")
    found |= {name: value for name, value in named.items() if name in by_name}
    if spec.kwarg is not None:
        found[spec.kwarg.arg] = more
    for name in (*positional, *(each.arg for each in spec.kwonlyargs)):
        if name not in found and name not in defaults:
            raise Raised(TypeError, f"missing required argument: {name!r}")
    return {name: Binding(value) for name, value in found.items()}


def _yields(node: ast.FunctionDef | ast.Lambda) -> bool:
    return isinstance(node, ast.FunctionDef) and holds(node.body, (ast.Yield, ast.YieldFrom))
