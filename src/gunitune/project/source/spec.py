"""What Gunicorn has to be told to find an app, and in which folder it has to run for that."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from gunitune.model import KIB
from gunitune.project.files import read_bounded

if TYPE_CHECKING:
    from gunitune.project.files import ProjectFiles
    from gunitune.project.source import Source

# Files that say how the project is started today.
_LAUNCH_FILES = (
    "Procfile",
    "Dockerfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "Makefile",
    "entrypoint.sh",
    "start.sh",
    "run.sh",
    "app.yaml",
    "fly.toml",
    "render.yaml",
    ".flaskenv",
)
# Files that mark a folder as one that the project is run from.
_MARKERS = (
    "manage.py",
    "pyproject.toml",
    "requirements.txt",
    "Pipfile",
    "setup.py",
    "setup.cfg",
    "Procfile",
    "Dockerfile",
)
_NEIGHBOURS = 50


class Place:
    """Where the modules of a project are imported from."""

    def __init__(self, files: ProjectFiles, source: Source) -> None:
        self._files = files
        self._source = source
        self._folders: dict[str, str] = {}
        self._launched: dict[tuple[str, str], str | None] = {}

    @cached_property
    def _launch(self) -> str:
        paths = [self._files.root / name for name in _LAUNCH_FILES]
        texts = (read_bounded(path, 64 * KIB) for path in paths)
        return "\n".join(t.decode("utf-8", "replace") for t in texts if isinstance(t, bytes))

    def launched(self, path: str, name: str) -> str | None:
        """Give the folder from which a launch file of the project starts this very app."""
        key = (path, name)
        if key not in self._launched:
            self._launched[key] = self._launch_folder(path, name)
        return self._launched[key]

    def _launch_folder(self, path: str, name: str) -> str | None:
        for folder in self._source.layout.run_folders(path):
            spec = re.escape(f"{self._source.layout.dotted(path, folder)}:{name}")
            if re.search(rf"(?<![\w.]){spec}\b", self._launch):
                return folder
        return None

    def run_folder(self, path: str, name: str) -> str:
        """Folder (`` or with a trailing `/`) that Gunicorn should run in to import the module.

        It is the one a launch file implies, else the one where most absolute imports of the module
        and its neighbours lead somewhere, else one that is marked as a place to run from.
        """
        launched = self.launched(path, name)
        if launched is not None:
            return launched
        if path not in self._folders:
            folders = self._source.layout.run_folders(path) or [""]
            self._folders[path] = max(
                folders, key=lambda f: (self._resolving(path, f), self._mark(f))
            )
        return self._folders[path]

    def spec(self, path: str, name: str) -> str:
        """Import spec as Gunicorn takes it, seen from the run folder."""
        return f"{self._source.layout.dotted(path, self.run_folder(path, name))}:{name}"

    def find(self, dotted: str) -> str | None:
        """Give the file of a module that the user named, as near to the root as there is one."""
        stem = dotted.replace(".", "/")
        layout = self._source.layout
        folders = sorted(layout.folders, key=lambda f: (f.count("/"), f != "src/", f))
        found = (layout.at(f"{folder}{stem}") for folder in folders)
        return next((path for path in found if path and path.endswith(".py")), None)

    def _resolving(self, path: str, folder: str) -> int:
        around = path[: path.rfind("/") + 1]
        near = [
            p for p in self._source.scans if p.startswith(around) and "/" not in p[len(around) :]
        ]
        modules = {
            item.module.replace(".", "/")
            for neighbour in {path, *near[:_NEIGHBOURS]} & self._source.scans.keys()
            for item in self._source.scans[neighbour].imports
            if not item.module.startswith(".")
        }
        return sum(self._source.layout.at(f"{folder}{module}") is not None for module in modules)

    def _mark(self, folder: str) -> tuple[int, int]:
        """How plainly a folder is one to run from: src/ most, then one with a project file."""
        if folder.endswith("src/"):
            return 2, 0
        if any((self._files.root / folder / name).is_file() for name in _MARKERS):
            return 1, folder.count("/")
        return 0, -folder.count("/")
