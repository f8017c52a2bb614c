"""Which functions of the project answer requests, and which run once when a worker starts."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.tree import Function, chain, inside, keywords, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.project.source.module import Module
    from gunitune.project.source.origins import Origins

_BASE_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Handler:
    """A function of the project that the framework calls: `qualified` is `f` or `Class.method`."""

    path: str
    qualified: str

    @property
    def origin(self) -> str:
        """Its canonical origin."""
        return f"{self.path}:{self.qualified}"


class Finder:
    """Finds handlers and startup functions, module by module."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._known = load_knowledge()

    def handlers(self, path: str) -> list[Handler]:
        """Functions in the file that answer requests, and those that it registers to do so."""
        module = self._origins.source.module(path)
        if module is None:
            return []
        names = [
            name for name, node in module.functions.items() if self._answers(module, name, node)
        ]
        found = [Handler(path, name) for name in names]
        return list(dict.fromkeys([*found, *self._registered(module)]))

    def queries(self, path: str) -> Iterator[tuple[str, ast.stmt]]:
        """Class-level queries of class-based views: `queryset = ...`, by the class's name."""
        module = self._origins.source.module(path)
        for name, node in module.classes.items() if module else ():
            for item in node.body if self._is_view(f"{path}:{name}") else ():
                targets = item.targets if isinstance(item, ast.Assign) else []
                if any(
                    chain(t) == [query] for t in targets for query in self._known.handlers.queries
                ):
                    yield name, item

    def startup(self, path: str) -> list[Handler]:
        """Functions in the file that run once per worker."""
        module = self._origins.source.module(path)
        if module is None:
            return []
        known = self._known.startup
        found = [
            Handler(path, name)
            for name, node in module.functions.items()
            if name in known.factories
            or name.rpartition(".")[2] in known.methods
            or any((chain(d) or [""])[-1] in known.decorators for d in node.decorator_list)
        ]
        calls = [node for node in inside(module.body, nested=False) if isinstance(node, ast.Call)]
        given = [v for call in calls for k, v in keywords(call).items() if k in known.keywords]
        targets = (self._target(module, "", node) for value in given for node in inside([value]))
        return list(dict.fromkeys([*found, *(target for target in targets if target)]))

    def _answers(self, module: Module, name: str, node: Function) -> bool:
        known = self._known.handlers
        outer, _, own = name.rpartition(".")
        if outer in module.classes:
            named = own in known.class_methods or own.startswith(tuple(known.prefixes))
            view = named and self._is_view(f"{module.path}:{outer}")
            return view or own in known.responders or self._routed(module, outer, node)
        first = [item.arg for item in (*node.args.posonlyargs, *node.args.args)][:2]
        bare = len(first) == 2 and first[1] in ("start_response", "receive")
        view = bool(first) and first[0] in known.parameters
        return bare or view or self._routed(module, outer, node)

    def _routed(self, module: Module, outer: str, node: Function) -> bool:
        known = self._known.handlers
        names = self._origins.names(module.path, outer if outer in module.functions else "")
        for decorator in node.decorator_list:
            parts = chain(decorator) or [""]
            origin = self._origins.canonical(names.origin(decorator))
            if origin in known.decorators:
                return True
            foreign = origin.partition(".")[0] in known.foreign
            if len(parts) > 1 and parts[-1] in known.methods and not foreign:
                return True
        return False

    def _is_view(self, origin: str, depth: int = _BASE_DEPTH) -> bool:
        path, _, name = origin.partition(":")
        module = self._origins.source.module(path) if name else None
        node = module.classes.get(name) if module else None
        for base in node.bases if node else ():
            last = (chain(base) or [""])[-1]
            if last.endswith(tuple(self._known.handlers.bases)):
                return True
            further = self._origins.canonical(self._origins.names(path).origin(base))
            if depth and ":" in further and self._is_view(further, depth - 1):
                return True
        return False

    def _registered(self, module: Module) -> Iterator[Handler]:
        """Functions and classes given to Route(...), path(...), add_url_rule(...) and the like."""
        scopes = [("", module.body)] + [
            (name, tuple(statements(node.body)))
            for name, node in module.functions.items()
            if name in self._known.startup.factories
        ]
        for scope, body in scopes:
            for call in inside(body, nested=False):
                last = (chain(call) or [""])[-1] if isinstance(call, ast.Call) else ""
                if isinstance(call, ast.Call) and last in self._known.handlers.registrars:
                    for argument in (*call.args, *(item.value for item in call.keywords)):
                        yield from self._methods(self._target(module, scope, argument))

    def _target(self, module: Module, scope: str, node: ast.expr | ast.AST) -> Handler | None:
        if not isinstance(node, ast.Name | ast.Attribute | ast.Call):
            return None
        origin = self._origins.names(module.path, scope).origin(node)
        origin = self._origins.canonical((origin or "?").removesuffix(".as_view"))
        path, _, qualified = origin.partition(":")
        return Handler(path, qualified) if qualified else None

    def _methods(self, target: Handler | None) -> Iterator[Handler]:
        """Give the function itself, or what answers requests in a class."""
        module = self._origins.source.module(target.path) if target else None
        if module is None or target is None:
            return
        if target.qualified in module.functions:
            yield target
        known = self._known.handlers
        for name in module.functions if target.qualified in module.classes else ():
            outer, _, own = name.rpartition(".")
            if outer == target.qualified and own in known.class_methods | known.responders:
                yield Handler(target.path, name)
