"""How much longer CPU time takes when more processes and threads want a CPU than there are.

A request that holds its process (the GIL) and needs a CPU holds two resources at once, which no
product form covers. Each worker is solved alone, its CPU time stretched by what the others want:
surrogate delays (Jacobson, Lazowska: Analyzing Queueing Networks with Simultaneous Resource
Possession, CACM 25, 1982), with the CPUs shared in equal parts, at most one for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from gunitune.predict.queueing import root

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.predict.demands import Demands

# A number of processes or threads, and the chance that one of them wants a CPU.
Others = tuple[int, float]

# With more CPUs than this, how many are wanted varies little about its mean.
MANY_CPUS = 128
# More than this many others, on average, vary little about it.
MANY_OTHERS = 30
# More requests inside than this are as good as any number, for what they want of the CPUs.
MANY_INSIDE = 10_000
_INTERVALS = 64


@dataclass(frozen=True, slots=True)
class Contention:
    """The CPUs, the workers that have work, and the requests inside them."""

    demands: Demands
    cpus: float
    workers: int
    inside: float

    def stretch(
        self,
        throughput: Callable[[float], float],
        slowed: Callable[[float, list[Others]], float],
    ) -> float:
        """How many times longer CPU time takes: 1 where nobody ever waits for a CPU.

        `throughput(stretch)` is all workers' (per millisecond) under a stretch that is taken as
        given. `slowed` is `slowed_within` for a closed loop, `slowed_on_arrival` for an open one.
        """
        needs = self.demands
        held = needs.held_cpu_ms / needs.cpu_ms
        others = max(0, int(min(self.inside, MANY_INSIDE)) - 1)

        def excess(factor: float) -> float:
            busy = throughput(factor) * factor
            holder = min(1.0, busy * needs.held_cpu_ms / self.workers)
            beside = min(1.0, busy * needs.free_cpu_ms / (others + 1))
            seen = holder * others / (others + 1)  # but for oneself
            slow = held * slowed(self.cpus, [(self.workers - 1, holder), (others, beside)])
            if held < 1:
                slow += (1 - held) * slowed(self.cpus, [(self.workers, seen), (others, beside)])
            return slow - factor

        # nobody waits for a CPU, or all that there are want one
        least = max(1.0, 1 / self.cpus)
        most = (self.workers + (others if needs.free_cpu_ms > 0 else 0)) / self.cpus
        return root(excess, least, max(least, most) + 1)


def slowed_within(cpus: float, others: list[Others]) -> float:
    """The inverse of the mean of min(1, cpus / (1 + a)), a being how many others want a CPU.

    That mean is what one has of a CPU while one wants it, so that CPU time over it is how long it
    takes (Little's law), as far as the others are then as they are at any time.
    """
    wanted = sum(number * chance for number, chance in others)
    if cpus > MANY_CPUS:
        return max(1.0, (1 + wanted) / cpus)
    alone = _for_few(cpus, others, lambda a: 1 - cpus / (1 + a))
    return max(1.0, 1 / (cpus * _inverse(others, wanted) + alone))


def slowed_on_arrival(cpus: float, others: list[Others]) -> float:
    """Mean of max(1, (1 + a) / cpus), a being how many others want a CPU.

    Poisson arrivals see them as they are at any time, and stay that slowed on average: exact for
    many workers on one CPU, where it gives 1 / (1 - utilisation).
    """
    wanted = 1 + sum(number * chance for number, chance in others)
    if cpus > MANY_CPUS:
        return max(1.0, wanted / cpus)
    return wanted / cpus + _for_few(cpus, others, lambda a: 1 - (1 + a) / cpus)


def _for_few(cpus: float, others: list[Others], value: Callable[[int], float]) -> float:
    """Mean of a value that counts only where one has a CPU to oneself."""
    few = ceil(cpus) - 1
    chances = [1.0]
    for number, chance in others:
        chances = _convolved(chances, _binomial(number, chance, few), few)
    return sum(p * value(a) for a, p in enumerate(chances) if 1 + a < cpus)


def _inverse(others: list[Others], wanted: float) -> float:
    """Mean of 1 / (1 + a): the integral of a's generating function (Simpson's rule)."""
    if wanted > MANY_OTHERS:
        variance = sum(number * chance * (1 - chance) for number, chance in others)
        return (1 + variance / (1 + wanted) ** 2) / (1 + wanted)
    total = 0.0
    for step in range(_INTERVALS + 1):
        at = step / _INTERVALS
        value = 1.0
        for number, chance in others:
            value *= (1 - chance + chance * at) ** number
        total += value * (1 if step in {0, _INTERVALS} else 2 + 2 * (step % 2))
    return total / (3 * _INTERVALS)


def _binomial(number: int, chance: float, few: int) -> list[float]:
    """Chances of 0 ... `few` of `number`."""
    if chance >= 1:
        return [float(a == number) for a in range(few + 1)]
    found = [(1 - chance) ** number]
    for a in range(1, min(number, few) + 1):
        found.append(found[-1] * (number - a + 1) / a * chance / (1 - chance))
    return found


def _convolved(one: list[float], other: list[float], few: int) -> list[float]:
    found = [0.0] * min(few + 1, len(one) + len(other) - 1)
    for a, p in enumerate(one):
        for b, q in enumerate(other[: len(found) - a]):
            found[a + b] += p * q
    return found
