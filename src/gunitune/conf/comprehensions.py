"""What a comprehension of a config file gives."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from gunitune.bounds import MAX_ITEMS
from gunitune.conf.expression import Expressions
from gunitune.conf.values import Frame, Once, unknown_within
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Comprehensions(Expressions):
    """Comprehensions over what is known; one over what is not is `Unknown` as a whole."""

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Any:
        """A comprehension over known values."""
        found = self._collected(node.generators, lambda: self.raw(node.elt))
        if isinstance(found, Unknown):
            return found
        if isinstance(node, ast.SetComp):
            return self.apply(lambda *values: set(values), *found)
        return Once(found) if isinstance(node, ast.GeneratorExp) else found

    def dict_comprehension(self, node: ast.DictComp) -> Any:
        """A dict comprehension over known values."""
        found = self._collected(node.generators, lambda: (self.of(node.key), self.raw(node.value)))
        if isinstance(found, Unknown):
            return found
        keys = unknown_within(key for key, _ in found)
        return keys or self.guarded(dict, found)

    def _collected(
        self, generators: Sequence[ast.comprehension], give: Callable[[], Any]
    ) -> list[Any] | Unknown:
        frame = self.frame
        self.frame = Frame(outer=frame, module=frame.module or frame, kind="comprehension")
        found: list[Any] = []
        try:
            for step in self._rounds(generators, 0):
                if step is not None:
                    return step
                found.append(give())
                if len(found) > MAX_ITEMS:
                    self.held(found)
        finally:
            self.frame = frame
        return found

    def _rounds(
        self, generators: Sequence[ast.comprehension], index: int
    ) -> Iterator[Unknown | None]:
        """Once for each round with None, or `Unknown` where the rounds can't be told."""
        if index == len(generators):
            yield None
            return
        generator = generators[index]
        items, deps = self._iterated(generator.iter)
        if isinstance(items, Unknown) or generator.is_async:
            yield items if isinstance(items, Unknown) else Unknown("an async comprehension")
            return
        for item in items:
            self.spend(1)
            self.unpack(generator.target, item, frozenset(deps))
            test: Any = True
            for condition in generator.ifs:
                test = self.of(condition)
                if isinstance(test, Unknown):
                    yield test
                    return
                if not test:
                    break
            if test:
                yield from self._rounds(generators, index + 1)

    def _iterated(self, node: ast.expr) -> tuple[list[Any] | Unknown, set[str]]:
        value, deps = self.recorded(node)
        self.deps |= deps
        return self.items(value), deps


Comprehensions.kinds = {
    **Expressions.kinds,
    ast.ListComp: Comprehensions.comprehension,
    ast.SetComp: Comprehensions.comprehension,
    ast.GeneratorExp: Comprehensions.comprehension,
    ast.DictComp: Comprehensions.dict_comprehension,
}
