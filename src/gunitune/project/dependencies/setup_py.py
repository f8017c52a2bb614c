"""Reads what setup.py passes to setup(), where it is written out; never runs it."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from gunitune.project.dependencies.groups import is_dev
from gunitune.project.dependencies.reading import Entries, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYWORDS = {"install_requires": False, "tests_require": True}


def read(text: str, path: str, *, dev: bool = False) -> Reading:
    """Read the literal lists that setup() gets, directly or by name.

    SyntaxError, ValueError, RecursionError or MemoryError where the text is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about the project's code
        tree = ast.parse(text)
    names = _assigned(tree)
    entries = Entries(path, dev=dev)
    for keyword, value in _keywords(tree):
        for for_dev, requirements in _lists(keyword, value, names):
            for line, requirement in _strings(requirements, names):
                entries.add(requirement, line, dev=for_dev)
    return entries.reading()


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """What names stand for at the top level of the file; the last assignment holds."""
    names: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {name.id: node.value for name in targets if isinstance(name, ast.Name)}
    return names


def _keywords(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What the calls of setup() or setuptools.setup() are given by keyword."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if name == "setup":
                yield from ((word.arg, word.value) for word in node.keywords if word.arg)


def _lists(
    keyword: str, value: ast.expr, names: dict[str, ast.expr]
) -> Iterator[tuple[bool, ast.expr]]:
    """Lists of requirements, each with whether it serves development."""
    if keyword in _KEYWORDS:
        yield _KEYWORDS[keyword], value
    elif keyword == "extras_require":
        table = names.get(value.id) if isinstance(value, ast.Name) else value
        if isinstance(table, ast.Dict):
            for key, requirements in zip(table.keys, table.values, strict=True):
                yield is_dev(str(getattr(key, "value", ""))), requirements


def _strings(value: ast.expr, names: dict[str, ast.expr]) -> Iterator[tuple[int, str]]:
    """Strings of a list, of sums of lists and of names of lists, each with its line."""
    pending, seen = [value], set[int]()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            lines = enumerate(node.value.split("\n"), node.lineno)
            yield from ((number, line.strip()) for number, line in lines if line.strip())
        pending += reversed(_parts(node, names))


def _parts(node: ast.expr, names: dict[str, ast.expr]) -> list[ast.expr]:
    match node:
        case ast.Name(id=name) if name in names:
            return [names[name]]
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return parts
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [left, right]
        case ast.Starred(value=starred):
            return [starred]
        case _:
            return []
