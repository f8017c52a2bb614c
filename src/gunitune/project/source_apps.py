"""Which names of a module are apps that Gunicorn can serve, or make one when called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gunitune.project.source_knowledge import load_knowledge
from gunitune.project.source_tree import Function, chain, inside, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.model import Interface
    from gunitune.project.source_module import Module
    from gunitune.project.source_names import Names
    from gunitune.project.source_origins import Origins

_DEPTH = 12
_APP_ARGUMENTS = frozenset(
    ("app", "application", "wsgi_app", "asgi_app", "other_asgi_app", "wsgi", "asgi")
)
_APP_NAMES = ("app", "application")
_HOPS = 8
_SCOPE = ["scope", "receive", "send"]


@dataclass(frozen=True, slots=True)
class Made:
    """An app object: what made it and where; `wraps` names the app that it has inside.

    `sure` is False where the call is not known to give an app, only to take one.
    """

    framework: str
    interface: Interface
    path: str
    line: int
    attribute: str | None = None
    wraps: str | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A module-level name that Gunicorn could be given; `needs` names arguments it can't guess."""

    path: str
    line: int
    name: str
    made: Made
    factory: bool = False
    needs: tuple[str, ...] = ()


class Apps:
    """Finds app objects by following assignments, imports, factories, subclasses and wrappers."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._known = load_knowledge()
        self._modules: dict[str, dict[str, tuple[Made, int]]] = {}
        self._depth = 0

    def candidates(self, path: str) -> list[Candidate]:
        """Apps and factories that the module defines; not those mounted in another one."""
        module = self._origins.source.module(path)
        if module is None:
            return []
        objects = self._objects(path)
        inner = {made.wraps for name, (made, _) in objects.items() if made.wraps != name}
        inner |= _mounted(module)
        found = [
            Candidate(path, line, name, made)
            for name, (made, line) in objects.items()
            if name not in inner and made.attribute is None
        ]
        functions = [node for node in module.body if isinstance(node, Function)]
        callables = (self._callable(path, node) for node in functions)
        return found + [item for item in callables if item is not None]

    def imported(self, path: str, name: str) -> Candidate | None:
        """Give the app that the module has by the name, its own or imported from the project."""
        own = [item for item in self.candidates(path) if item.name == name]
        if own:
            return own[0]
        module = self._origins.source.module(path)
        function = module.functions.get(name) if module else None
        if function is not None:
            return self._callable(path, function)
        node = ast.Name(name)
        made = self._made(node, path, self._origins.names(path), self._objects(path))
        return Candidate(path, 1, name, made) if made and made.attribute is None else None

    def gateway(self, path: str, interface: Interface) -> Candidate | None:
        """Give what a wsgi.py or asgi.py calls its application, whatever makes it."""
        module = self._origins.source.module(path)
        names = module.names if module else {}
        name = next((name for name in reversed(_APP_NAMES) if name in names), None)
        made = Made(interface, interface, path, 1)
        return Candidate(path, 1, name, made) if name else None

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
                if made is not None and (made.sure or _may_wrap(made, target)):
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
        arguments = [*node.args, *(k.value for k in node.keywords if k.arg in _APP_ARGUMENTS)]
        inner = [self._made(item, path, names, scope) for item in arguments]
        wrapped = next(((a, m) for a, m in zip(arguments, inner, strict=True) if m), None)
        inside_name = (chain(wrapped[0]) or [""])[0] if wrapped else None
        adapted = self._known.adapters.get(origin)
        if adapted is not None:
            name = wrapped[1].framework if wrapped else origin.partition(".")[0]
            return Made(name, adapted, path, line, wraps=inside_name)
        own = self._project(origin)
        if own is None and wrapped is not None:
            return replace(wrapped[1], wraps=inside_name, sure=False)
        return own

    def _project(self, origin: str) -> Made | None:
        """Give what calling a function or class of the project makes."""
        path, _, qualified = origin.partition(":")
        module = self._origins.source.module(path) if qualified.isidentifier() else None
        if module is None:
            return None
        if qualified in module.classes:
            return self._instance(path, module, qualified)
        return self._returned(path, qualified)

    def _instance(self, path: str, module: Module, name: str) -> Made | None:
        call = module.functions.get(f"{name}.__call__")
        interface = _speaks(call, skip=1) if call else None
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
                    return replace(made, wraps=None)
        declared = self._origins.canonical(names.annotation(function.returns))
        framework = None if ":" in declared else self._known.framework_made_by(declared)
        if framework is None or framework.attribute:
            return None
        return Made(framework.name, framework.interface, path, function.lineno)

    def _callable(self, path: str, node: Function) -> Candidate | None:
        interface = _speaks(node)
        if interface is not None:
            made = Made(interface, interface, path, node.lineno)
            return Candidate(path, node.lineno, node.name, made)
        for decorator in node.decorator_list:
            origin = self._origins.canonical(self._origins.names(path).origin(decorator))
            framework = self._known.framework_made_by(origin)
            if framework is not None:
                made = Made(framework.name, framework.interface, path, node.lineno)
                return Candidate(path, node.lineno, node.name, made)
        needs = _required(node)
        wraps = not _APP_ARGUMENTS.isdisjoint(needs)
        made_inside = None if node.decorator_list or wraps else self._returned(path, node.name)
        if made_inside is None:
            return None
        return Candidate(path, node.lineno, node.name, made_inside, factory=True, needs=needs)


def _may_wrap(made: Made, target: str) -> bool:
    """`app = ProxyFix(app)` is an app, `api = Api(app)` is an extension."""
    return target in _APP_NAMES or target == made.wraps


def _speaks(node: Function, skip: int = 0) -> Interface | None:
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args)][skip:]
    if isinstance(node, ast.AsyncFunctionDef):
        return "asgi" if names == _SCOPE else None
    return "wsgi" if len(names) == 2 and names[1].startswith("start_resp") else None


def _required(node: Function) -> tuple[str, ...]:
    known = node.args
    positional = [*known.posonlyargs, *known.args]
    free = positional[: len(positional) - len(known.defaults)]
    pairs = zip(known.kwonlyargs, known.kw_defaults, strict=True)
    return tuple(item.arg for item in [*free, *(k for k, default in pairs if default is None)])


def _mounted(module: Module) -> set[str]:
    """Names of apps that the module mounts below another one."""
    calls = [
        node.value
        for node in module.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    mounts = [call for call in calls if (chain(call.func) or [""])[-1] in ("mount", "graft")]
    arguments = [
        item for call in mounts for item in (*call.args, *(k.value for k in call.keywords))
    ]
    return {item.id for item in inside(arguments) if isinstance(item, ast.Name)}
