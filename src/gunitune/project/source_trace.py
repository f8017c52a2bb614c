"""What happens in a function of the project and in the ones it calls, a few levels down."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.project.source_knowledge import load_knowledge
from gunitune.project.source_tree import Function, chain, statements
from gunitune.project.source_work import Call, Computing, Work, work_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunitune.project.source_meaning import Meaning, Meanings
    from gunitune.project.source_origins import Origins

LEVELS = 3
_FUNCTIONS = 60


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that a piece of code does: a call with a meaning, or a loop that computes."""

    path: str
    line: int
    holder: str
    level: int
    origin: str
    call: Call | None
    meaning: Meaning | None
    computing: Computing | None = None
    kept: bool = False
    blocks_loop: bool = False

    @property
    def written(self) -> str:
        """The call as the source has it."""
        return self.call.written if self.call else ""


class Tracer:
    """Follows calls from function to function by name and import; every body is read once."""

    def __init__(self, origins: Origins, meanings: Meanings) -> None:
        self._origins = origins
        self._meanings = meanings
        self._known = load_knowledge()
        self._work: dict[tuple[str, bool], Work] = {}

    def function(self, origin: str, *, nested: bool = True) -> Iterator[Happening]:
        """What the function with this canonical origin does, and those it calls."""
        yield from self._follow(deque([(origin, 0)]), nested=nested)

    def block(self, path: str, body: Iterable[ast.AST]) -> Iterator[Happening]:
        """What module-level code does, and the functions it calls."""
        work = work_of(body, nested=False)
        called = deque[tuple[str, int]]()
        yield from self._happenings(path, "", work, 0, called)
        yield from self._follow(called, nested=True)

    def _follow(self, called: deque[tuple[str, int]], *, nested: bool) -> Iterator[Happening]:
        seen: set[str] = set()
        while called and len(seen) < _FUNCTIONS:
            origin, level = called.popleft()
            if origin not in seen and level <= LEVELS:
                seen.add(origin)
                path, _, qualified = origin.partition(":")
                work = self._work_of(origin, nested=nested or level > 0)
                yield from self._happenings(path, qualified, work, level, called)

    def _work_of(self, origin: str, *, nested: bool) -> Work:
        key = (origin, nested)
        if key not in self._work:
            node = self._origins.function(origin)
            roots = [*node.body, node.args] if node else []
            name = node.name if node else ""
            self._work[key] = work_of(roots, name=name, nested=nested)
        return self._work[key]

    def _happenings(
        self, path: str, qualified: str, work: Work, level: int, called: deque[tuple[str, int]]
    ) -> Iterator[Happening]:
        node = self._origins.function(f"{path}:{qualified}")
        names = self._origins.names(path, qualified)
        waits: list[int] = []
        for call in work.calls:
            origin = self._origins.canonical(names.origin(call.node))
            further = self._further(origin)
            if further is not None:
                called.append((further, level + 1))
                continue
            variable = not call.called and (chain(call.node) or [""])[0] in names.bound
            meaning = None if variable else self._meanings.of(call, origin, path)
            if meaning is not None:
                waits += [call.line] * (meaning.kind == "io")
                yield Happening(
                    path,
                    call.line,
                    qualified,
                    level,
                    origin,
                    call,
                    meaning,
                    kept=node is not None and self._keeps(node),
                    blocks_loop=self._blocks(node, call, origin, meaning),
                )
        for item in work.computing[:1]:
            if not any(item.line <= line <= item.end for line in waits):
                yield Happening(path, item.line, qualified, level, "", None, None, item)

    def _further(self, origin: str) -> str | None:
        """Give the function of the project that a call leads to; `__init__` for a class."""
        if ":" not in origin:
            return None
        made = f"{origin}.__init__"
        return next((o for o in (origin, made) if self._origins.function(o) is not None), None)

    def _keeps(self, node: Function) -> bool:
        """Whether what the function loads stays: it caches its result, or fills a global."""
        names = {(chain(item) or [""])[-1] for item in node.decorator_list}
        cached = not names.isdisjoint(self._known.startup.caches)
        return cached or any(isinstance(item, ast.Global) for item in statements(node.body))

    def _blocks(self, node: Function | None, call: Call, origin: str, meaning: Meaning) -> bool:
        """Whether the call holds up an event loop."""
        waits = meaning.kind == "io" and meaning.certain and not call.awaited and call.called
        known = origin.partition(".")[0] in self._known.blocking
        return waits and known and isinstance(node, ast.AsyncFunctionDef)
