"""Builds the fixture machines of tests/fixtures/hosts as trees that `--sysroot` can read.

Test support: `host_cases()` are the cases of every file there, `build(case, folder)` writes one.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "fixtures" / "hosts"
_LAYOUTS = tomllib.loads((_FOLDER / "layouts.toml").read_text())


def host_cases() -> list[dict[str, Any]]:
    """Cases with their keys: name, layout, files (below sys/fs/cgroup), expect and the rest."""
    files = sorted(set(_FOLDER.glob("*.toml")) - {_FOLDER / "layouts.toml"})
    return [case for file in files for case in tomllib.loads(file.read_text())["case"]]


def build(case: dict[str, Any], folder: Path) -> Path:
    """Write the case's machine below `folder` and give that back."""
    files = dict(_LAYOUTS["files"])
    mountinfo = case.get("mountinfo", _LAYOUTS["mountinfo"].get(case["layout"]))
    if mountinfo is not None:
        files["proc/self/mountinfo"] = mountinfo
    if "cgroup" in case:
        files["proc/self/cgroup"] = case["cgroup"]
    files |= {f"sys/fs/cgroup/{path}": text for path, text in case.get("files", {}).items()}
    files |= case.get("root_files", {})
    for path in files.keys() - set(case.get("missing", [])):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(files[path])
    return folder
