"""What an app object is, and how one looks in source."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.project.source.tree import Function, chain, inside

if TYPE_CHECKING:
    from gunitune.model import Interface
    from gunitune.project.source.module import Module

APP_ARGUMENTS = frozenset(
    ("app", "application", "wsgi_app", "asgi_app", "other_asgi_app", "wsgi", "asgi")
)
APP_NAMES = ("app", "application")
_SCOPE = ["scope", "receive", "send"]


@dataclass(frozen=True, slots=True)
class Made:
    """An app object: what made it and where; `wraps` names the apps that it has inside.

    `sure` is False where the call is not known to give an app, only to take one.
    """

    framework: str
    interface: Interface
    path: str
    line: int
    attribute: str | None = None
    wraps: frozenset[str] = frozenset()
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


def may_wrap(made: Made, target: str) -> bool:
    """`app = ProxyFix(app)` is an app, `api = Api(app)` is an extension."""
    return target in APP_NAMES or target in made.wraps


def speaks(node: Function, skip: int = 0) -> Interface | None:
    """Interface of a bare callable by its parameters, the first `skip` of them left out."""
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args)][skip:]
    if isinstance(node, ast.AsyncFunctionDef):
        return "asgi" if names == _SCOPE else None
    return "wsgi" if len(names) == 2 and names[1].startswith("start_resp") else None


def required(node: Function) -> tuple[str, ...]:
    """Parameters without a default, which a caller has to give."""
    known = node.args
    positional = [*known.posonlyargs, *known.args]
    free = positional[: len(positional) - len(known.defaults)]
    pairs = zip(known.kwonlyargs, known.kw_defaults, strict=True)
    return tuple(item.arg for item in [*free, *(k for k, default in pairs if default is None)])


def mounted(module: Module) -> set[str]:
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
