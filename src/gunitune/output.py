"""Where results go: files written whole, a terminal's width and colours, a progress bar."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.render.describe import plain
from gunitune.streams import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

    from rich.progress import Progress

# Below so many files a bar would only flicker.
SHOWN_FROM_FILES = 300
MAX_COMPARED_BYTES = 1024 * 1024
# Whatever stands behind them: a redirected file keeps what others wrote to it.
DESCRIPTORS = {"/dev/stdout": 1, "/dev/stderr": 2}


def write(text: str, path: Path, *, force: bool = False) -> None:
    """Write a file whole or not at all; raises UsageError rather than overwrite another text.

    The difference goes to stderr, for the reader to judge. A device or a FIFO is written to as it
    is.
    """
    data = text.encode("utf-8", errors="backslashreplace")
    try:
        mode = _mode(path)
        if mode is None or stat.S_ISREG(mode):
            _save(path, data, mode, force=force)
        else:
            _pour(path, data, mode)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "name another file") from None


def show_difference(before: bytes, after: bytes, path: Path) -> None:
    """Print a unified diff to stderr; what the terminal would obey is shown as an escape."""
    import sys
    from difflib import unified_diff

    old, new = (data.decode().split("\n") for data in (before, after))
    with suppress(OSError):  # the error that follows says enough
        for line in unified_diff(old, new, str(path), "recommended", lineterm=""):
            sys.stderr.write(plain(line) + "\n")


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


@contextmanager
def telling(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done: one line that changes on a terminal's stderr, lines elsewhere."""
    import sys

    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield say
    else:
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status("starting") as status:
            yield lambda text: status.update(escape(plain(text)))


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


def _mode(path: Path) -> int | None:
    """The kind and mode of what is there; None where nothing is."""
    try:
        return stat.S_IFCHR if str(path) in DESCRIPTORS else path.stat().st_mode
    except FileNotFoundError:
        return None


def _pour(path: Path, data: bytes, mode: int) -> None:
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise UsageError(f"{path} is neither a file nor a stream", "name another file")
    with os.fdopen(_opened(path), "wb") as stream:
        stream.write(data)


def _opened(path: Path) -> int:
    """A descriptor to write to; a FIFO that nobody reads is an error, not a wait."""
    if str(path) in DESCRIPTORS:
        return os.dup(DESCRIPTORS[str(path)])
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise UsageError(f"{path}: nobody reads it", "start its reader first") from None
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _save(path: Path, data: bytes, mode: int | None, *, force: bool) -> None:
    if mode is not None:
        before = _existing(path, force=force)
        if before == data:
            return
        if not force:
            show_difference(before, data, path)
            raise _exists(path)
    _place(path, data, 0o666 & ~_umask() if mode is None else mode & 0o777, new=not force)


def _existing(path: Path, *, force: bool) -> bytes:
    """Bytes of the file there, or the first of them where it is too large to compare."""
    with path.open("rb") as file:
        before = file.read(MAX_COMPARED_BYTES + 1)
    if len(before) <= MAX_COMPARED_BYTES:
        _check_text(before, path)
    elif not force:
        raise UsageError(
            f"{path} exists and is too large to be gunitune's", "--force overwrites it"
        )
    return before


def _check_text(before: bytes, path: Path) -> None:
    try:
        before.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} exists and is no text", "name another file") from None


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists and differs", "--force overwrites it")


def _place(path: Path, data: bytes, mode: int, *, new: bool) -> None:
    real = path.resolve()
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=".gunitune.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        if not (new and _linked(name, real)):
            Path(name).replace(real)
    except FileExistsError:  # it came between the look and the link
        raise _exists(path) from None
    finally:
        Path(name).unlink(missing_ok=True)


def _linked(name: str, real: Path) -> bool:
    """Give the file its name if that is free; False where the file system has no hard links."""
    try:
        os.link(name, real)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
