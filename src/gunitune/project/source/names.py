"""Where the names in a scope come from.

An *origin* says so: `requests.get` outside the project, `app/db.py:connect` inside it (`app/db.py:`
is the module itself, `app/:` a folder without `__init__.py`), `?name` where it can't be told. What
a call gives has the origin of the call: after `s = requests.Session()`, `s.get` comes from
`requests.Session.get`.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from gunitune.project.source.tree import Function, chain, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gunitune.project.source.layout import Layout
    from gunitune.project.source.module import Module

_BUILTINS = frozenset(dir(builtins))
_ANNOTATION_DEPTH = 8
# Types that are about what stands in their brackets.
_TRANSPARENT = (
    "Annotated Optional Generator AsyncGenerator Iterator AsyncIterator Iterable AsyncIterable"
    " Awaitable Coroutine Type type ClassVar Final"
)


class Names:
    """The names of one scope: what it binds itself, over what its surroundings bind."""

    def __init__(self, module: Module, layout: Layout, outer: Mapping[str, str]) -> None:
        self._module = module
        self._layout = layout
        self._outer = outer
        self.bound: dict[str, str] = {}
        self.stars: list[str] = []

    def __getitem__(self, name: str) -> str:
        for scope in (self.bound, self._outer):
            if name in scope:
                return scope[name]
        module = self._module
        if name in module.functions or name in module.classes:
            return f"{module.path}:{name}"
        if name in _BUILTINS:
            return f"builtins.{name}"
        return f"{module.path}:{name}" if module.stars else f"?{name}"

    def flat(self) -> dict[str, str]:
        """Every name bound here or around, for a scope inside this one."""
        return {**self._outer, **self.bound}

    def origin(self, node: ast.AST | None) -> str | None:
        """Where an expression comes from; None where it is no chain of names."""
        parts = chain(node)
        return None if parts is None else join(self[parts[0]], parts[1:])

    def annotation(self, node: ast.AST | None) -> str | None:
        """Origin of the type an annotation names; of `X` for `X | None` and `Annotated[X, ...]`."""
        for _ in range(_ANNOTATION_DEPTH):
            if isinstance(node, ast.BinOp):
                node = node.left
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                return self._quoted(node.value)
            elif isinstance(node, ast.Subscript) and _is_transparent(node):
                inner = node.slice
                node = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
            else:
                return self.origin(node)
        return None

    def _quoted(self, text: str) -> str | None:
        parts = text.split(".")
        named = all(part.isidentifier() for part in parts)
        return join(self[parts[0]], parts[1:]) if named else None

    def bind(self, body: Iterable[ast.stmt], *, within: str = "") -> None:
        """Bind what the statements import, assign and define; `within` is the function's name."""
        for node in body:
            if isinstance(node, ast.Import):
                self._bind_import(node)
            elif isinstance(node, ast.ImportFrom):
                self._bind_from(node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind_value(target, node.value)
            elif isinstance(node, ast.AnnAssign):
                self._bind_typed(node)
            elif isinstance(node, ast.With | ast.AsyncWith):
                for item in node.items:
                    self._bind_value(item.optional_vars, item.context_expr)
            elif within and isinstance(node, Function):
                self.bound[node.name] = f"{self._module.path}:{within}.{node.name}"

    def bind_parameters(self, function: Function, owner: str | None) -> None:
        """Bind the parameters to their types; the first one of a method of `owner` to the class."""
        known = function.args
        for index, parameter in enumerate((*known.posonlyargs, *known.args, *known.kwonlyargs)):
            typed = self.annotation(parameter.annotation)
            if owner and index == 0:
                typed = f"{self._module.path}:{owner}"
            self.bound[parameter.arg] = typed or f"?{parameter.arg}"

    def _bind_value(self, target: ast.AST | None, value: ast.AST) -> None:
        if isinstance(target, ast.Name):
            alias = isinstance(value, ast.Subscript) and _is_transparent(value)
            origin = self.annotation(value) if alias else self.origin(value)
            self.bound[target.id] = origin or f"?{target.id}"

    def _bind_typed(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name):
            made = self.origin(node.value) if isinstance(node.value, ast.Call) else None
            origin = made or self.annotation(node.annotation)
            self.bound[node.target.id] = origin or f"?{node.target.id}"

    def _bind_import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            found = self._layout.find(self._module.path, alias.name)
            inside = found is not None and ("." in alias.name or not found.endswith("/"))
            if not alias.asname:
                found = self._layout.find(self._module.path, top)
            origin = f"{found}:" if inside else alias.name if alias.asname else top
            self.bound[alias.asname or top] = origin

    def _bind_from(self, node: ast.ImportFrom) -> None:
        module, path = node.module or "", self._module.path
        if node.level:
            found = self._layout.relative(path, node.level, module)
        else:
            found = self._layout.find(path, module)
        outside = f"?{module}" if node.level else module
        for alias in node.names:
            # A folder without __init__.py may also be namesake of an installed package.
            bare = found is not None and found.endswith("/")
            missing = bare and self._layout.at(f"{found}{alias.name}") is None
            base = outside if found is None or missing else f"{found}:"
            if alias.name == "*":
                self.stars.append(base)
            else:
                self.bound[alias.asname or alias.name] = join(base, (alias.name,))


def _is_transparent(node: ast.Subscript) -> bool:
    return (chain(node.value) or [""])[-1] in _TRANSPARENT.split()
