"""By what share throughput follows the CPUs' speed: all where they bind, none where they idle.

In a closed loop that is the part of a request's time that is spent with a CPU or queueing for one.
"""

from __future__ import annotations

from functools import lru_cache

MOST_INSIDE = 256  # beyond it nothing changes any more
STEP = 1.001  # of the speed
HALVINGS = 24


def elasticity(busy: float, inside: int, reach: float) -> float:
    """Of a server with `inside` requests at once whose `reach` CPUs are busy for a share.

    Up to one request a CPU nothing queues, and the share busy is the answer. Beyond, the waiting is
    found under which a closed queueing network is just as busy, and its answer is taken.
    """
    busy = min(1.0, max(0.0, busy))
    if inside <= reach:
        return busy
    return _by_queueing(round(busy, 2), min(inside, MOST_INSIDE), round(reach, 2))


@lru_cache(maxsize=10_000)
def _by_queueing(busy: float, inside: int, reach: float) -> float:
    import math

    most = throughput(1.0, 0.0, inside, reach)
    if busy >= min(0.995, most / reach):
        return 1.0
    low, high = 0.0, 10.0 * inside / max(busy, 0.001)
    for _ in range(HALVINGS):
        waiting = (low + high) / 2
        if throughput(1.0, waiting, inside, reach) > busy * reach:
            low = waiting
        else:
            high = waiting
    gained = throughput(1 / STEP, high, inside, reach) / throughput(1.0, high, inside, reach)
    return math.log(gained) / math.log(STEP)


def throughput(cpu: float, waiting: float, inside: int, reach: float) -> float:
    """Requests per unit of time: exact mean value analysis (Reiser and Lavenberg 1980).

    A station of several CPUs is one as fast as all, and a delay (Seidmann et al. 1987).
    """
    reach = max(reach, 1e-3)
    demand, delay = cpu / reach, waiting + cpu * max(0.0, 1 - 1 / reach)
    queue = found = 0.0
    for count in range(1, inside + 1):
        stay = demand * (1 + queue)
        found = count / (stay + delay)
        queue = found * stay
    return found
