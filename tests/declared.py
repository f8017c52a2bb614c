"""Writes the files of a project and reads what they declare."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from gunitune.project.dependencies import Dependencies, read_dependencies
from gunitune.project.files import walk

if TYPE_CHECKING:
    from pathlib import Path


def declare(root: Path, files: dict[str, str | bytes]) -> Dependencies:
    """Write files, named by path below `root`, and read the project there; text is dedented."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        path.write_bytes(data)
    return read_dependencies(walk(root))


def rows(found: Dependencies) -> list[tuple[str, str, str]]:
    """Name, specifier and place of each declaration."""
    return [(one.name, one.specifier, f"{one.path}:{one.line}") for one in found.all]


def names(found: Dependencies) -> list[str]:
    """Names in the order of the declarations."""
    return [one.name for one in found.all]


def specifiers(found: Dependencies) -> dict[str, str]:
    """Specifiers by name."""
    return {one.name: one.specifier for one in found.all}
