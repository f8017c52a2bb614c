"""Which CPUs a block or a look is about, and how much of them went to others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.measure.look import Look
    from gunitune.trial import Answered, Limits, Usage

# A larger share of the CPUs taken by the hypervisor, and the window says nothing. Hosts that take
# some 7 % of an idle guest all the time are common: that must not spoil every block.
MOST_STEAL = 0.15


def cores_of(limits: Limits) -> frozenset[int]:
    """The CPUs, by number, that the server may run on."""
    return limits.cores or frozenset(os.sched_getaffinity(0))


def cpus_there(limits: Limits) -> float:
    """CPUs that the server may use at most."""
    here = len(cores_of(limits))
    return float(here if limits.cpus is None else min(here, limits.cpus))


def beside_s(answered: Answered, limits: Limits, generator_cores: frozenset[int]) -> float:
    """CPU seconds that the load generator took of the server's CPUs: none where it has its own."""
    shares = not generator_cores or generator_cores & cores_of(limits)
    return answered.generator_cpu_s if shares else 0.0


def steal_share(usage: Usage, cpus: int) -> float:
    """Share of the time of the `cpus` metered CPUs that the hypervisor took; 0 if not told."""
    whole_s = usage.wall_s * cpus
    known = not isinstance(usage.steal_s, Unknown) and whole_s > 0
    return usage.steal_s / whole_s if known else 0.0  # type: ignore[operator]


def cores_used(look: Look) -> float:
    """CPUs that the workers kept busy."""
    return sum(look.usage.per_worker_cpu_s) / look.usage.wall_s


def cores_free(limits: Limits, look: Look) -> float:
    """CPUs that neither other work, nor the load generator, nor the workers' children took."""
    wall_s = look.usage.wall_s
    taken = 0.0 if isinstance(look.usage.other_cpu_s, Unknown) else look.usage.other_cpu_s
    # of CPUs that the quota leaves unused anyway, others take nothing from the server
    left = len(cores_of(limits)) - (taken + look.beside_s) / wall_s - look.steal
    own = look.children_ms / look.window_ms
    return min(cpus_there(limits), left) - own
