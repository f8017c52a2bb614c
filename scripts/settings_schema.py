"""Writes docs/schemas/gunitune-toml.json, the JSON Schema of [tool.gunitune], from the options.

    python scripts/settings_schema.py [--check]

With --check it writes nothing and exits 1 where the file is not what it would write. The schema
refuses no value that gunitune reads, but for numbers where only a text makes sense; a quantity that
is out of range and written as a text is left to gunitune.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.options import CLASSES, OPTIONS

if TYPE_CHECKING:
    from gunitune.options import Option

PATH = Path(__file__).resolve().parent.parent / "docs" / "schemas" / "gunitune-toml.json"
DECIMAL = r"([0-9]+(\.[0-9]+)?|\.[0-9]+)"
FLOAT = r"\s*\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
SUFFIX = r"(\.[0-9]{1,6}){0,3}((a|b|rc|\.post|\.dev|\+)[\w.]*)?"

# What a reader of gunitune.options and gunitune.units takes: as a text, and as a number.
TEXTS = {
    "parse_cpus": rf"\s*{DECIMAL}m?\s*",
    "parse_size": rf"\s*{DECIMAL}\s*[kKmMgGtT]?([iI][bB]?|[bB])?\s*",
    "parse_duration": rf"\s*{DECIMAL}\s*([mM]?[sS]|[mM]|[hH])?\s*",
    "whole": r"0*([1-9][0-9]{0,6}|10000000)",
    "rate": FLOAT,
    "share": rf"{FLOAT}%?",
    "yes": r"1|0|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY]([eE][sS])?|[nN][oO]?",
    "_version": rf"\s*0{{0,4}}(1[89]|[2-9][0-9]){SUFFIX}\s*",
    "_spec": r"[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,299}",
    "_rule": r"\s*[\w-]{1,100}\s*",
    "_variable": r"[^=\x00\n]+=[^\x00\n]*",
    "_file": r"[^\x00]+",
    "_request": r"[^\x00]+",
    "_status": r"\s*[1-5][0-9]{2}\s*",
}
NUMBERS: dict[str, dict[str, Any]] = {
    "parse_cpus": {"type": "number", "minimum": 0.001, "maximum": 65536},
    "parse_size": {"type": "number", "minimum": 2**20, "exclusiveMaximum": 2**63},
    "parse_duration": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e9},
    "whole": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
    "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e7},
    "share": {"type": "number", "minimum": 0.05, "maximum": 1},
    "yes": {"enum": [True, False, 0, 1]},
    "_version": {"type": "number", "minimum": 18, "exclusiveMaximum": 100},
}


def schema() -> dict[str, Any]:
    """The whole document; the target's options stand in a table of their own."""
    top: dict[str, Any] = {}
    target: dict[str, Any] = {}
    for option in OPTIONS:
        *table, key = option.key.split(".")
        (target if table else top)[key] = {"description": option.help, **value(option)}
    top["rules"] = {
        "description": "Folders of rules of your own, see rules/README.md.",
        "type": "array",
        "items": {"type": "string"},
    }
    top["target"] = {"description": "Where the app runs.", **closed(target)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gunitune.toml, and [tool.gunitune] in pyproject.toml",
        **closed(top),
    }


def closed(properties: dict[str, Any]) -> dict[str, Any]:
    """A table of these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def value(option: Option) -> dict[str, Any]:
    """What one option may be; KeyError where its reader is not in the tables above."""
    name = option.read.__name__
    if name == "_class":
        return {"enum": list(CLASSES)}
    if words := inspect.getclosurevars(option.read).nonlocals.get("allowed"):
        return {"enum": list(words)}
    if option.separator:
        item = rf"(\s*|{TEXTS[name]})"
        text = string(f"{item}({option.separator}{item})*")
        return {"anyOf": [text, {"type": "array", "items": text}]}
    text = string(TEXTS[name])
    return {"anyOf": [text, NUMBERS[name]]} if name in NUMBERS else text


def string(pattern: str) -> dict[str, Any]:
    """A text that matches as a whole."""
    return {"type": "string", "pattern": f"^({pattern})$"}


def written() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PATH.write_text(written(), encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != written():
        sys.exit(f"{PATH.name} is stale: run python scripts/settings_schema.py")
