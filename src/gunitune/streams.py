"""stdin, stdout and stderr as a caller may leave them: closed, full, or of a narrow encoding."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def say(message: str) -> None:
    """One line on stderr, whatever the message holds, if stderr takes it."""
    from gunitune.render.describe import plain

    try:
        sys.stderr.write(f"gunitune: {plain(message)}\n")
    except OSError:
        drop(sys.stderr)


def mend_streams() -> None:
    """A closed stdin is empty, a closed stdout refuses; what can't be encoded is escaped."""
    for name, mode in (("stdin", "r"), ("stdout", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  (open to the end)
        if isinstance(stream := getattr(sys, name), TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def drop(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere: Python's own flush at exit must not fail."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def put(text: str, output: Path | None, *, force: bool = False) -> None:
    """Print the result, or write the file whole or not at all."""
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from gunitune.output import write

    write(text, output, force=force)
