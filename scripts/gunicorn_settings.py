"""Writes rules/gunicorn/settings.json from a survey of every Gunicorn release.

    python scripts/gunicorn_settings.py settings_by_version.json > rules/gunicorn/settings.json

The survey maps a release to its `settings` (name -> cli, validator, ...).
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any


def release(version: str) -> tuple[int, ...]:
    """Give a version's numbers, for sorting."""
    return tuple(int(part) for part in version.split("."))


def kind(validator: str) -> str:
    """A value's type: int, bool, hook (a callable), dict, or str for all written as one."""
    if "callable" in validator or validator == "validate_post_request":
        return "hook"
    known = {"validate_pos_int": "int", "validate_bool": "bool", "validate_dict": "dict"}
    return known.get(validator, "str")


def settings(survey: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One record a setting: flag, type, first release, first without it."""
    releases = sorted(survey, key=release)
    found: dict[str, dict[str, Any]] = {}
    for version in releases:
        for name, record in survey[version]["settings"].items():
            flags = ast.literal_eval(record.get("cli") or "[]")
            entry = found.setdefault(name, {"since": version})
            entry["flag"] = next((flag for flag in flags if flag.startswith("--")), None)
            entry["type"] = kind(record.get("validator") or "")
            entry["last"] = version
    for entry in found.values():
        last = entry.pop("last")
        later = releases[releases.index(last) + 1 :]
        entry["gone"] = later[0] if later else None
    return found


if __name__ == "__main__":
    survey = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    json.dump(settings(survey), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
