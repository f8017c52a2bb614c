"""Prints a survey of Gunicorn releases: every setting as the source of `gunicorn/config.py` has it.

    pip download --no-deps --dest wheels gunicorn==27.0.1     (and so for every release)
    python scripts/gunicorn_survey.py wheels > survey.json

It maps a release to its `settings` (name -> section, cli, validator, default, each as source), its
`workers` (the aliases of worker classes) and `py` (the Requires-Python). No code of a wheel is run.
"""

from __future__ import annotations

import ast
import json
import sys
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = ("name", "section", "cli", "validator", "default")


def survey(folder: Path) -> dict[str, Any]:
    """Give the survey of every wheel in a folder, oldest release first."""
    found = {wheel.name.split("-")[1]: wheel for wheel in folder.glob("gunicorn-*.whl")}
    return {version: _release(found[version]) for version in sorted(found, key=_numbers)}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _release(wheel: Path) -> dict[str, Any]:
    with ZipFile(wheel) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    metadata = next(text for name, text in texts.items() if name.endswith(".dist-info/METADATA"))
    return {
        "settings": settings(texts["gunicorn/config.py"]),
        "workers": workers(texts["gunicorn/workers/__init__.py"]),
        "py": HeaderParser().parsestr(metadata)["Requires-Python"],
    }


def settings(source: str) -> dict[str, dict[str, str]]:
    """Every `class X(Setting)` in the text of config.py: the fields that it assigns."""
    classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    found = [dict(_fields(node)) for node in classes if _is_setting(node)]
    return {ast.literal_eval(fields["name"]): fields for fields in found}


def _is_setting(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Setting" for base in node.bases)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """What the class assigns, in order; of an `if`, only its first branch."""
    for statement in node.body:
        lines = statement.body if isinstance(statement, ast.If) else [statement]
        for line in lines:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                name = line.targets[0].id
                if name in FIELDS:
                    yield name, ast.unparse(line.value)


def workers(source: str) -> list[str]:
    """Give the aliases of worker classes in the text of workers/__init__.py."""
    nodes = list(ast.walk(ast.parse(source)))
    tables = [node for node in nodes if isinstance(node, ast.Dict)]
    keys = [key for table in tables for key in table.keys if key is not None]
    keys += [node.slice for node in nodes if isinstance(node, ast.Subscript)]
    return [ast.literal_eval(key) for key in keys if isinstance(key, ast.Constant)]


if __name__ == "__main__":
    json.dump(survey(Path(sys.argv[1])), sys.stdout, indent=1)
    sys.stdout.write("\n")
