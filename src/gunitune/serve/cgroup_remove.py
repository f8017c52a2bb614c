"""Removes a cgroup that we made, with whatever still runs inside it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The kernel may take a moment to let go of the last process.
_TRIES = 200
_PAUSE_S = 0.01


def remove(folder: Path) -> None:
    """Kill what is inside, the groups below included, and remove them; gives up after 2 s."""
    for _ in range(_TRIES):
        if not folder.exists():
            return
        for procs in sorted(folder.rglob("cgroup.procs"), reverse=True):
            _kill(procs)
            with suppress(OSError):
                procs.parent.rmdir()
        if folder.exists():
            time.sleep(_PAUSE_S)


def _kill(procs: Path) -> None:
    with suppress(OSError):
        for pid in procs.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
