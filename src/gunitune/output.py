"""Where results go: files written whole, a terminal's width and colours, a progress bar."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

    from rich.progress import Progress

# Below so many files a bar would only flicker.
SHOWN_FROM_FILES = 300


def write(text: str, path: Path, *, force: bool = False) -> None:
    """Write a file whole or not at all; raises UsageError rather than overwrite another text.

    The difference goes to stderr, for the reader to judge.
    """
    before = _existing(path)
    if before == text:
        return
    if before is not None and not force:
        show_difference(before, text, path)
        raise UsageError(f"{path} exists and differs", "--force overwrites it")
    try:
        _replace(path, text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "name another file") from None


def show_difference(before: str, after: str, path: Path) -> None:
    """Print a unified diff to stderr."""
    import sys
    from difflib import unified_diff

    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), "recommended"
    )
    sys.stderr.writelines(line if line.endswith("\n") else line + "\n" for line in lines)


def colored(color: str, stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour: the flag, else NO_COLOR, FORCE_COLOR, else whether it is a terminal."""
    if color != "auto":
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int:
    """Columns to fill: the terminal's, from 60 to 120; 80 where there is none."""
    if not stream.isatty():
        return 80
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 80
    return min(120, max(60, columns or 80)) - 1


@contextmanager
def progress(*, show: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr for a large project; None where nothing is to be shown."""
    if not show:
        yield None
        return
    bar = _Bar()
    try:
        yield bar.report
    finally:
        bar.stop()


class _Bar:
    """A progress bar that appears with the first report of a large project."""

    def __init__(self) -> None:
        self.progress: Progress | None = None

    def report(self, done: int, total: int) -> None:
        if total < SHOWN_FROM_FILES:
            return
        if self.progress is None:
            from rich.console import Console
            from rich.progress import Progress

            self.progress = Progress(console=Console(stderr=True), transient=True)
            self.progress.add_task("reading the project", total=total)
            self.progress.start()
        self.progress.update(self.progress.task_ids[0], completed=done, total=total)

    def stop(self) -> None:
        if self.progress is not None:
            self.progress.stop()


def _existing(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UsageError(f"{path} exists and is no text", "name another file") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "name another file") from None


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path.resolve())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
