"""Reads all dependency files of a project, within bounds, and makes one list of them."""

from __future__ import annotations

import os
import re
from collections import deque
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.model import KIB, MIB, Unknown
from gunitune.project.dependencies.found import Dependencies
from gunitune.project.dependencies.groups import is_dev, is_dev_path
from gunitune.project.dependencies.merge import merged
from gunitune.project.dependencies.reading import Reading
from gunitune.project.dependencies.text import decode, one_line
from gunitune.project.files import read_bounded
from gunitune.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.project.files import ProjectFiles

MAX_FILES = 500
MAX_TOTAL_BYTES = 32 * MIB
_MAX_INCLUDES = 100
_TOO_MUCH = (
    f"more than {MAX_FILES} dependency files or {format_size(MAX_TOTAL_BYTES)} of them,"
    " the rest not read"
)
# File names, the module and function that read them, and the most bytes they may hold: of lock
# files, room for the hash of every wheel; of the rest, many times what people write.
_READERS: tuple[tuple[str, str, str, int], ...] = (
    (r"pyproject\.toml", "pyproject", "read", 256 * KIB),
    (r"setup\.py", "setup_py", "read", 256 * KIB),
    (r"setup\.cfg", "setup_cfg", "read", 256 * KIB),
    (r"pipfile", "pipfile", "read", 256 * KIB),
    (r"pipfile\.lock", "pipfile", "read_lock", 8 * MIB),
    (r"(?:uv|poetry|pdm)\.lock|pylock\..*", "lock", "read", 8 * MIB),
    (r".*\.ya?ml", "conda", "read", 256 * KIB),
    (r".*", "requirements", "read", 4 * MIB),
)


def read_dependencies(files: ProjectFiles) -> Dependencies:
    """Read every dependency file of the project, and those that they include from its folder.

    Never raises, whatever the files hold: what can't be read is one of the `problems`.
    """
    collection = _Collection(files)
    collection.read()
    return Dependencies(tuple(merged(collection.readings())), tuple(collection.problems))


@dataclass(slots=True)
class _Collection:
    """The files read so far, by their real path, and one line for each that could not be."""

    files: ProjectFiles
    problems: list[str] = field(default_factory=list)
    _read: dict[str, Reading] = field(default_factory=dict)
    _included: set[str] = field(default_factory=set)
    _constraints: set[str] = field(default_factory=set)
    _left_bytes: int = MAX_TOTAL_BYTES

    def read(self) -> None:
        """Read the listed files, then those that they include and that were not listed."""
        listed = sorted(self.files.dependency_files, key=self._standing)
        pending = deque((path, is_dev_path(self.files.relative(path))) for path in listed)
        while pending:
            path, dev = pending.popleft()
            key = os.path.realpath(path)
            if key in self._read:
                continue
            if len(self._read) == MAX_FILES or self._left_bytes <= 0:
                self.problems.append(_TOO_MUCH)
                return
            self._read[key] = reading = self._reading(path, dev=dev)
            pending.extend((file, dev or is_dev(file.name)) for file in self._named(path, reading))

    def readings(self) -> Iterator[tuple[bool, Reading]]:
        """What was read, each with whether it only bounds what other files ask for."""
        for key, reading in self._read.items():
            name = os.path.basename(key).lower()  # noqa: PTH119 - a string
            bounding = key in self._constraints - self._included and "requirements" not in name
            yield bounding or "constraints" in name, reading

    def _standing(self, path: Path) -> tuple[bool, int, str]:
        """Files of the app before those of its development, the nearest to the root first."""
        name = self.files.relative(path)
        return (is_dev_path(name), name.count("/"), name)

    def _reading(self, path: Path, *, dev: bool) -> Reading:
        name = self.files.relative(path)
        try:
            reading = self._parsed(path, name, dev=dev)
        except SyntaxError as error:
            reading = Reading(problem=f"not Python 3: {error.msg} at line {error.lineno}")
        except ValueError as error:
            reading = Reading(problem=str(error))
        except (RecursionError, MemoryError):
            reading = Reading(problem="nested too deeply")
        if reading.problem:
            self.problems.append(f"{name}: {one_line(reading.problem)}")
        return reading

    def _parsed(self, path: Path, name: str, *, dev: bool) -> Reading:
        module, function, limit_bytes = next(
            (module, function, limit_bytes)
            for pattern, module, function, limit_bytes in _READERS
            if re.fullmatch(pattern, path.name.lower(), re.DOTALL)
        )
        data = read_bounded(path, limit_bytes)
        if isinstance(data, Unknown):
            return Reading(problem=data.reason)
        self._left_bytes -= len(data)
        read = getattr(import_module(f"{__package__}.{module}"), function)
        reading: Reading = read(decode(data), name, dev=dev)
        return reading

    def _named(self, path: Path, reading: Reading) -> Iterator[Path]:
        """Files that a file includes and that lie in the project."""
        for targets, names in (
            (self._included, reading.includes),
            (self._constraints, reading.constraints),
        ):
            for name in dict.fromkeys(names[:_MAX_INCLUDES]):
                file = Path(os.path.normpath(path.parent / name))
                if "://" not in name and self._reachable(path, file, name):
                    targets.add(os.path.realpath(file))
                    yield file

    def _reachable(self, path: Path, file: Path, name: str) -> bool:
        root = os.path.join(os.path.realpath(self.files.root), "")  # noqa: PTH118 - a string
        inside = os.path.realpath(file).startswith(root)
        if inside and os.path.isfile(file):  # noqa: PTH113 - pathlib raises for a long name
            return True
        why = "is not there" if inside else "lies outside of the project"
        self.problems.append(f"{self.files.relative(path)}: includes {one_line(name)}, which {why}")
        return False
