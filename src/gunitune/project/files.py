"""Lists the files of a project that are worth reading, and reads them within bounds."""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.errors import ProjectError
from gunitune.model import MIB, Unknown
from gunitune.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE_LIMIT_BYTES = MIB
_HINT = "give the folder that holds the app"
# A folder of a million pictures must not hold up the reading of the twenty modules beside it.
ENTRIES_PER_FILE = 25
_SKIPPED = frozenset(
    (
        *("__pycache__", "__pypackages__", "bower_components", "build", "dist", "dist-packages"),
        *("htmlcov", "node_modules", "site-packages", "venv"),
    )
)
_NOT_SOURCE = frozenset(("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG"))
DEPENDENCY_FILE = re.compile(
    r"""
      pyproject\.toml | setup\.(?:py|cfg) | pipfile(?:\.lock)?
    | (?:uv|poetry|pdm)\.lock | pylock\.(?:[^.]+\.)?toml
    | .*(?:requirements|constraints).*\.(?:txt|in|pip) | .*requirements.*\.lock
    | (?:.*[._-])?(?:environment|conda)(?:[._-].*)?\.ya?ml
    """,
    re.VERBOSE | re.IGNORECASE,
)


# Gunicorn's own configuration is what is being advised on: it must not speak for the app, nor may
# a file that a shell has just emptied for `emit` change what is said of the rest.
CONFIGURATION = re.compile(
    r"gunicorn(?:[._-]?(?:conf(?:ig)?|cfg|settings|dev|development|local|staging|prod|production))*"
    r"\.py",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The files of a project, sorted; paths start with `root`.

    `start` is the file that PATH named, where it named one. `truncated` says that the project has
    more files than were listed; those nearest to the root were.
    """

    root: Path
    python: tuple[Path, ...]
    dependency_files: tuple[Path, ...]
    start: Path | None = None
    truncated: bool = False

    def relative(self, path: Path) -> str:
        """Path below the root, with `/`, printable and on one line; whole where it is outside."""
        text = (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()
        return printable(text)


def printable(text: str) -> str:
    """A path as text that is printable and on one line, whatever its bytes are."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def walk(root: Path, *, limit: int = 20_000) -> ProjectFiles:
    """List the project at `root`: a folder, or a file whose folder is then the root.

    Left out: hidden folders, virtual environments, caches, what was built or installed, and links
    that lead to folders or out of the root. `limit` bounds the files listed. Raises ProjectError
    where `root` can't be read.
    """
    start = _start(root)
    folder = root if start is None else root.parent
    tree = Tree(folder, limit * ENTRIES_PER_FILE)
    found = list(islice(_listed(tree), limit + 1))
    paths = [Path(path) for path in sorted(found[:limit])]
    return ProjectFiles(
        root=folder,
        python=tuple(path for path in paths if _is_source(path)),
        dependency_files=tuple(p for p in paths if p.suffix != ".py" or p.name == "setup.py"),
        start=start,
        truncated=tree.truncated or len(found) > limit,
    )


def _listed(tree: Tree) -> Iterator[str]:
    """Paths of the files that hold source or declare dependencies."""
    for folder, entries in tree.folders():
        listed = "requirements" in tree.below(folder).split(os.sep)  # noqa: PTH206 - a string
        for entry in entries:
            if _wanted(entry.name, listed=listed) and tree.holds(entry):
                yield entry.path


def _is_source(path: Path) -> bool:
    return path.suffix == ".py" and not CONFIGURATION.fullmatch(path.name)


def read_source(path: Path) -> bytes | None:
    """Bytes of a source file; None where it can't be read or has more than 1 MiB."""
    data = read_bounded(path, SOURCE_LIMIT_BYTES)
    return None if isinstance(data, Unknown) else data


def read_bounded(path: Path, limit_bytes: int) -> bytes | Unknown:
    """Bytes of a regular file of at most `limit_bytes`, or why they could not be had."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Unknown("not a regular file")
        with os.fdopen(_opened(path), "rb") as file:
            data = file.read(limit_bytes + 1) or b""
    except OSError as error:
        return Unknown(error.strerror or str(error))
    if len(data) > limit_bytes:
        return Unknown(f"larger than {format_size(limit_bytes)}")
    return data


def _opened(path: Path) -> int:
    """A descriptor to read from: of what makes its readers wait, as /proc/kmsg, nothing is read."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


def _start(root: Path) -> Path | None:
    try:
        mode = root.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(root).close()
            return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProjectError(f"can't read the project at {root}: {reason}", _HINT) from error
    if not stat.S_ISREG(mode):
        raise ProjectError(f"{root} is neither a folder nor a file", _HINT)
    return root


class Tree:
    """One pass over a folder, nearest first, that looks at no more than `entries` entries.

    `real` is where the folder really is, with a separator at its end.
    """

    def __init__(self, root: Path, entries: int) -> None:
        self.root = str(root)
        self.real = os.path.join(os.path.realpath(root), "")  # noqa: PTH118 - of a string
        self._left = entries
        self.truncated = False

    def folders(self) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """Each folder that may hold source, with what is in it and not hidden."""
        folders = deque([self.root])
        while folders and not self.truncated:
            folder = folders.popleft()
            entries = self._entries(folder)
            if folder != self.root and not _NOT_SOURCE.isdisjoint(e.name for e in entries):
                continue
            shown = [entry for entry in entries if not entry.name.startswith(".")]
            folders.extend(e.path for e in shown if e.name not in _SKIPPED and _is_folder(e))
            yield folder, shown

    def below(self, path: str) -> str:
        """A path of this tree as it goes on from the root."""
        return path[len(self.root) :].lstrip(os.sep)

    def holds(self, entry: os.DirEntry[str]) -> bool:
        """Whether it is a file, or a link to one that lies below the root."""
        try:
            return entry.is_file() and (
                not entry.is_symlink() or os.path.realpath(entry).startswith(self.real)
            )
        except OSError:
            return False

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(islice(scan, self._left + 1), key=lambda entry: entry.name)
        except OSError:
            return []
        self._left -= len(entries)
        self.truncated = self._left < 0
        return entries


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _wanted(name: str, *, listed: bool) -> bool:
    endings = (".py", ".txt", ".in") if listed else ".py"
    return name.endswith(endings) or DEPENDENCY_FILE.fullmatch(name) is not None
