"""How a fixed text is shown as a patch, and how it takes the place of the file."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from gunitune.conf.text import encoding_of
from gunitune.errors import GunituneError
from gunitune.project.files import printable, read_bounded
from gunitune.render.layout import plain

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "\ufeff"
_AGAIN = "run gunitune again"


def difference(before: str, after: str, path: str, *, terminal: bool = False) -> str:
    """A patch from one text to the other, as `git apply` and `patch -p1` take it; "" for none.

    The texts have their own line endings, and the byte order mark where the file has one. With
    `terminal` control characters are shown as escapes, for people and not for programs.
    """
    from difflib import unified_diff

    name = printable(path).lstrip("/")
    tab = "\t" if " " in name else ""  # as git ends a name that has spaces
    old, new = _lines(before), _lines(after)
    found = unified_diff(old, new, f"a/{name}{tab}", f"b/{name}{tab}")
    return "".join(_ended(_visible(line) if terminal else line) for line in found)


def write_fixed(path: Path, before: bytes, text: str, encoding: str | None = None) -> None:
    """Put a text in a file's place, whole or not at all; mode, owner and links stay.

    `before` is what was read, `encoding` the codec, None as Python finds it. A byte order mark
    stays. Raises GunituneError where the file is not what it was, or can't be written.
    """
    shown = printable(str(path))
    data = _encoded(shown, before, text, encoding or encoding_of(before))
    try:
        if read_bounded(path, len(before)) != before:
            raise GunituneError(f"{shown}: changed since it was read", _AGAIN)
        found = path.stat()
        if not (found.st_mode & 0o222 and os.access(path, os.W_OK)):
            raise GunituneError(f"{shown}: is read-only", "allow writing to it")
        _replace(path.resolve(), data, found)
    except OSError as error:
        raise GunituneError(f"{shown}: can't be written: {error.strerror}", _AGAIN) from None


def _replace(path: Path, data: bytes, found: os.stat_result) -> None:
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(dir=path.parent, prefix=".gunitune.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            with suppress(OSError):  # only root may give a file away
                os.fchown(file.fileno(), found.st_uid, found.st_gid)
            os.fchmod(file.fileno(), found.st_mode & 0o7777)
            os.replace(file.name, path)  # noqa: PTH105 - of a string
        except BaseException:
            os.unlink(file.name)  # noqa: PTH108 - of a string
            raise


def _encoded(shown: str, before: bytes, text: str, encoding: str) -> bytes:
    """The text as bytes; refused where what was read would not come out as it was."""
    codec = "utf-8" if encoding.lower().replace("_", "-") == "utf-8-sig" else encoding
    try:
        read = before.decode(codec)
        marked = _MARK if read.startswith(_MARK) else ""
        if read.encode(codec) == before:
            return (marked + text.removeprefix(_MARK)).encode(codec)
    except (LookupError, ValueError) as error:
        raise GunituneError(f"{shown}: can't be written as {encoding}: {error}") from None
    raise GunituneError(f"{shown}: can't be written as {encoding}", "save it as UTF-8")


def _lines(text: str) -> list[str]:
    """Lines with their ends, as a patch counts them: at LF alone."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _visible(line: str) -> str:
    """A line of a patch whose control characters the terminal does not obey."""
    body = line.removesuffix("\n")
    kept = body.removesuffix("\r").replace("\t", "    ")
    return plain(kept) + line[len(body) :]
