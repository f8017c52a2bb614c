"""What catalog.json holds, and which part of it is of a release."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from gunitune.data import rules_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Release = tuple[int, ...]


@cache
def stored() -> Mapping[str, Any]:
    """The file's content (scripts/gunicorn_catalog.py writes it)."""
    path = rules_dir() / "gunicorn" / "catalog.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def numbers(version: str) -> Release:
    """A surveyed version's numbers: `25.3.0` -> (25, 3, 0)."""
    return tuple(map(int, version.split(".")))


def at(changes: Sequence[Sequence[Any]], release: Release) -> Any:
    """The value that holds in a release, of a list of [first release, value]; None before it."""
    reached = [value for since, value in changes if numbers(since) <= release]
    return reached[-1] if reached else None


@cache
def surveyed() -> tuple[str, ...]:
    """Every surveyed release, oldest first."""
    return tuple(stored()["releases"])


def nearest(release: Release) -> str:
    """The newest surveyed release that is not newer; the oldest where all are."""
    before = [version for version in surveyed() if numbers(version) <= release]
    return before[-1] if before else surveyed()[0]
