"""Knows where the rules are: inside the package when installed, beside `src/` in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gunitune.errors import GunituneError


@cache
def rules_dir() -> Path:
    """The folder with `advice/`, `libraries/` and the rest of the shipped knowledge."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_rules", package.parent.parent / "rules"):
        if (candidate / "advice").is_dir():
            return candidate
    raise GunituneError("gunitune's own rules are missing", "reinstall gunitune")
