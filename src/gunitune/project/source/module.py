"""What one source file defines: its statements, functions, classes and names."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.project.source.names import Names
from gunitune.project.source.tree import Function, is_main, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.project.source.layout import Layout


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed source file.

    `functions` holds methods as `Class.method` and functions inside functions as `outer.inner`;
    `names` where module-level names come from; `stars` what `from x import *` brings in. `loaded`
    is the code that importing the module runs, class bodies included; `body` all its statements,
    those in blocks too.
    """

    path: str
    body: tuple[ast.stmt, ...]
    functions: Mapping[str, Function]
    classes: Mapping[str, ast.ClassDef]
    names: Mapping[str, str] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    loaded: tuple[ast.stmt, ...] = ()


def parse(path: str, data: bytes, layout: Layout) -> Module | Unknown:
    """Parse one file; never raises, whatever it holds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except SyntaxError as error:
        return Unknown(f"line {error.lineno or 1}: {error.msg}")
    except (ValueError, LookupError) as error:
        return Unknown(str(error))
    except (RecursionError, MemoryError):
        return Unknown("nested too deeply")
    return _module(path, tree, layout)


def _module(path: str, tree: ast.Module, layout: Layout) -> Module:
    body = tuple(statements(tree.body))
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    functions = {node.name: node for node in body if isinstance(node, Function)}
    for name, node in [*classes.items(), *functions.items()]:
        inner = (item for item in statements(node.body) if isinstance(item, Function))
        functions |= {f"{name}.{item.name}": item for item in inner}
    names = Names(Module(path, body, functions, classes), layout, {})
    names.bind(body)
    loaded = [node for node in tree.body if not is_main(node)]
    loaded += [item for node in classes.values() for item in node.body]
    return Module(path, body, functions, classes, names.bound, tuple(names.stars), tuple(loaded))
