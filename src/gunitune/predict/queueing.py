"""What queueing theory says of a station, a queue and a closed network: formulas, no settings.

Times are in one unit, rates in its inverse. Sources, by the function that uses them:

- Reiser, Lavenberg: Mean-Value Analysis of Closed Multichain Queuing Networks, JACM 27 (1980).
- Erlang: Solution of some Problems in the Theory of Probabilities of Significance in Automatic
  Telephone Exchanges (1917); Kleinrock: Queueing Systems I (1975), sections 3.2 and 3.5.
- Chandy, Herzog, Woo: Parametric Analysis of Queuing Networks, IBM J. R&D 19 (1975): Norton.
- Wilson, Hilferty: The Distribution of Chi-Square, PNAS 17 (1931).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count, islice
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Beyond this population a network is at its asymptote to far more digits than a model has.
LARGEST_POPULATION = 20_000
_NEGLIGIBLE = 1e-15


@dataclass(frozen=True, slots=True)
class States:
    """Probabilities of the states `first`, `first + 1`, ... of a birth-death process."""

    first: int
    probabilities: tuple[float, ...]

    def mean(self, value: Callable[[int], float] = float) -> float:
        """Mean of a value that depends on the state."""
        return sum(p * value(k) for k, p in enumerate(self.probabilities, self.first))

    @property
    def variance(self) -> float:
        """Variance of the state."""
        mean = self.mean()
        return self.mean(lambda k: (k - mean) ** 2)


def mva(demand: float, delay: float, stations: int = 1, variation: float = 1) -> Iterator[float]:
    """Throughput with 1, 2, 3, ... customers: mean value analysis (Reiser, Lavenberg).

    One delay, and `stations` equal queueing stations of one server each, of which every customer
    visits one, drawn at random. Exact for exponential service; `variation` is the squared
    coefficient of variation of another one, first come first served: whoever is in service on
    arrival then has (1 + variation) / 2 of a mean service left (Reiser 1979; Eager, Sorin, Vernon,
    SIGMETRICS 2000), an approximation.
    """
    queue = busy = 0.0
    for customers in count(1):
        residence = demand * (1 + (queue + busy * (variation - 1) / 2) / stations)
        throughput = customers / (residence + delay)
        queue, busy = throughput * residence, throughput * demand
        yield min(throughput, stations / demand if demand > 0 else math.inf)


def throughputs(customers: int, demand: float, delay: float, variation: float = 1) -> list[float]:
    """Throughput of one station with 0, 1, ... `customers`, up to where it is saturated."""
    found = [0.0]
    for throughput in islice(mva(demand, delay, 1, variation), customers):
        found.append(throughput)
        if throughput * demand > 1 - 1e-12:
            break
    return found


def closed(
    customers: float, demand: float, delay: float, stations: int = 1, variation: float = 1
) -> float:
    """Throughput of `customers` (infinity: of a saturated network) as in `mva`."""
    saturated = stations / demand if demand > 0 else math.inf
    if customers > LARGEST_POPULATION:
        return saturated if math.isinf(customers) else min(customers / (demand + delay), saturated)
    throughput = 0.0
    for throughput in islice(mva(demand, delay, stations, variation), int(customers)):
        if throughput > saturated * (1 - 1e-12):
            break
    return throughput


def interference(customers: int, servers: float, demand: float, delay: float) -> States:
    """How many of a closed population are at a station of many servers, the rest in a delay.

    The machine interference problem (Kleinrock 3.8), with a station that works at min(m, servers)
    where m are there: `servers` may be a fraction, as a CPU quota is. A product form network, so
    only the means of demand and delay count where the servers are shared in equal parts.
    """
    if delay <= 0:
        return States(customers, (1.0,))
    if demand <= 0:
        return States(0, (1.0,))

    def ratio(here: int) -> float:
        return (customers - here + 1) / delay * demand / min(here, servers)

    return stationary(ratio, customers)


def stationary(ratio: Callable[[int], float], top: int) -> States:
    """Stationary distribution of a birth-death process on 0 ... top.

    `ratio(k)` is p(k) / p(k - 1), the birth rate of k - 1 over the death rate of k, and must not
    grow with k. States too unlikely to count are left out, so that the cost grows with the spread.
    """
    mode = _mode(ratio, top)
    below, above = [], []
    weight = 1.0
    for state in range(mode, 0, -1):
        weight /= ratio(state)
        if weight < _NEGLIGIBLE:
            break
        below.append(weight)
    weight = 1.0
    for state in range(mode + 1, top + 1):
        weight *= ratio(state)
        if weight < _NEGLIGIBLE:
            break
        above.append(weight)
    total = 1.0 + math.fsum(below) + math.fsum(above)
    weights = (*reversed(below), 1.0, *above)
    return States(mode - len(below), tuple(weight / total for weight in weights))


def _mode(ratio: Callable[[int], float], top: int) -> int:
    """The likeliest state: the last one that is no less likely than the one before."""
    low, high = 0, top
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if ratio(middle) >= 1 else (low, middle - 1)
    return low


def erlang_c(load: float, servers: int) -> float:
    """Probability that an arrival must wait in M/M/c; `load` is arrival rate times service time.

    By Erlang B's recursion, which stays within 0 and 1; 1 where the load is beyond the servers.
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


