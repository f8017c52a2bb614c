"""The project's Python source, as far as it was read: every file at a glance, some parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import MIB, Unknown
from gunitune.project.files import read_source
from gunitune.project.source.layout import Layout
from gunitune.project.source.module import Module, parse
from gunitune.project.source.scan import Scan, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gunitune.project.files import ProjectFiles

# About a second of parsing on a slow core; what is left out is chosen by relevance, never by time.
PARSE_LIMIT_BYTES = 2 * MIB
PARSE_LIMIT_FILES = 400


class Source:
    """Reads each file of a project once for a glance, and once more where it is parsed.

    `scans` has the files that could be read, `problems` why others could not be read or parsed.
    `reserve` is the share of what may be parsed that is left for a later purpose.
    """

    def __init__(
        self, files: ProjectFiles, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self._paths = {files.relative(path): path for path in files.python}
        self.layout = Layout(frozenset(self._paths))
        self.problems: dict[str, str] = {}
        self.reserve = 0.0
        self._modules: dict[str, Module | None] = {}
        self._bytes_parsed = 0
        self.scans: Mapping[str, Scan] = dict(self._scan_all(progress))

    def _scan_all(self, progress: Callable[[int, int], None] | None) -> Iterator[tuple[str, Scan]]:
        total = len(self._paths)
        for done, (path, place) in enumerate(self._paths.items(), 1):
            data = read_source(place)
            if data is None:
                self.problems[path] = "can't be read, or is larger than 1 MiB"
            else:
                yield path, scan(path, data)
            if progress is not None:
                progress(done, total)

    def module(self, path: str) -> Module | None:
        """Parse one file; None where it can't be, or where the limit on parsing is reached."""
        if path not in self._modules and self._has_room(path):
            self._modules[path] = self._parse(path)
        return self._modules.get(path)

    def _has_room(self, path: str) -> bool:
        if path not in self.scans or len(self._modules) >= PARSE_LIMIT_FILES:
            return False
        room = PARSE_LIMIT_BYTES * (1 - self.reserve)
        return self._bytes_parsed + self.scans[path].size <= room

    def _parse(self, path: str) -> Module | None:
        self._bytes_parsed += self.scans[path].size
        module = parse(path, read_source(self._paths[path]) or b"", self.layout)
        if isinstance(module, Unknown):
            self.problems[path] = module.reason
            return None
        return module
