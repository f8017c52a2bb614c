"""Which config files the given paths hold: those named, and those that a search recognises."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from gunitune.conf.lines import unquoted
from gunitune.errors import ProjectError
from gunitune.model import Unknown
from gunitune.project.files import (
    CONFIGURATION,
    DEPENDENCY_FILE,
    ENTRIES_PER_FILE,
    SOURCE_LIMIT_BYTES,
    Tree,
    printable,
    read_bounded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_ENTRIES = 20_000 * ENTRIES_PER_FILE
# Hardly anything but a Gunicorn config has these at its top level.
TELLING = frozenset(
    (
        *("accesslog", "access_log_format", "errorlog", "forwarded_allow_ips", "graceful_timeout"),
        *("limit_request_field_size", "limit_request_fields", "limit_request_line", "logger_class"),
        *("max_requests_jitter", "post_fork", "post_worker_init", "pre_fork", "preload_app"),
        *("secure_scheme_headers", "when_ready", "worker_abort", "worker_class", "worker_exit"),
        *("worker_connections", "worker_int", "worker_tmp_dir"),
    )
)
# Load tests, scrapers and pools of processes have these too: only a file that is no program counts.
_SHARED = frozenset(("bind", "keepalive", "max_requests", "proc_name", "raw_env", "workers"))
_PROGRAM = re.compile(r"[\n\r](?:class |@|with |while |async |if __name__|print\()")
_ASSIGNS = re.compile(
    r"[\n\r](?:def[ \t]+([a-z]\w*)[ \t]*\(|([a-z]\w*)[ \t]*(?::[^=\n\r]*)?=(?!=))", re.ASCII
)
_SECTION = re.compile(r"[\n\r]\[[^\n\r\]]+\][ \t]*(?:[\n\r]|\Z)")
_CERTAIN = re.compile(r"conf|cfg", re.IGNORECASE)
_OTHER_SERVER = re.compile(r"hypercorn|uvicorn|daphne|uwsgi", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Found:
    """A config file: where it is, how output shows it, and whether PATH named it itself.

    `data` holds its bytes where the search has read them.
    """

    path: Path
    shown: str
    named: bool
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file that may be a config; `linked` where it is a link to another."""

    path: str
    shown: str
    named: bool = False
    linked: bool = False


def find(paths: Sequence[Path], names: frozenset[str]) -> Iterator[Found]:
    """The configs at `paths`, each file once, sorted by the path that is shown.

    A file is taken as it is, a folder searched; `names` are the settings of every release. Raises
    ProjectError, before the first is given, for a path that can't be read and for a folder with
    more than MAX_ENTRIES entries.
    """
    base = _current()
    candidates: dict[str, _Candidate] = {}
    for path in paths:
        for real, candidate in _candidates(path, base):
            known = candidates.get(real)
            if known is None or _rank(candidate) < _rank(known):
                candidates[real] = candidate
    ordered = sorted(candidates.values(), key=lambda candidate: candidate.shown.split("/"))
    return (found for item in ordered if (found := _found(item, names)) is not None)


def _rank(candidate: _Candidate) -> tuple[bool, bool]:
    """Which of two names of a file to keep: the one that was given, or no link."""
    return not candidate.named, candidate.linked


def _current() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # the current folder is gone
        return None


def _candidates(path: Path, base: str | None) -> Iterator[tuple[str, _Candidate]]:
    shown = _shown(path, base)
    if not _is_folder(path):
        yield os.path.realpath(path), _Candidate(str(path), printable(shown), named=True)
        return
    tree = Tree(path, MAX_ENTRIES)
    prefix = "" if shown == "." else f"{shown.rstrip('/')}/"
    for entry in _entries(tree):
        below = tree.below(entry.path)
        linked = entry.is_symlink()
        place = tree.real + below
        inside = place.removeprefix(f"{base}/")
        text = prefix + below if inside == place or not _leads_out(shown) else inside
        real = os.path.realpath(entry) if linked else place
        yield real, _Candidate(entry.path, printable(text), linked=linked)
    if tree.truncated:
        raise ProjectError(
            f"{path} holds more than {MAX_ENTRIES:,} files and folders", "name the configs in it"
        )


def _entries(tree: Tree) -> Iterator[os.DirEntry[str]]:
    for _, entries in tree.folders():
        yield from (entry for entry in entries if _may_be(entry.name) and tree.holds(entry))


def _is_folder(path: Path) -> bool:
    try:
        folder = stat.S_ISDIR(path.stat().st_mode)
        if folder:
            os.scandir(path).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProjectError(
            f"{printable(str(path))}: can't be read: {reason}",
            "give a config file, or a folder to search",
        ) from error
    return folder


