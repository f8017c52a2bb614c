"""Whether this is still the code, and these still the packages, that were measured."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.machine.installed import versions
from gunitune.model import MIB
from gunitune.project.files import read_bounded, walk
from gunitune.project.source.layout import is_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gunitune.project.files import ProjectFiles

# Files beyond these bounds count by their size alone.
MOST_BYTES = 32 * MIB
MOST_FILE_BYTES = 4 * MIB


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of the code with its dependency files, and of the installed packages.

    `place` names the environment that `packages` speaks of; both are empty where there is none.
    """

    code: str
    packages: str = ""
    place: str = ""

    def changed(self, now: Fingerprint) -> str:
        """What is no longer as it was, in words; "" where nothing is.

        Packages count where both know the same environment: a checkout without one, as in CI, says
        nothing of them.
        """
        if self.code != now.code:
            return "its code or dependencies have"
        if self.place and self.place == now.place and self.packages != now.packages:
            return f"the packages in {self.place} have"
        return ""


def fingerprint(folder: Path, environ: Mapping[str, str]) -> Fingerprint:
    """The fingerprint of the project in `folder`.

    Hashed are its Python files but those that no request reaches (tests, scripts, migrations), the
    files that declare or lock dependencies, and name and version of every installed package. A
    Gunicorn config is no part of it. Raises ProjectError where the folder can't be read.
    """
    place, packages = versions(folder, environ)
    return Fingerprint(_code(walk(folder)), _digest(packages) if packages else "", place)


def _code(files: ProjectFiles) -> str:
    found = {*files.python, *files.dependency_files}
    named = sorted((files.relative(path), path) for path in found)
    left, parts = MOST_BYTES, []
    for name, path in named:
        if is_aside(name) and path not in files.dependency_files:
            continue
        text, size = _content(path, min(left, MOST_FILE_BYTES))
        left -= size
        parts.append(f"{name} {text}")
    return _digest(parts)


def _content(path: Path, most_bytes: int) -> tuple[str, int]:
    """A file's hash and how much was read for it; its size in place of the hash if it is large."""
    data = read_bounded(path, most_bytes)
    if isinstance(data, bytes):
        # The line ends of a checkout on Windows are no change.
        return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest(), len(data)
    try:
        return f"{path.stat().st_size} bytes", 0
    except OSError:  # it went meanwhile
        return data.reason, 0


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
