"""Which names of a module are apps that Gunicorn can serve, or make one when called."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.project.source.app import (
    APP_ARGUMENTS,
    APP_NAMES,
    Candidate,
    Made,
    may_wrap,
    mounted,
    required,
    speaks,
)
from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.tree import Function, chain, inside, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.model import Interface
    from gunitune.project.source.module import Module
    from gunitune.project.source.names import Names
    from gunitune.project.source.origins import Origins

_DEPTH = 12
_HOPS = 8


class Apps:
    """Finds app objects by following assignments, imports, factories, subclasses and wrappers."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._known = load_knowledge()
        self._modules: dict[str, dict[str, tuple[Made, int]]] = {}
        self._made_by: dict[str, Made | None] = {}
        self._depth = 0

    def candidates(self, path: str) -> list[Candidate]:
        """Apps and factories that the module defines; not those mounted in another one."""
        module = self._origins.source.module(path)
        if module is None:
            return []
        objects = self._objects(path)
        inner = {w for name, (made, _) in objects.items() for w in made.wraps if w != name}
        inner |= mounted(module)
        found = [
            Candidate(path, line, name, made)
            for name, (made, line) in objects.items()
            if name not in inner and made.attribute is None
        ]
        functions = [node for node in module.body if isinstance(node, Function)]
        callables = (self._callable(path, node) for node in functions)
        return found + [item for item in callables if item is not None]

    def defines(self, path: str, name: str) -> bool:
        """Whether the module itself makes an app by this name, to be served or not."""
        return name in self._objects(path)

    def imported(self, path: str, name: str) -> Candidate | None:
        """Give the app that the module has by the name, its own or imported from the project."""
        own = [item for item in self.candidates(path) if item.name == name]
        if own:
            return own[0]
        node, names = ast.Name(name), self._origins.names(path)
        made = self._made(node, path, names, self._objects(path))
        if made is not None:
            return Candidate(path, 1, name, made) if made.attribute is None else None
        origin = self._origins.canonical(names.origin(node))
        function = self._origins.function(origin)
        found = self._callable(origin.partition(":")[0], function) if function else None
        return replace(found, path=path, name=name) if found else None

    def gateway(self, path: str, interface: Interface) -> Candidate | None:
        """Give what a wsgi.py or asgi.py calls its application, whatever makes it."""
        module = self._origins.source.module(path)
        for node in module.body if module else ():
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(target, ast.Name) and target.id in APP_NAMES:
                    made = Made(interface, interface, path, node.lineno)
                    return Candidate(path, node.lineno, target.id, made)
        return None

    def _objects(self, path: str) -> dict[str, tuple[Made, int]]:
        if path not in self._modules:
            self._modules[path] = {}
            module = self._origins.source.module(path)
            if module is not None:
                scope = self._modules[path]
                self._assign(module.body, path, self._origins.names(path), scope)
        return self._modules[path]

    def _assign(
        self,
        body: Iterable[ast.stmt],
        path: str,
        names: Names,
        scope: dict[str, tuple[Made, int]],
    ) -> None:
        for node in body:
            if isinstance(node, ast.Assign):
                targets = [t.id for t in node.targets if isinstance(t, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                targets = [node.target.id]
            else:
                continue
            made = self._made(node.value, path, names, scope) if targets else None
            for target in targets:
                if made is not None and (made.sure or may_wrap(made, target)):
                    scope[target] = (made, node.lineno)

    def _made(
        self, node: ast.AST | None, path: str, names: Names, scope: dict[str, tuple[Made, int]]
    ) -> Made | None:
        self._depth += 1
        try:
            if self._depth > _DEPTH:
                return None
            if isinstance(node, ast.Call):
                return self._called(node, path, names, scope)
            if isinstance(node, ast.Name | ast.Attribute):
                return self._named(node, names, scope)
            if isinstance(node, ast.IfExp):
                return self._made(node.body, path, names, scope)
            return None
        finally:
            self._depth -= 1

    def _named(
        self, node: ast.Name | ast.Attribute, names: Names, scope: dict[str, tuple[Made, int]]
    ) -> Made | None:
        parts = chain(node) or [""]
        if parts[0] in scope:
            made = scope[parts[0]][0]
            exposed = parts[1:] == ([made.attribute] if made.attribute else [])
            return replace(made, attribute=None) if exposed else None
        origin = names.origin(node)
        for _ in range(_HOPS):
            path, _, name = (origin or "").partition(":")
            objects = self._objects(path) if name else {}
            if name in objects:
                return objects[name][0]
            origin = self._origins.hop(origin) if origin and name else None
        return None

    def _called(
        self, node: ast.Call, path: str, names: Names, scope: dict[str, tuple[Made, int]]
    ) -> Made | None:
        origin, line = self._origins.canonical(names.origin(node.func)), getattr(node, "lineno", 0)
        framework = None if ":" in origin else self._known.framework_made_by(origin)
        if framework is not None:
            name, interface = framework.name, framework.interface
            return Made(name, interface, path, line, framework.attribute)
        arguments = [*node.args, *(k.value for k in node.keywords if k.arg in APP_ARGUMENTS)]
        inner = [made for a in arguments if (made := self._made(a, path, names, scope))]
        mentioned = (item.id for item in inside(arguments) if isinstance(item, ast.Name))
        wraps = frozenset(name for name in mentioned if name in scope)
        adapted = self._known.adapters.get(origin)
        if adapted is not None:
            name = inner[0].framework if inner else origin.partition(".")[0]
            return Made(name, adapted, path, line, wraps=wraps)
        own = self._project(origin)
        return replace(inner[0], wraps=wraps, sure=False) if own is None and inner else own

    def _project(self, origin: str) -> Made | None:
        """Give what calling a function or class of the project makes; looked at once."""
        path, _, qualified = origin.partition(":")
        module = self._origins.source.module(path) if qualified.isidentifier() else None
        if module is None:
            return None
        if origin not in self._made_by:
            self._made_by[origin] = None
            classy = qualified in module.classes
            found = self._instance(path, module, qualified) if classy else None
            self._made_by[origin] = found if classy else self._returned(path, qualified)
        return self._made_by[origin]

    def _instance(self, path: str, module: Module, name: str) -> Made | None:
        call = module.functions.get(f"{name}.__call__")
        interface = speaks(call, skip=1) if call else None
        if interface is not None:
            return Made(interface, interface, path, module.classes[name].lineno)
        for base in module.classes[name].bases:
            made = self._made(ast.Call(base, [], []), path, self._origins.names(path), {})
            if made is not None:
                return replace(made, path=path, line=module.classes[name].lineno)
        return None

    def _returned(self, path: str, name: str) -> Made | None:
        function = self._origins.function(f"{path}:{name}")
        if function is None:
            return None
        names, scope = self._origins.names(path, name), dict[str, tuple[Made, int]]()
        body = list(statements(function.body))
        self._assign(body, path, names, scope)
        for node in body:
            if isinstance(node, ast.Return):
                made = self._made(node.value, path, names, scope)
                if made is not None and made.attribute is None:
                    return replace(made, wraps=frozenset())
        declared = self._origins.canonical(names.annotation(function.returns))
        framework = None if ":" in declared else self._known.framework_made_by(declared)
        if framework is None or framework.attribute:
            return None
        return Made(framework.name, framework.interface, path, function.lineno)

    def _callable(self, path: str, node: Function) -> Candidate | None:
        interface = speaks(node)
        if interface is not None:
            made = Made(interface, interface, path, node.lineno)
            return Candidate(path, node.lineno, node.name, made)
        for decorator in node.decorator_list:
            origin = self._origins.canonical(self._origins.names(path).origin(decorator))
            framework = self._known.framework_made_by(origin)
            if framework is not None:
                made = Made(framework.name, framework.interface, path, node.lineno)
                return Candidate(path, node.lineno, node.name, made)
        needs = required(node)
        wraps = not APP_ARGUMENTS.isdisjoint(needs)
        made_inside = None if node.decorator_list or wraps else self._project(f"{path}:{node.name}")
        if made_inside is None:
            return None
        # `def app(*args, **kwargs)` hands on environ and start_response to the app it makes.
        factory = node.args.vararg is None or node.name not in APP_NAMES
        return Candidate(path, node.lineno, node.name, made_inside, factory, needs)
