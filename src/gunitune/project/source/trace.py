"""What happens in a function of the project and in the ones it calls, a few levels down."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.tree import Function, chain, statements
from gunitune.project.source.work import Call, Computing, Work, work_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunitune.project.source.meaning import Meaning, Meanings
    from gunitune.project.source.origins import Origins

LEVELS = 3
_FUNCTIONS = 60


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that a piece of code does: a call with a meaning, or a loop that computes.

    `kept` says that the function keeps what it loads, `blocks_loop` that an event loop has to wait.
    """

    path: str
    line: int
    holder: str
    origin: str
    what: Meaning | Computing
    written: str = ""
    kept: bool = False
    blocks_loop: bool = False


@dataclass(frozen=True, slots=True)
class _Body:
    """What one function does itself, and the functions of the project that it calls."""

    happenings: tuple[Happening, ...]
    calls: tuple[str, ...]


class Tracer:
    """Follows calls from function to function by name and import; every body is read once."""

    def __init__(self, origins: Origins, meanings: Meanings) -> None:
        self._origins = origins
        self._meanings = meanings
        self._known = load_knowledge()
        self._bodies: dict[tuple[str, bool], _Body] = {}

    def function(self, origin: str, *, nested: bool = True) -> Iterator[Happening]:
        """What the function with this canonical origin does, and those it calls.

        Functions inside it count as its own code if `nested`.
        """
        yield from self._follow([origin], nested=nested)

    def block(self, path: str, statements: Iterable[ast.stmt]) -> Iterator[Happening]:
        """What module-level code does, and the functions it calls."""
        body = self._read(path, "", work_of(statements, nested=False))
        yield from body.happenings
        yield from self._follow(body.calls, nested=True)

    def _follow(self, origins: Iterable[str], *, nested: bool) -> Iterator[Happening]:
        called = deque((origin, 0) for origin in origins)
        seen: set[str] = set()
        while called and len(seen) < _FUNCTIONS:
            origin, level = called.popleft()
            if origin not in seen:
                seen.add(origin)
                body = self._body(origin, nested=nested or level > 0)
                yield from body.happenings
                called += [(further, level + 1) for further in body.calls if level < LEVELS]

    def _body(self, origin: str, *, nested: bool) -> _Body:
        key = (origin, nested)
        if key not in self._bodies:
            path, _, qualified = origin.partition(":")
            node = self._origins.function(origin)
            roots = [*node.body, node.args] if node else []
            work = work_of(roots, name=node.name if node else "", nested=nested)
            self._bodies[key] = self._read(path, qualified, work)
        return self._bodies[key]

    def _read(self, path: str, qualified: str, work: Work) -> _Body:
        node = self._origins.function(f"{path}:{qualified}")
        names = self._origins.names(path, qualified)
        kept = node is not None and self._keeps(node)
        happenings: list[Happening] = []
        calls: list[str] = []
        waits: list[int] = []
        for call in work.calls:
            origin = self._origins.canonical(names.origin(call.node))
            further = self._further(origin)
            if further is not None:
                calls.append(further)
                continue
            variable = not call.called and (chain(call.node) or [""])[0] in names.bound
            meaning = None if variable else self._meanings.of(call, origin, path)
            if meaning is not None:
                blocks = self._blocks(node, call, origin, meaning)
                where = (path, call.line, qualified, origin)
                happenings.append(Happening(*where, meaning, call.written, kept, blocks))
                waits += [call.line] * (meaning.kind == "io")
        happenings += [
            Happening(path, item.line, qualified, "", item)
            for item in work.computing[:1]
            if not any(item.line <= line <= item.end for line in waits)
        ]
        return _Body(tuple(happenings), tuple(calls))

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
