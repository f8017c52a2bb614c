"""What `gunitune check` reads and prints: stdin, findings, differences, what was assumed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.checks.run import STDIN, Check, start
from gunitune.conf.imports import MAX_BYTES
from gunitune.streams import put, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.report import Report
    from gunitune.settings import Settings

__all__ = ["assumed", "mend", "start", "stream", "task"]


def task(paths: Sequence[Path] | None, settings: Settings, stdin_name: Path | None) -> Check:
    """The run for these paths; of stdin one byte too many is enough to refuse it."""
    asked = STDIN in (paths or ())
    stdin = sys.stdin.buffer.read(MAX_BYTES + 1) if asked else b""
    return Check(paths or [Path()], settings, stdin, stdin_name)


def mend(task: Check, output: Path | None, *, write: bool, quiet: bool) -> int:
    """Make the safe fixes, or print them as a difference: 1 where there are some."""
    from gunitune.checks.mend import mend as made

    difference, lines = made(task, write=write, terminal=sys.stdout.isatty() and output is None)
    if not write:
        put(difference, output, force=True)
    for line in () if quiet else lines:
        say(line)
    return int(bool(difference) and not write and not task.settings.get("exit_zero", False))


def stream(task: Check, *, quiet: bool, width: int, color: bool) -> int:
    """Print the findings of each file as soon as it is checked; gives the exit code."""
    from gunitune.checks.stream import Stream
    from gunitune.render.check.text import streamed

    stream = Stream(task)
    for piece in streamed(stream.parts(), color=color, width=width, quiet=quiet):
        put(piece, None)
    assumed(stream.rest(), quiet=quiet)
    return task.exit_code(stream.worst)


def assumed(report: Report, *, quiet: bool) -> None:
    """Say on stderr for which machine and release the report holds."""
    from gunitune.render.check._assumed import assumptions

    if not report.files:
        say("no config found: name one, or a folder that holds gunicorn.conf.py or the like")
    for line in () if quiet else assumptions(report):
        say(line)