def _shown(path: Path, base: str | None) -> str:
    """The path from the current folder on, where it lies below that; else as it was given."""
    if base is not None:
        real = Path(os.path.realpath(path.parent), path.name)
        ways: tuple[Path, ...] = (real if path.name != ".." else Path(os.path.realpath(path)),)
        if ".." not in path.parts:
            ways = (Path(base, path), *ways)
        for way in ways:
            if way.is_relative_to(base):
                return way.relative_to(base).as_posix()
    return path.as_posix()


def _leads_out(shown: str) -> bool:
    """Whether a path is not one from the current folder on."""
    return shown.startswith(("/", "../")) or shown == ".."


def _may_be(name: str) -> bool:
    return name.endswith(".py") or _without_suffix(name)


def _without_suffix(name: str) -> bool:
    """Whether it is named `gunicorn.conf`: a config that Gunicorn would not load by itself."""
    return name.endswith(".conf") and CONFIGURATION.fullmatch(f"{name}.py") is not None


def _found(candidate: _Candidate, names: frozenset[str]) -> Found | None:
    """The candidate, read where its name alone does not tell; None where it is no config."""
    path, name = Path(candidate.path), PurePath(candidate.path).name
    usual = CONFIGURATION.fullmatch(name) is not None
    if candidate.named or (usual and _CERTAIN.search(name)):
        return Found(path, candidate.shown, candidate.named)
    data = read_bounded(path, SOURCE_LIMIT_BYTES)
    if isinstance(data, Unknown):
        return Found(path, candidate.shown, named=False) if usual else None
    text = "\n" + data.removeprefix(_BOM).decode("latin-1")
    if usual or _without_suffix(name):
        fits = _sets_one(text, name, names)
    elif path.parent.name == "gunicorn":
        fits = not _settings(text, names).isdisjoint(TELLING | _SHARED)
    else:
        fits = _OTHER_SERVER.search(name) is None and _configures(text, names)
    return Found(path, candidate.shown, named=False, data=data) if fits else None


def _sets_one(text: str, name: str, names: frozenset[str]) -> bool:
    """Whether a file whose name speaks for it is a config: no launcher, no file of Supervisor's."""
    if name.endswith(".conf") and _SECTION.search(text):
        return False
    if _settings(text, names):
        return True
    return "globals()" in text and _PROGRAM.search(text) is None


def _configures(text: str, names: frozenset[str]) -> bool:
    """Whether a file of any name sets two settings, one of them little used elsewhere."""
    found = _settings(text, names)
    if len(found) < 2:
        return False
    return bool(found & TELLING) or bool(found & _SHARED and not _PROGRAM.search(text))


def _settings(text: str, names: frozenset[str]) -> frozenset[str]:
    """Settings that lines without indentation assign or define, outside of strings and brackets."""
    if not any(_assigned(text, names)):
        return frozenset()
    bare = unquoted(text)
    found, at, depth = set(), 0, 0
    for name, start in _assigned(bare, names):
        depth += _opened(bare, at, start)
        at = start
        if depth == 0:
            found.add(name)
    return frozenset(found)


def _assigned(text: str, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    """The settings that lines begin with, and where."""
    matches = ((match[1] or match[2], match.start()) for match in _ASSIGNS.finditer(text))
    return ((name, at) for name, at in matches if name in names)


def _opened(text: str, start: int, end: int) -> int:
    """How many brackets a stretch of text opens and leaves open."""
    opening, closing = (
        sum(text.count(char, start, end) for char in chars) for chars in ("([{", ")]}")
    )
    return opening - closing


def project_root(path: Path) -> Path:
    """The folder of the project that a config belongs to, resolved.

    It is the nearest at or above the config that declares dependencies or holds `.git`, as far as
    the owner of the config's folder alone decides what the folders hold; else the config's folder.
    """
    start = Path(os.path.realpath(path.parent))
    own = _folder(start)
    for folder in (start, *start.parents):
        seen = _folder(folder)
        if seen is None or own is None:
            break
        if folder != start and (seen.owner != own.owner or seen.shared):
            break
        if seen.root:
            return folder
    return start


@dataclass(frozen=True, slots=True)
class _Folder:
    """Who owns a folder, whether anyone may write to it, and whether a project may start there."""

    owner: int
    shared: bool
    root: bool


@lru_cache(maxsize=10_000)
def _folder(path: Path) -> _Folder | None:
    """A look at a folder; None where it can't be read."""
    try:
        found = path.stat()
        with os.scandir(path) as scan:
            names = [entry.name for entry in islice(scan, MAX_ENTRIES)]
    except OSError:
        return None
    root = any(name == ".git" or DEPENDENCY_FILE.fullmatch(name) for name in names)
    return _Folder(found.st_uid, bool(found.st_mode & stat.S_IWOTH), root)
