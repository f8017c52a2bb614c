"""What a glance at a source file shows, without parsing it: imports and signs of handlers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gunitune.project.source.knowledge import load_knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES_LIMIT = 4_000
_QUOTES = (b'"""', b"'''")


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a module, or of `names` from it; dots in front of `module` as written."""

    module: str
    names: tuple[str, ...]
    line: int

    def targets(self) -> Iterator[str]:
        """What it may load, the most precise first: `from a import b` -> `a.b`, `a`."""
        separator = "" if self.module.endswith(".") else "."
        yield from (f"{self.module}{separator}{name}" for name in self.names)
        yield self.module


@dataclass(frozen=True, slots=True)
class Scan:
    """A source file at a glance: what it imports, and how many things in it look like handlers."""

    path: str
    size: int
    imports: tuple[Import, ...] = ()
    handlers: int = 0
    apps: bool = False
    settings: bool = False
    engines: frozenset[str] = frozenset()

    @property
    def packages(self) -> frozenset[str]:
        """Top-level names of the absolute imports."""
        return frozenset(
            item.module.partition(".")[0] for item in self.imports if item.module[0] != "."
        )


_SETTINGS = (b"SGI_APPLICATION", b"DATABASES")
_ENGINE = re.compile(rb"django(?:\.contrib\.gis)?\.db\.backends\.(\w+)")
# Parameters of a bare WSGI or ASGI callable, and calls of factories such as create_app().
_APP_SIGNS = (b"start_resp", b"receive", b"_app(", b"_application(", b"app_factory(")


def scan(path: str, data: bytes) -> Scan:
    """Look at one file with a few regular expressions; text inside docstrings does not count."""
    text = b"\n" + data.removeprefix(b"\xef\xbb\xbf")
    imports, handlers = _lines(text)
    settings = any(name in text for name in _SETTINGS)
    return Scan(
        path,
        len(data),
        tuple(imports),
        handlers,
        apps=_makes_app(text, imports),
        settings=settings,
        engines=_engines(text) if settings else frozenset(),
    )


def _makes_app(text: bytes, imports: list[Import]) -> bool:
    if any(name in text for name in _APP_SIGNS):
        return True
    packages = {item.module.partition(".")[0] for item in imports}
    calls = (_app_calls().get(package) for package in packages)
    return any(call.search(text) for call in calls if call is not None)


def _lines(text: bytes) -> tuple[list[Import], int]:
    imports: list[Import] = []
    quoted = [False, False]
    at, line, handlers = 0, 0, 0
    for match in _line().finditer(text):
        start = match.start()
        line += text.count(b"\n", at, start)
        for index, quote in enumerate(_QUOTES):
            quoted[index] ^= text.count(quote, at, start) % 2 == 1
        at = start
        if not any(quoted):
            handlers += match.lastgroup == "handler"
            imports += _imports(match, line + 1, text)
    return imports, handlers


def _imports(match: re.Match[bytes], line: int, text: bytes) -> Iterator[Import]:
    if match["module"]:
        yield Import(match["module"].decode(errors="replace"), _names(match, text), line)
    elif match["plain"]:
        for part in _decoded(match["plain"]).split(","):
            if module := part.split(" as ")[0].strip():
                yield Import(module, (), line)


def _names(match: re.Match[bytes], text: bytes) -> tuple[str, ...]:
    names = match["names"]
    if b"(" in names and b")" not in names:
        start = match.start("names")
        end = text.find(b")", start, start + _NAMES_LIMIT)
        names = text[start : end if end > 0 else match.end("names")]
    lines = (line.partition("#")[0] for line in _decoded(names).splitlines())
    parts = ("".join(lines)).strip(" \t()\\").split(",")
    return tuple(name for part in parts if (name := part.split(" as ")[0].strip()).isidentifier())


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _engines(text: bytes) -> frozenset[str]:
    return frozenset(match[1].decode(errors="replace") for match in _ENGINE.finditer(text))


@cache
def _line() -> re.Pattern[bytes]:
    """Lines that begin an import or a handler; the newline in front keeps the search fast."""
    known = load_knowledge().handlers
    bases, methods = _either(known.bases), _either(known.methods)
    bare = _either({name.rpartition(".")[2] for name in known.decorators})
    function = rf"(?:{_either(known.responders)})\b|\w+\([ \t]*(?:{_either(known.parameters)})\b"
    handler = (
        rf"@(?:[\w.]+\.(?:{methods})\b|(?:\w+\.)?(?:{bare})\b)"
        rf"|class[ \t]+\w+[ \t]*\([^\n)]*(?:{bases})\b"
        rf"|def[ \t]+(?:{function})|async[ \t]+def[ \t]+(?:{function})"
    )
    imports = (
        r"from[ \t]+(?P<module>[.\w]+)[ \t]+import\b(?P<names>[^\n]*)"
        r"|import[ \t]+(?P<plain>[^\n#;]+)"
    )
    return re.compile(rf"\n[ \t]*+(?:{imports}|(?P<handler>{handler}))".encode())


@cache
def _app_calls() -> dict[str, re.Pattern[bytes]]:
    """For each package, the calls of it that make an app or start a server."""
    known = load_knowledge()
    dotted = {name for item in known.frameworks for name in item.constructors}
    dotted |= set(known.adapters) | {call for server in known.servers for call in server.calls}
    calls: dict[str, set[str]] = {}
    for name in dotted:
        calls.setdefault(name.partition(".")[0], set()).add(name.rpartition(".")[2])
    return {
        package: re.compile(rf"\b(?:{_either(names)})\b".encode())
        for package, names in calls.items()
    }


def _either(names: frozenset[str] | set[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=lambda name: (-len(name), name)))
