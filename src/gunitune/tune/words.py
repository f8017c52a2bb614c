"""What limited the app under the winner, in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.trial import THREADED, Latency
from gunitune.units import format_number

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gunitune.trial import Block, Choice
    from gunitune.tune.gauge import Supply

FULL = 0.9  # of the CPUs in use is all of them
THROTTLED = 0.1  # of the time


def limited(
    choice: Choice, blocks: Sequence[Block], supply: Supply, tried: Collection[Choice] = ()
) -> str:
    """One sentence, from the counted blocks of a choice; "" where there is none.

    `tried` are the choices that were measured beside it.
    """
    if not blocks:
        return ""
    block = max(blocks, key=lambda own: own.answered.ended)
    cores = sum(own.usage.cores for own in blocks) / len(blocks)
    more = any(slots(other) > slots(choice) for other in tried)
    return (
        _generator(block)
        or _cpu(choice, blocks, cores, supply)
        or _rest(choice, block, cores, more_tried=more)
    )


def slots(choice: Choice) -> float:
    """Requests that a choice serves at once: a thread each, or no end of them."""
    if choice.worker_class in ("sync", THREADED):
        return choice.workers * choice.threads
    return math.inf


def _generator(block: Block) -> str:
    limit = block.answered.limit
    return f"the load generator: {limit}; the app may do more than was measured" if limit else ""


def _cpu(choice: Choice, blocks: Sequence[Block], cores: float, supply: Supply) -> str:
    of = f"{cores:.1f} of {format_number(supply.cpus)} CPUs busy"
    left = min(supply.left(block) for block in blocks)
    beside = max(own.answered.generator_cpu_s / max(own.usage.wall_s, 1e-9) for own in blocks)
    if _throttled(blocks):
        return f"CPU quota: {of}, and the quota held it back; more workers will not help"
    if cores >= FULL * supply.cpus:
        return f"CPU: {of}; more workers will not help"
    if cores >= FULL * left:
        taken = supply.cores - left
        return f"CPU: {of}, the rest was taken by others ({taken:.1f}); more workers will not help"
    if cores + beside >= FULL * supply.cores:
        return f"CPU: {of}, and {beside:.1f} by the load generator; more workers will not help"
    if choice.workers < supply.cpus and cores >= FULL * choice.workers:
        many = "worker keeps" if choice.workers == 1 else "workers keep"
        return (
            f"CPU: {choice.workers} {many} {cores:.1f} of {format_number(supply.cpus)} CPUs busy, "
            "one each; more workers were no better"
        )
    return ""


def _throttled(blocks: Sequence[Block]) -> bool:
    return any(
        not isinstance(own.usage.throttled_s, Unknown)
        and own.usage.throttled_s > THROTTLED * own.usage.wall_s
        for own in blocks
    )


def _rest(choice: Choice, block: Block, cores: float, *, more_tried: bool) -> str:
    """The CPUs idle: too few slots, the load, or what the app waits for."""
    load, latency = block.load, block.answered.latency
    idle = f"{cores:.1f} CPUs busy"
    if load.rps is not None:
        return f"the load: {format_number(round(load.rps, 1))} requests per second ({idle})"
    if (many := slots(choice)) < load.concurrency:
        more = (
            "more of them were no better, so what the app waits for is likely at its limit"
            if more_tried
            else "there was no time to try more of them: a longer --budget would tell"
        )
        return f"slots: {many} requests at once of {load.concurrency} clients ({idle}); {more}"
    each = (
        f", {format_number(round(latency.p50_ms))} ms each" if isinstance(latency, Latency) else ""
    )
    return (
        f"waiting: all {load.concurrency} clients are served at once{each} ({idle}): more clients, "
        "or a faster database or service behind the app, would get more"
    )
