"""What a config file imports: modules of its own project are read as it is, others are not."""

from __future__ import annotations

import ast
import posixpath
import sys
from typing import TYPE_CHECKING, Any

from gunitune.bounds import EvaluationError
from gunitune.conf.calls import reference
from gunitune.conf.functions import Functions
from gunitune.conf.loops import MAX_STEPS
from gunitune.conf.syntax import parsed
from gunitune.conf.text import decode
from gunitune.conf.values import (
    NOTHING,
    Binding,
    Exhausted,
    Frame,
    Module,
    Raised,
    Reference,
    Stopped,
)
from gunitune.model import Unknown

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 256 * 1024
MAX_MODULES = 20
MAX_DEPTH = 8


class Project:
    """The project's modules below a root, found and parsed once; nothing outside it is opened."""

    def __init__(self, root: Path, folder: str) -> None:
        self.root = posixpath.realpath(root)
        self.folder = folder
        self._found: dict[tuple[str, ...], str | None] = {}
        self._trees: dict[str, ast.Module | None] = {}

    def find(self, folder: str, parts: tuple[str, ...]) -> str | None:
        """The path of a module below a folder; None where the project has none there."""
        key = (folder, *parts)
        if key not in self._found:
            self._found[key] = self._search(folder, parts)
        return self._found[key]

    def _search(self, folder: str, parts: tuple[str, ...]) -> str | None:
        base = posixpath.join(folder, *parts)
        for path in (posixpath.join(base, "__init__.py"), base + ".py"):
            if posixpath.isfile(path) and self._inside(path):
                return path
        return None

    def _inside(self, path: str) -> bool:
        return posixpath.realpath(path).startswith(posixpath.join(self.root, ""))

    def tree(self, path: str) -> ast.Module | None:
        """The module at a path; None for one that can't be read, or for one too many."""
        if path not in self._trees:
            self._trees[path] = self._read(path) if len(self._trees) < MAX_MODULES else None
        return self._trees[path]

    def _read(self, path: str) -> ast.Module | None:
        from pathlib import Path

        from gunitune.conf.names import names_read
        from gunitune.project.files import read_bounded

        data = read_bounded(Path(path), MAX_BYTES)
        text = decode(data) if isinstance(data, bytes) else None
        tree = parsed(text) if isinstance(text, str) else None
        return tree if isinstance(tree, ast.Module) and names_read(tree) is not None else None


