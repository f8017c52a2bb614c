"""Follows names from one file of the project to the other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunitune.project.source.module import Module
from gunitune.project.source.names import Names
from gunitune.project.source.tree import Function, chain, inside, join, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.project.source import Source

_HOPS = 10


class Origins:
    """Where names come from in the whole project (source/names.py says what an origin is)."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._names: dict[tuple[str, str], Names] = {}
        self._members: dict[tuple[str, str], dict[str, str]] = {}

    def function(self, origin: str) -> Function | None:
        """Give the function of the project that has this canonical origin."""
        path, _, qualified = origin.partition(":")
        module = self.source.module(path) if qualified else None
        return module.functions.get(qualified) if module else None

    def names(self, path: str, qualified: str = "") -> Names:
        """Names inside a function of a file; in the module itself for an empty `qualified`."""
        key = (path, qualified)
        module = self.source.module(path)
        if module is None:
            return Names(Module(path, (), {}, {}), self.source.layout, {})
        if key not in self._names:
            self._names[key] = self._bind(module, qualified)
        return self._names[key]

    def _bind(self, module: Module, qualified: str) -> Names:
        outer = qualified.rpartition(".")[0]
        around = (
            self.names(module.path, outer).flat() if outer in module.functions else module.names
        )
        names = Names(module, self.source.layout, around)
        function = module.functions.get(qualified)
        if function is not None:
            names.bind_parameters(function, outer if outer in module.classes else None)
            names.bind(statements(function.body), within=qualified)
        return names

    def canonical(self, origin: str | None) -> str:
        """Follow a name to where it is defined in the project, or to what it is outside."""
        origin = origin or "?"
        for _ in range(_HOPS):
            further = self.hop(origin)
            if further is None or further == origin:
                break
            origin = further
        return origin

    def hop(self, origin: str) -> str | None:
        """Follow a name by one step; None where there is none."""
        path, _, qualified = origin.partition(":")
        if not qualified:
            return None
        first, *rest = qualified.split(".")
        module = self.source.module(path) if path.endswith(".py") else None
        if module is not None:
            # `from . import views` in a package's own __init__.py means the module beside it.
            if module.names.get(first, f"{path}:{first}") != f"{path}:{first}":
                return join(module.names[first], rest)
            if first in module.classes:
                return self._member(module, first, rest)
            if first in module.functions:
                return self._result(module, first, rest)
        return self._submodule(path, first, rest) or self._starred(module, qualified)

    def _submodule(self, path: str, name: str, rest: list[str]) -> str | None:
        if path and not path.endswith(("/", "__init__.py")):
            return None
        below = self.source.layout.at(path[: path.rfind("/") + 1] + name)
        return join(f"{below}:", rest) if below else None

    def _starred(self, module: Module | None, qualified: str) -> str | None:
        """Look for a name in what `from x import *` brings; take a lone package at its word."""
        first, stars = qualified.partition(".")[0], module.stars if module else ()
        for star in stars:
            other = self.source.module(star.removesuffix(":"))
            scopes = (other.names, other.functions, other.classes) if other else ()
            if other and (other.stars or any(first in scope for scope in scopes)):
                return join(star, (qualified,))
        outside = [star for star in stars if ":" not in star and star[0] != "?"]
        return join(outside[0], (qualified,)) if len(outside) == 1 else None

    def _result(self, module: Module, name: str, rest: list[str]) -> str | None:
        """Go on from what a function gives, unless it is a function inside it that is meant."""
        if not rest or f"{name}.{rest[0]}" in module.functions:
            return None
        gives = self._returned(module, name)
        return join(gives, rest) if gives else None

    def _member(self, module: Module, name: str, rest: list[str]) -> str | None:
        if not rest:
            return None
        if f"{name}.{rest[0]}" in module.functions:
            return self._result(module, f"{name}.{rest[0]}", rest[1:])
        members = self._attributes(module, name)
        if rest[0] in members:
            return join(members[rest[0]], rest[1:])
        bases = (self.names(module.path).origin(base) for base in module.classes[name].bases)
        base = next((base for base in bases if base and base[0] != "?"), None)
        return join(base, rest) if base else None

    def _attributes(self, module: Module, name: str) -> dict[str, str]:
        """Where the attributes of a class come from: its body, and `self.x = ...` in methods."""
        key = (module.path, name)
        if key not in self._members:
            body = Names(module, self.source.layout, module.names)
            body.bind(statements(module.classes[name].body))
            methods = [method for method in module.functions if method.startswith(f"{name}.")]
            pairs = (pair for method in methods for pair in self._assigned(module, method))
            self._members[key] = {**dict(pairs), **body.bound}
        return self._members[key]

    def _assigned(self, module: Module, method: str) -> Iterator[tuple[str, str]]:
        names = self.names(module.path, method)
        for node in statements(module.functions[method].body):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = chain(node.targets[0] if isinstance(node, ast.Assign) else node.target)
                origin = names.origin(node.value)
                if target and target[0] == "self" and len(target) == 2 and origin:
                    yield target[1], origin

    def _returned(self, module: Module, name: str) -> str | None:
        """Origin of what a function gives: by its annotation, else by what it returns or yields."""
        function, names = module.functions[name], self.names(module.path, name)
        declared = names.annotation(function.returns)
        if declared and not declared.startswith(("?", "builtins.")):
            return declared
        values = [
            names.origin(node.value)
            for node in inside(function.body, nested=False)
            if isinstance(node, ast.Return | ast.Yield)
        ]
        return next((value for value in values if value and value[0] != "?"), None)
