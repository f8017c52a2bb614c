"""Reads pyproject.toml: the standard tables, and those of Poetry, PDM, uv and Rye."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.project.dependencies.groups import dev_groups, is_dev
from gunitune.project.dependencies.poetry import from_value
from gunitune.project.dependencies.reading import Entries, Reading
from gunitune.project.dependencies.requirements import take_line
from gunitune.project.dependencies.toml import Lines, load, strings, table

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read pyproject.toml; ValueError or RecursionError where it is no TOML."""
    data = load(text)
    lines = Lines(text)
    entries = Entries(path, dev=dev)
    for marks, items, for_dev in _arrays(data):
        for item in items:
            if entries.full:
                break
            take_line(entries, item.strip(), lines.string(item, *marks), dev=for_dev)
    for section, versions, for_dev in _poetry_tables(data):
        take_table(entries, versions, lines, section, dev=for_dev)
    entries.includes += _files(data)
    return entries.reading()


def take_table(
    entries: Entries, versions: dict[str, Any], lines: Lines, section: str, *, dev: bool
) -> None:
    """Take a table of names and versions, as Poetry and Pipenv write them."""
    for name, value in versions.items():
        if name == "python" or entries.full:
            continue
        line = lines.key(name, section)
        found = from_value(name, value)
        for requirement in found:
            entries.take(requirement, line, dev=dev)
        if not found:
            entries.fail(line)


def _arrays(data: dict[str, Any]) -> Iterator[tuple[tuple[str, str], list[str], bool]]:
    """Arrays of requirements: the texts that lead to them, their strings, dev or not."""
    project = table(data, "project")
    yield ("[project]", "\ndependencies"), strings(project.get("dependencies")), False
    for group, value in table(project, "optional-dependencies").items():
        yield ("optional-dependencies", f"\n{group}"), strings(value), is_dev(group)
    groups = table(data, "dependency-groups")
    dev = dev_groups({name: _included(value) for name, value in groups.items()})
    for group, value in groups.items():
        yield ("[dependency-groups]", f"\n{group}"), strings(value), group in dev
    for group, value in table(data, "tool", "pdm", "dev-dependencies").items():
        yield ("[tool.pdm.dev-dependencies]", f"\n{group}"), strings(value), True
    for tool in ("uv", "rye"):
        value = table(data, "tool", tool).get("dev-dependencies")
        yield (f"[tool.{tool}", "\ndev-dependencies"), strings(value), True


def _included(group: Any) -> frozenset[str]:
    tables = [item for item in group if isinstance(item, dict)] if isinstance(group, list) else []
    return frozenset(str(item.get("include-group")) for item in tables)


def _poetry_tables(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    poetry = table(data, "tool", "poetry")
    yield "[tool.poetry.dependencies]", table(poetry, "dependencies"), False
    yield "[tool.poetry.dev-dependencies]", table(poetry, "dev-dependencies"), True
    for group, value in table(poetry, "group").items():
        section = f"[tool.poetry.group.{group}.dependencies]"
        yield section, table(value, "dependencies"), is_dev(group)


def _files(data: dict[str, Any]) -> list[str]:
    """Requirements files that setuptools takes the dependencies from."""
    value = table(data, "tool", "setuptools", "dynamic", "dependencies").get("file")
    return [value] if isinstance(value, str) else strings(value)
