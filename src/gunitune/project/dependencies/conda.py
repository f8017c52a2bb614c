"""Reads conda's environment.yml without a YAML library: the list of dependencies, and pip's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.project.dependencies.reading import Entries, Reading
from gunitune.project.dependencies.requirement import Requirement, normalised
from gunitune.project.dependencies.requirements import take_line, without_comment
from gunitune.project.dependencies.specifier import exact, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPEC = re.compile(
    r"(?:[\w./-]{1,64}::?)?([A-Za-z0-9][A-Za-z0-9._-]{0,127}) *((?:[=<>!~]|[\d*]).{0,200})?"
)
_FUZZY = re.compile(r"= *([0-9][A-Za-z0-9.]{0,63})(?:=[\w.*]{1,64})?")
# Where conda's name is not PyPI's.
_PYPI = {
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "pytorch": "torch",
}


def read(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read the `dependencies` of an environment file; other YAML files have none."""
    entries = Entries(path, dev=dev)
    for number, item, for_pip in _items(text):
        if for_pip:
            take_line(entries, item, number)
        elif requirement := _requirement(item):
            entries.take(requirement, number)
    return entries.reading()


def _items(text: str) -> Iterator[tuple[int, str, bool]]:
    """Items of the list with their lines, and whether they are pip's."""
    listing, pip_indent = False, -1
    for number, line in enumerate(text.split("\n"), 1):
        content = without_comment(line).strip()
        indent = len(line) - len(line.lstrip())
        if not content:
            continue
        if not content.startswith("-"):
            listing = content.split(":")[0] == "dependencies" and indent == 0
            pip_indent = -1
        elif listing:
            item = content[1:].strip().strip("\"'")
            pip_indent = pip_indent if indent > pip_indent else -1
            if item == "pip:":
                pip_indent = indent
            elif item:
                yield number, item, -1 < pip_indent < indent


def _requirement(spec: str) -> Requirement | None:
    """Read `name`, `name=1.2`, `channel::name==1.2.3=build`, `name >=1.2,<2`."""
    match = _SPEC.fullmatch(spec)
    if match is None or normalised(match[1]) == "python":
        return None
    name = normalised(match[1])
    specifier = _specifier((match[2] or "").strip())
    return Requirement(_PYPI.get(name, name), specifier, exact(specifier))


def _specifier(versions: str) -> str:
    """Spell conda's `=1.2` (any 1.2) and `=1.2.3=build` as PEP 440 does."""
    fuzzy = _FUZZY.fullmatch(versions)
    if fuzzy:
        return f"=={fuzzy[1]}" if fuzzy[1].count(".") >= 2 else f"=={fuzzy[1]}.*"
    specifier = tidy(re.sub(r"(\d)=[\w.]+$", r"\1", versions)) or ""
    return specifier if not specifier[:1].isdigit() else f"=={specifier}"
