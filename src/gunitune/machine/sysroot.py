"""Reads a machine's files: those of the running one, or a snapshot below a folder."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from gunitune.errors import GunituneError
from gunitune.model import MIB

_READ_AT_MOST_BYTES = 4 * MIB


@dataclass(frozen=True, slots=True)
class Sysroot:
    """A folder with `proc` and `sys` below it; `live` when they are those of the running system."""

    root: Path
    live: bool

    def read(self, path: str) -> str | None:
        """Text of the file at `path`; None where there is no regular file that can be read.

        Only the first 4 MiB. In a snapshot, a link that leads out of it counts as missing.
        """
        try:
            file = self._inside(path)
            if not stat.S_ISREG(file.stat().st_mode):  # a FIFO would block, a device could do worse
                return None
            with file.open("rb") as stream:
                return stream.read(_READ_AT_MOST_BYTES).decode(errors="replace")
        except (OSError, RuntimeError, ValueError):
            return None

    def is_dir(self, path: str) -> bool:
        """Whether a folder is at `path`, and inside the snapshot."""
        try:
            return self._inside(path).is_dir()
        except (OSError, RuntimeError, ValueError):
            return False

    def _inside(self, path: str) -> Path:
        """The real place of `path`; OSError, RuntimeError (a loop) or ValueError if none."""
        place = self.root / path.lstrip("/")
        if self.live:
            return place
        real = place.resolve()
        if not real.is_relative_to(self.root):
            raise FileNotFoundError(path)
        return real


def running_system() -> Sysroot:
    """The machine that this process runs on."""
    return Sysroot(Path("/"), live=True)


def snapshot(folder: Path) -> Sysroot:
    """Another machine, whose `proc` and `sys` lie below `folder`; GunituneError without `proc`."""
    try:
        root = folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise GunituneError(f"{folder} can't be used as a sysroot", str(error)) from error
    below = Sysroot(root, live=False)
    if not below.is_dir("/proc"):
        raise GunituneError(f"{folder / 'proc'} is not a folder inside {folder}", _HINT)
    return below


_HINT = "a sysroot is a folder that holds a copy of a machine's proc and sys"
