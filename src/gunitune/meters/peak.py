"""How much more memory the server took, at its highest in a window, than at the window's end."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_S = 0.1
# Looking takes at most this share of a CPU: what takes longer is done less often.
_MOST_SHARE = 0.01


class Peak:
    """Looks at a level of memory from a thread of its own, from `start` to `stop`."""

    def __init__(self, level: Callable[[], int]) -> None:
        self._level = level
        self._highest = 0
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="memory peak", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> tuple[int, int]:
        """Look once more: the highest and the last level, in bytes."""
        self._stopped.set()
        self._thread.join()
        last = self._level()
        return max(self._highest, last), last

    def abandon(self) -> None:
        """Stop looking, started or not; nobody asks what was found."""
        self._stopped.set()

    def _watch(self) -> None:
        """Ends by itself when nothing is left of what is looked at."""
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            before = time.thread_time()
            level = self._level()
            if not level:
                return
            self._highest = max(self._highest, level)
            pause_s = max(INTERVAL_S, (time.thread_time() - before) / _MOST_SHARE)
