"""Reads a requirement written as a TOML value, as Poetry and Pipenv do: `flask = "^3.0"`."""

from __future__ import annotations

from typing import Any

from gunitune.project.dependencies.requirement import (
    Requirement,
    is_name,
    normalised,
    version_of_link,
)
from gunitune.project.dependencies.specifier import exact, tidy
from gunitune.project.dependencies.toml import strings


def from_value(name: str, value: Any) -> list[Requirement]:
    """Read `"^3.0"`, `{version = "^3.0", extras = ["async"]}`, or an array of those.

    An empty list is a name or value that none can be.
    """
    if not is_name(name):
        return []
    if isinstance(value, list):
        return [found for item in value[:20] for found in _from_item(name, item)]
    return _from_item(name, value)


def _from_item(name: str, value: Any) -> list[Requirement]:
    data = {"version": value} if isinstance(value, str) else value
    if not isinstance(data, dict):
        return []
    versions = str(data.get("version", "*"))
    alternatives = [tidy(part, r",\s") for part in versions.split("||")]
    known = [part for part in alternatives if part is not None]
    if len(known) != len(alternatives):
        return []
    specifier = " || ".join(part for part in known if part != "*")
    pinned = exact(specifier) or _checked_out(data)
    extras = tuple(normalised(extra) for extra in strings(data.get("extras")) if is_name(extra))
    return [Requirement(normalised(name), specifier, pinned, extras, _windows(data))]


def _checked_out(data: dict[str, Any]) -> str | None:
    tag = data.get("tag") or data.get("ref") or data.get("rev")
    if isinstance(tag, str):
        return version_of_link(f"@{tag[:64]}")
    link = data.get("url") or data.get("file")
    return version_of_link(link) if isinstance(link, str) else None


def _windows(data: dict[str, Any]) -> bool:
    return data.get("platform") == "win32" or "win32" in str(data.get("sys_platform"))