class Imports(Functions):
    """The import statements."""

    def __init__(self, *given: Any, project: Project, **more: Any) -> None:
        super().__init__(*given, **more)
        self.project = project
        self.modules: dict[str, Module] = {}
        self.depth = 0

    def imports(self, node: ast.Import) -> None:
        """`import a.b as c`."""
        for alias in node.names:
            value = self._module(alias.name, alias.asname)
            name = alias.asname or alias.name.partition(".")[0]
            self.put(name, Binding(value, self.control, self.site(alias, node, None, "import")))

    def _module(self, dotted: str, asname: str | None) -> Any:
        parts = tuple(dotted.split("."))
        found = [self._followed(parts[: end + 1], 0) for end in range(len(parts))]
        if found[0] is None:
            path = dotted if asname else parts[0]
            return reference_to(path)
        for outer, inner, name in zip(found, found[1:], parts[1:], strict=False):
            if outer is not None and inner is not None:
                outer.frame.names.setdefault(name, Binding(inner))
        if asname and found[-1] is None:
            return Unknown(f"imported from {dotted}, which is outside the project")
        return found[-1] if asname else found[0]

    def imports_from(self, node: ast.ImportFrom) -> None:
        """`from a import b as c`, `from a import *`."""
        parts = tuple(node.module.split(".")) if node.module else ()
        module = self._followed(parts, node.level)
        where = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self._star(module, where, alias, node)
                continue
            value, deps = self._member_of(module, parts, node.level, where, alias.name)
            site = self.site(alias, node, None, "import")
            self.put(alias.asname or alias.name, Binding(value, deps | self.control, site))

    def _member_of(
        self, module: Module | None, parts: tuple[str, ...], level: int, where: str, name: str
    ) -> tuple[Any, frozenset[str]]:
        if module is not None and (binding := module.frame.names.get(name)) is not None:
            return binding.value, binding.depends
        inner = self._followed((*parts, name), level)
        if inner is not None:
            return inner, NOTHING
        if module is not None:
            return Unknown(f"{where} sets no {name} that can be told"), module.frame.missing.get(
                name, NOTHING
            )
        if level:
            return Unknown(f"imported from {where}, which is outside the project"), NOTHING
        value = reference(self, f"{where}.{name}")
        return value, NOTHING

    def _star(
        self, module: Module | None, where: str, alias: ast.alias, node: ast.ImportFrom
    ) -> None:
        if module is None:
            frame = self.frame.module or self.frame
            frame.star = f"{where}, which is outside the project"
            if frame.checked:
                self.dynamic = self.dynamic or f"takes all names of {where}"
            return
        if module.frame.star:
            (self.frame.module or self.frame).star = module.frame.star
            self.dynamic = self.dynamic or f"takes all names of {where}"
        names = module.frame.names
        listed = names["__all__"].value if "__all__" in names else None
        shown = listed if isinstance(listed, (list, tuple)) else None
        for name in [*names]:
            if name in shown if shown is not None else not name.startswith("_"):
                value, deps, _ = names[name]
                site = self.site(alias, node, None, "import")
                self.put(name, Binding(value, deps | self.control, site))

    def is_foreign(self, node: ast.Import | ast.ImportFrom) -> bool:
        """Whether an import is of a module that may not be installed."""
        if isinstance(node, ast.ImportFrom):
            parts = tuple((node.module or "").split("."))
            return not self._at_hand(parts, node.level)
        return not all(self._at_hand(tuple(each.name.split(".")), 0) for each in node.names)

    def _at_hand(self, parts: tuple[str, ...], level: int) -> bool:
        if not level and parts[0] in sys.stdlib_module_names:
            return True
        return any(self.project.find(folder, parts) for folder in self._folders(level))

    def _folders(self, level: int) -> list[str]:
        """The folders that an import looks into."""
        if not level:
            return list(dict.fromkeys((self.project.folder, self.project.root)))
        folder = (self.frame.module or self.frame).package
        for _ in range(min(level, MAX_DEPTH) - 1):
            folder = posixpath.dirname(folder)
        return [folder]

    def _followed(self, parts: tuple[str, ...], level: int) -> Module | None:
        """A module of the project, read; None for one that is not of the project."""
        if not parts or (not level and parts[0] in sys.stdlib_module_names):
            return None
        for folder in self._folders(level):
            if (path := self.project.find(folder, parts)) is not None:
                return self._loaded(".".join(parts), path)
        return None

    def _loaded(self, name: str, path: str) -> Module | None:
        if path in self.modules:
            return self.modules[path]
        tree = self.project.tree(path) if self.depth < MAX_DEPTH else None
        if tree is None:
            return None
        folder = posixpath.dirname(path)
        module = Module(name, Frame(package=folder, path=path))
        self.modules[path] = module
        self._carried_out(module, tree)
        return module

    def _carried_out(self, module: Module, tree: ast.Module) -> None:
        kept = (self.frame, self.control, self.tries, self.nesting, self.context, self.limit)
        self.frame, self.control, self.tries, self.nesting = module.frame, NOTHING, [], 0
        self.context, self.depth = (module.frame.path,), self.depth + 1
        self.limit = min(self.limit, self.steps + MAX_STEPS)
        try:
            self.body(tree.body)
        except (Stopped, Exhausted, Raised, EvaluationError):
            if self.steps > kept[-1]:
                raise
            module.frame.star = f"the rest of {module.name}, which can't be followed"
        finally:
            self.frame, self.control, self.tries, self.nesting, self.context, self.limit = kept
            self.depth -= 1


def reference_to(path: str) -> Reference:
    """A module of the outside."""
    return Reference("os.path" if path == "posixpath" else path, "module")


Imports.acts = {
    **Functions.acts,
    ast.Import: Imports.imports,
    ast.ImportFrom: Imports.imports_from,
}
