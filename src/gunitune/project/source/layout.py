"""Where a source file stands in the project: what it is called when imported, what it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASIDE_FOLDERS = (
    r"tests?|testing|e2e|migrations|alembic|docs?|examples?|samples?|benchmarks?|scripts?"
    r"|notebooks?|management/commands|site-packages"
)
_ASIDE = re.compile(
    rf"(?:^|/)(?:(?:{_ASIDE_FOLDERS})/"
    r"|(?:test_[^/]*|[^/]*_test|tests?|conftest|setup|noxfile|fabfile|locustfile)\.py$)"
)
_INIT = "__init__.py"


def is_aside(path: str) -> bool:
    """Whether no request ever reaches the file: tests, migrations, docs, scripts, setup.py."""
    return _ASIDE.search(path) is not None


def bases_of(path: str) -> Iterator[str]:
    """Folders above a file, the root first: `a/b/c.py` -> ``, `a/`, `a/b/`."""
    yield ""
    for at, character in enumerate(path):
        if character == "/":
            yield path[: at + 1]


@dataclass(frozen=True)
class Layout:
    """The project's Python files, relative to its root, as the import system would see them."""

    files: frozenset[str]

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder with Python files below it, with a trailing `/`."""
        return frozenset(base for path in self.files for base in bases_of(path))

    @cached_property
    def _tops(self) -> frozenset[str]:
        parts = (part for path in self.files for part in path.split("/"))
        return frozenset(part.removesuffix(".py") for part in parts)

    def find(self, importer: str, dotted: str) -> str | None:
        """Give the file, or the folder without `__init__.py`, that `dotted` means in `importer`."""
        if dotted.partition(".")[0] not in self._tops:
            return None
        below = dotted.replace(".", "/")
        found = (self.at(base + below) for base in bases_of(importer))
        return next((path for path in found if path is not None), None)

    def at(self, stem: str) -> str | None:
        """Give the file of the module at `stem` (a path without `.py`), or its bare folder."""
        for path in (f"{stem}.py", f"{stem}/{_INIT}"):
            if path in self.files:
                return path
        return f"{stem}/" if f"{stem}/" in self.folders else None

    def relative(self, importer: str, level: int, dotted: str) -> str | None:
        """Give what `from ..dotted import` means in `importer`; `level` counts the dots."""
        parts = importer.split("/")[:-level]
        if level > importer.count("/") + 1:
            return None
        stem = "/".join(parts + (dotted.split(".") if dotted else []))
        if not dotted:
            init = f"{stem}/{_INIT}".removeprefix("/")
            return init if init in self.files else f"{stem}/".removeprefix("/")
        return self.at(stem)

    def dotted(self, path: str, base: str) -> str:
        """Name of the module when imported with `base` on the path: `app/__init__.py` -> `app`."""
        return (
            path.removeprefix(base).removesuffix(f"/{_INIT}").removesuffix(".py").replace("/", ".")
        )

    def run_folders(self, path: str) -> list[str]:
        """Folders from which the file could be imported by name, the root first."""
        return [base for base in bases_of(path) if self._importable(path, base)]

    def _importable(self, path: str, base: str) -> bool:
        names = path.removeprefix(base).removesuffix(".py").split("/")
        return f"{base}{_INIT}" not in self.files and all(name.isidentifier() for name in names)
