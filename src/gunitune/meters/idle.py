"""Whether the server has come to rest after booting, so that a window can begin."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from gunitune.meters.cpu import cpu_clock

if TYPE_CHECKING:
    from gunitune.meters.tree import Served

_LOOK_S = 0.1
_QUIET_SHARE = 0.05
_QUIET_LOOKS = 2
_LAST_LOOKS = 10


def await_idle(server: Served, *, most_s: float = 10.0) -> str:
    """Wait until the tree twice in a row used less than 5 % of a CPU over a tenth of a second.

    Empty then; after `most_s` seconds, a remark that the app computes without any request.
    """
    shares: list[float] = []
    clock = cpu_clock(server)
    at_s, cpu_s = time.monotonic(), clock.read()
    deadline = at_s + most_s
    while at_s < deadline:
        time.sleep(_LOOK_S)
        before_s, used_s = at_s, cpu_s
        at_s, cpu_s = time.monotonic(), clock.read()
        shares.append((cpu_s - used_s) / (at_s - before_s))
        if len(shares) >= _QUIET_LOOKS and max(shares[-_QUIET_LOOKS:]) < _QUIET_SHARE:
            return ""
    share = median(shares[-_LAST_LOOKS:])
    return (
        f"the app computes without any request: {share:.0%} of a CPU {most_s:g} s after it booted "
        "(background threads?); that counts as the requests' CPU time"
    )
