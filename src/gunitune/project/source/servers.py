"""Whether the project brings a server of its own, which Gunicorn can't run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunitune.errors import ProjectError
from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.layout import is_aside
from gunitune.project.source.tree import inside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.project.source.origins import Origins


def refuse_servers(origins: Origins, paths: Iterable[str], framework: str | None = None) -> None:
    """Raise ProjectError where one of the files starts a server that needs no Gunicorn.

    Of a project that uses a known `framework`, only a server of that framework counts.
    """
    known = [s for s in load_knowledge().servers if framework in (None, s.name.lower())]
    servers = {call: server for server in known for call in server.calls}
    for path in paths:
        for origin, line in _calls(origins, path):
            server = servers.get(origin)
            if server is not None:
                raise ProjectError(
                    f"{path}:{line}: {server.name} has a server of its own and gives Gunicorn "
                    "no WSGI or ASGI app",
                    server.hint,
                )


def _calls(origins: Origins, path: str) -> list[tuple[str, int]]:
    glance, module = origins.source.scans[path], None
    if glance.apps and not is_aside(path):
        module = origins.source.module(path)
    names = origins.names(path)
    calls = [n for n in inside(module.body if module else ()) if isinstance(n, ast.Call)]
    found = {(origins.canonical(names.origin(node.func)), node.lineno) for node in calls}
    return sorted(found, key=lambda item: item[1])
