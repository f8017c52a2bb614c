"""Removes a cgroup that we made, with whatever still runs inside it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# The kernel may take a moment to let go of the last process.
_TRIES = 200
_PAUSE_S = 0.01
# A maker in another container has a pid that is not seen here; its groups last a block or a look.
_OLD_S = 300


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


def sweep(home: Path) -> None:
    """Remove the empty groups below `home` of a gunitune that was killed between two servers."""
    for folder in home.glob("gunitune-*-*"):
        maker = folder.name.split("-")[1]
        with suppress(OSError):
            old = time.time() - folder.stat().st_mtime > _OLD_S
            if old and maker.isdigit() and not Path("/proc", maker).exists():
                folder.rmdir()  # fails where a process is inside


def _kill(procs: Path) -> None:
    with suppress(OSError):
        for pid in procs.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
