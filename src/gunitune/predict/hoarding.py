"""How many of the clients each worker accepted: seldom the same number.

A worker of gthread or asyncio that runs accepts whoever comes meanwhile, whether or not it can
serve them now, and kept-alive connections stay where they were accepted. That is Polya's urn: the
next client goes to a worker with a chance that grows with those it has (Johnson, Kotz: Urn Models
and their Application, 1977). How many workers have any client is told apart from how many each of
those has: an idle worker leaves its CPU to the others.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import accumulate

# What a worker weighs in the urn before it has a client, for each CPU: on one CPU they run one
# after the other. Fitted to how many times what one worker of two threads serves two, three and
# five of them did, with 32 connections, on one CPU (1.4, 1.9, 2.3) and on two (1.8, 2.4, 3.4).
THREADS = 0.2
# An event loop accepts all that wait at once (asyncio's loop goes on until there is none): of two,
# three and five workers 1.4, 2.1 and 2.6 had clients under asgi on two CPUs, 1.7, 2.7 and 3.7 under
# uvicorn.
LOOPS = 0.1
# So many numbers of workers stand for all that may have clients.
FEW = 5
# More clients than this are dealt out in lots: an urn looks the same from afar.
LOTS = 256


@cache
def peopled(clients: int, workers: int, weight: float) -> tuple[tuple[int, float], ...]:
    """How many workers have any client, each with its chance; quantiles of many."""
    found = [1.0]  # of 1, 2, ... workers, once the first client has come
    for here in range(1, clients):
        fresh = [(workers - at) * weight / (here + workers * weight) for at in range(1, workers)]
        found = [
            (found[at] if at < len(found) else 0.0) * (1 - (fresh[at] if at < len(fresh) else 0.0))
            + (found[at - 1] * fresh[at - 1] if at else 0.0)
            for at in range(min(workers, len(found) + 1))
        ]
    if len(found) <= FEW:
        return tuple(enumerate(found, 1))
    below = list(accumulate(found))
    shares = [(part + 0.5) / FEW for part in range(FEW)]
    return tuple(
        (next((at for at, sum_ in enumerate(below, 1) if sum_ >= share), len(found)), 1 / FEW)
        for share in shares
    )


@cache
def chances(clients: int, workers: int, weight: float) -> tuple[float, ...]:
    """The chances that one of the workers has 0, 1, ... `clients`, where each has one at least.

    An urn gives n to a worker with the weight of x^n in (1 - x)^-weight; without the empty ones,
    the others' is a power of that series less 1 (Miller's recurrence: Knuth, The Art of Computer
    Programming 2, 4.7).
    """
    one = [weight]
    for here in range(1, clients):
        one.append(one[-1] * (here + weight) / (here + 1))
    rest = _power(one, workers - 1)
    last = clients - workers + 1
    likely = [one[here - 1] * rest[last - here] for here in range(1, last + 1)]
    whole = math.fsum(likely)
    return (0.0, *(each / whole for each in likely), *(0.0,) * (clients - last))


def _power(series: list[float], exponent: int) -> list[float]:
    """The coefficients of a power series to a power, as many as are given."""
    if exponent == 0:
        return [1.0] + [0.0] * (len(series) - 1)
    found = [1.0]  # of the series over its first coefficient: a common factor does not matter
    scaled = [each / series[0] for each in series]
    for at in range(1, len(series)):
        terms = ((j * (exponent + 1) - at) * scaled[j] * found[at - j] for j in range(1, at + 1))
        found.append(math.fsum(terms) / at)
    return found


@cache
def inside(clients: int, workers: int, weight: float, slots: float) -> float:
    """How many requests all workers have in service, each no more than its slots."""
    found = chances(clients, workers, weight)
    return workers * math.fsum(p * min(here, slots) for here, p in enumerate(found))


@cache
def fullest(clients: int, workers: int, weight: float, slots: float) -> int:
    """The clients of the worker that the slowest percent of the requests are served by."""
    found = chances(clients, workers, weight)
    served = list(accumulate(p * min(here, slots) for here, p in enumerate(found)))
    return next(here for here, part in enumerate(served) if part >= 0.99 * served[-1])
