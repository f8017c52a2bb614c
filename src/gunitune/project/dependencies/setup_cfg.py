"""Reads setup.cfg, as far as it declares dependencies.

By hand: configparser gives no lines, and some of its patterns take time in the square of a line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.project.dependencies.groups import is_dev
from gunitune.project.dependencies.reading import Entries, Reading
from gunitune.project.dependencies.requirements import without_comment

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYS = {"install_requires": False, "tests_require": True}


def read(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read install_requires, tests_require and the extras of setup.cfg."""
    entries = Entries(path, dev=dev)
    for section, key, number, value in _values(text):
        for_dev = _KEYS.get(key) if section == "options" else is_dev(key)
        if section not in ("options", "options.extras_require") or for_dev is None:
            continue
        if value.startswith("file:"):
            entries.includes += [name.strip() for name in value[5:].split(",") if name.strip()]
        else:
            entries.add(value, number, dev=for_dev)
    return entries.reading()


def _values(text: str) -> Iterator[tuple[str, str, int, str]]:
    """Section, key, line and value; a value of several lines comes as one for each."""
    section = key = ""
    for number, line in enumerate(text.split("\n"), 1):
        content = without_comment(line).strip()
        if not content or content.startswith(";"):
            continue
        if line[0].isspace() and key:
            yield section, key, number, content
        elif content.startswith("["):
            section, key = content.strip("[]").strip(), ""
        else:
            name, *value = re.split("[=:]", content, maxsplit=1)
            key = name.strip().lower().replace("-", "_")
            for part in _inline("".join(value)):
                yield section, key, number, part


def _inline(value: str) -> list[str]:
    """What stands after the `=`; setuptools parts it at semicolons, but one may be a marker's."""
    parts = [value] if '"' in value or "'" in value else value.split(";")
    return [part.strip() for part in parts if part.strip()]