@dataclass(frozen=True, slots=True)
class Queue:
    """An open queue before `slots`: the share that waits, the mean wait, the mean time inside.

    The wait of those that wait is exponential: exact for M/M/c, and for any network behind the
    slots once it is replaced by its flow-equivalent server (Norton: Chandy, Herzog, Woo).
    """

    waiting: float
    wait: float
    inside: float


def behind_slots(arrivals: float, slots: int, rate: Callable[[int], float]) -> Queue:
    """Open queue before a network that serves `rate(k)` with k inside, at most `slots`.

    `rate` must not fall with k, and `arrivals` be below `rate(slots)`.
    """
    full = rate(slots)
    inner = stationary(lambda inside: arrivals / rate(inside), slots)
    tail = arrivals / full
    last = inner.probabilities[-1] if inner.first + len(inner.probabilities) > slots else 0.0
    beyond = last * tail / (1 - tail)
    total = 1 + beyond
    mean_inside = (inner.mean() + slots * beyond) / total
    waiting = (last + beyond) / total
    return Queue(waiting, waiting / (full - arrivals), mean_inside / arrivals)


def regular(queue: Queue, variation: float) -> Queue:
    """The queue where the time inside has another squared coefficient of variation than 1.

    Lee and Longton's approximation for M/G/c (Op. Res. Quarterly 10, 1959): the wait shrinks by
    (1 + variation) / 2; exact for one server (Pollaczek, Khinchine).
    """
    return Queue(queue.waiting, queue.wait * (1 + variation) / 2, queue.inside)


def quantile(share: float, queue: Queue, constant: float) -> float:
    """The time that `share` of the customers stay below, waiting and inside.

    Inside: `constant`, and an exponential time for the rest of the mean. Exact for M/M/1.
    """
    served = max(queue.inside - constant, 0.0)
    waited = queue.wait / queue.waiting if queue.waiting > 0 else 0.0

    def excess(time: float) -> float:
        return _beyond(time, queue.waiting, waited, served) - (1 - share)

    high = (served + waited) or 1.0
    while excess(high) > 0:
        high *= 2
    return constant + root(excess, 0.0, high)


def _beyond(time: float, waiting: float, waited: float, served: float) -> float:
    """P(wait + service > time): the wait is `waited` on average for `waiting` of all, else 0."""
    alone = math.exp(-time / served) if served > 0 else 0.0
    if waited <= 0:
        return alone
    long = math.exp(-time / waited)
    if abs(waited - served) < 1e-6 * waited:
        both = long * (1 + time / waited)
    else:
        both = (waited * long - served * alone) / (waited - served)
    return (1 - waiting) * alone + waiting * both


def gamma_quantile(share: float, mean: float, variance: float) -> float:
    """The quantile of a gamma distribution by its moments (Wilson, Hilferty).

    Within 1 % of the exact 0.99 quantile where the deviation is no more than the mean; it is no
    approximation for more than 1.7 times the mean, which are taken as that.
    """
    if mean <= 0 or variance <= 0:
        return max(mean, 0.0)
    ninth = min(variance / (9 * mean * mean), 1 / 3)
    return float(mean * (1 - ninth + NormalDist().inv_cdf(share) * math.sqrt(ninth)) ** 3)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses zero, to nine digits (false position, Illinois)."""
    at_low, at_high = function(low), function(high)
    if at_low <= 0:
        return low
    if at_high >= 0:
        return high
    last = 0.0
    while high - low > 1e-9 * abs(high):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = function(middle)
        if not (low < middle < high) or value == 0:
            return middle
        if value > 0:
            low, at_low, at_high = middle, value, at_high / (2 if last > 0 else 1)
        else:
            high, at_high, at_low = middle, value, at_low / (2 if last < 0 else 1)
        last = value
    return high
