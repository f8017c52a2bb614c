"""Which kind of app it is, by what was measured of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.facts import MASTER_BYTES
from gunitune.model import Goal, Unknown
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from gunitune.model import Confidence, Host, Kind
    from gunitune.trial import AppFacts, Estimate

# Below this share of the CPU time, waiting is no reason for threads or greenlets: 2 * CPUs + 1
# processes, the rule of thumb, are made for as much waiting as computing.
WAITS_FROM = 1.0
MEMORY_SHARE = Goal().memory_share
TRACE = 0.2  # of a process is no process: so much waiting is within what looks differ by
# A worker that leaves none of this is not held to be small enough to be had at will.
PLAIN_CLASSES = ("sync", "asgi", "uvicorn_worker.UvicornWorker")


@dataclass(frozen=True, slots=True)
class Judged:
    """The kind, how sure it is, and the sentence that says why."""

    kind: Kind
    confidence: Confidence
    why: str


def plain_cpu(facts: AppFacts) -> Estimate | Unknown:
    """CPU time per request on the plain class: sync, or the ASGI one that was looked at most."""
    first = [name for name in facts.lone_cpu_ms if name in PLAIN_CLASSES]
    for name in (*first, *PLAIN_CLASSES):
        if name in facts.cpu_ms:
            return facts.cpu_ms[name]
    return Unknown("no class of worker could be measured")


def judge(facts: AppFacts, host: Host, memory_share: float = MEMORY_SHARE) -> Judged:
    """Memory-bound where the workers that the CPUs want do not fit, else by waiting v computing.

    The sure cases have their whole interval on one side. Without times it is unknown.
    """
    cpu, wait = plain_cpu(facts), facts.wait_ms
    if isinstance(cpu, Unknown):
        return Judged("unknown", "low", f"not told: {cpu.reason}")
    if isinstance(wait, Unknown):
        return Judged("unknown", "low", f"not told: {wait.reason}")
    if short := _short(facts, host, cpu, wait, memory_share):
        return Judged("memory", "high", short)
    ratio = wait.value / max(cpu.value, 0.001)
    kind: Kind = "io" if ratio > WAITS_FROM else "cpu"
    times = f"{_ms(cpu.value)} computing and {_ms(wait.value)} waiting per request"
    return Judged(kind, _confidence(cpu, wait), f"{_share(ratio)}: {times}")


def _share(ratio: float) -> str:
    return f"a request waits {100 * ratio / (1 + ratio):.0f} % of its time"


def _ms(milliseconds: float) -> str:
    return f"{format_number(round(milliseconds, 1 if milliseconds >= 1 else 2))} ms"


def _confidence(cpu: Estimate, wait: Estimate) -> Confidence:
    """High where no ratio within the intervals would make it another kind."""
    least = wait.low / max(cpu.high, 0.001)
    most = wait.high / max(cpu.low, 0.001)
    return "medium" if least <= WAITS_FROM < most else "high"


def _short(facts: AppFacts, host: Host, cpu: Estimate, wait: Estimate, memory_share: float) -> str:
    """That the workers which keep the CPUs busy do not fit into the memory; "" where they do."""
    own, limit = facts.worker_bytes, host.memory_bytes
    if isinstance(own, Unknown) or isinstance(limit, Unknown):
        return ""
    # What waits longer than it computes is held by greenlets or threads, not by processes.
    ratio = wait.value / max(cpu.value, 0.001)
    each = 1 + (0 if ratio > WAITS_FROM else ratio)
    wanted = max(math.ceil(host.cpus - 1e-9), math.ceil(host.cpus * each - TRACE))
    master = _bytes(facts.master_bytes, MASTER_BYTES) + _bytes(facts.shared_bytes, 0)
    needed = master + wanted * own.value
    if needed <= limit * memory_share:
        return ""
    return (
        f"{wanted} worker{'' if wanted == 1 else 's'} for {format_number(host.cpus)} CPUs need "
        f"{format_size(needed)} ({format_size(own.value)} each), "
        f"{memory_share:.0%} of {format_size(limit)} is {format_size(limit * memory_share)}"
    )


def _bytes(estimate: Estimate | Unknown, otherwise: float) -> float:
    return otherwise if isinstance(estimate, Unknown) else estimate.value
