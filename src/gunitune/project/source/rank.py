"""Which of several apps in a project Gunicorn is most likely meant to serve."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from gunitune.project.source.layout import is_aside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from gunitune.project.source.app import Candidate
    from gunitune.project.source.origins import Origins
    from gunitune.project.source.spec import Place

_GATEWAY = ("wsgi", "asgi")
_USUAL = ("app", "main", "application", "server", "run", "api", "index", "__init__", "__main__")
_OTHER_PROCESS = re.compile(
    r"(?:^|_)(?:celery\w*|workers?|tasks?|manage|cli|seed|shell|migrat\w*|scripts?|tests?)(?:_|$)"
)
_NAMES = {"application": 0, "app": 0, "create_app": 0, "make_app": 1, "api": 1, "server": 1}
_ASGI_SERVERS = frozenset(("uvicorn", "uvicorn-worker", "daphne", "hypercorn", "channels"))
_SETTINGS = ("WSGI_APPLICATION", "ASGI_APPLICATION")


class Ranking:
    """Order of preference among candidates, from where they stand and how the project is run."""

    def __init__(self, place: Place, start: str | None, declared: Mapping[str, str]) -> None:
        """Take the file that PATH named, if any, and what Django's settings name, by file."""
        self._place = place
        self._start = start
        self._declared = declared

    def of(self, item: Candidate) -> tuple[int, ...]:
        """Rank, the least first; candidates that rank alike are equally good."""
        quality = name_quality(item.path)
        return (
            item.path != self._start,
            self._place.launched(item.path, item.name) is None,
            self._declared.get(item.path) != item.name,
            quality + 2 * (item.factory and quality > 0),
            item.made.framework == item.made.interface,
            _NAMES.get(item.name, 2),
            depth(item.path),
        )

    def is_named(self, path: str) -> bool:
        """Whether the user or Django's settings point at the file."""
        return path == self._start or path in self._declared

    def of_file(self, path: str) -> tuple[int, ...]:
        """Rank of a file that may hold an app, before it is read."""
        return (path != self._start, not self.is_named(path), name_quality(path), depth(path))

    def one_sided(self, found: list[Candidate], servers: Collection[str]) -> list[Candidate]:
        """Of Django's wsgi.py and asgi.py, which stand side by side, leave one.

        It is asgi.py where an ASGI server is declared, or where the settings name nothing else.
        """
        gateways = [i for i in found if i.made.framework == "django" and not name_quality(i.path)]
        if len({item.made.interface for item in gateways}) < 2:
            return found
        declared = {i.made.interface for i in gateways if self._declared.get(i.path) == i.name}
        asgi = declared == {"asgi"} or not _ASGI_SERVERS.isdisjoint(servers)
        wanted = "asgi" if asgi else "wsgi"
        return [i for i in found if i not in gateways or i.made.interface == wanted]


def name_quality(path: str) -> int:
    """How much a file's name says that it holds the app: 0 wsgi.py, 1 app.py, 5 worker.py."""
    stem = path.rpartition("/")[2].removesuffix(".py")
    if stem in _GATEWAY:
        return 0
    if _OTHER_PROCESS.search(stem):
        return 5
    return 1 if stem in _USUAL else 2


def depth(path: str) -> int:
    """How far down in the project a module is; a package is as deep as a module beside it."""
    return path.removeprefix("src/").removesuffix("/__init__.py").count("/")


def named_in_settings(origins: Origins) -> dict[str, str]:
    """Apps that Django settings name, by file: `WSGI_APPLICATION = "config.wsgi.application"`."""
    source = origins.source
    settings = [p for p, glance in source.scans.items() if glance.settings and not is_aside(p)]
    found: dict[str, str] = {}
    for path in settings:
        module = source.module(path)
        for dotted in _applications(module.body if module else ()):
            target = source.layout.find(path, dotted.rpartition(".")[0])
            if target is not None:
                found[target] = dotted.rpartition(".")[2]
    return found


def _applications(body: Iterable[ast.stmt]) -> Iterable[str]:
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            if node.targets[0].id in _SETTINGS and isinstance(value, str):
                yield value
