"""What limited the app under the winner, in plain words."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.predict.limits import milliseconds, most_in_turn
from gunitune.trial import THREADED, Estimate, Latency
from gunitune.units import format_number

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gunitune.trial import AppFacts, Block, Choice
    from gunitune.tune.gauge import Supply

FULL = 0.9  # of the CPUs in use is all of them
IDLE = 0.5  # of the busiest worker's CPU time is little
THROTTLED = 0.1  # of the time
OVERLAPPED = 0.5  # of the waiting, and the class does what it is taken for
AT_TURNS = 0.9  # of what requests that take turns can come to at most, and they are the limit
NO_MORE = "more workers will not help"
# What one block may tell, and of which kind that is.
GENERATOR, QUOTA, ALL, LEFT, BESIDE, OWN, HOARD, IDLING = range(8)
ARE_CPU = (QUOTA, ALL, LEFT, BESIDE, OWN)


def limited(
    choice: Choice,
    blocks: Sequence[Block],
    supply: Supply,
    tried: Collection[Choice] = (),
    facts: AppFacts | None = None,
) -> str:
    """One sentence, from what most of the counted blocks of a choice tell; "" where there is none.

    `tried` are the choices that were measured beside it.
    """
    if not blocks:
        return ""
    told = [(_told(block, supply), block) for block in blocks]
    most = _most([what for what, _ in told])
    telling = [block for what, block in told if what == most]
    if most == GENERATOR:
        limit = max(telling, key=lambda own: own.answered.ended).answered.limit
        return f"the load generator: {limit}; the app may do more than was measured"
    if most in ARE_CPU:
        return _cpu(most, choice, telling, supply)
    if most == HOARD:
        return _hoard(choice, telling)
    return _rest(choice, telling, facts, tried)


def slots(choice: Choice) -> float:
    """Requests that a choice serves at once: a thread each, or no end of them."""
    if choice.worker_class in ("sync", THREADED):
        return choice.workers * choice.threads
    return math.inf


def _most(told: Sequence[int]) -> int:
    """What most tell: first whether it is the CPU at all, then how."""
    kinds = Counter("cpu" if what in ARE_CPU else what for what in told)
    kind = kinds.most_common(1)[0][0]
    of_it = [what for what in told if ("cpu" if what in ARE_CPU else what) == kind]
    return Counter(of_it).most_common(1)[0][0]


def _told(block: Block, supply: Supply) -> int:  # noqa: PLR0911  (one for each that it may be)
    """What one block tells."""
    choice, cores = block.choice, block.usage.cores
    if block.answered.limit:
        return GENERATOR
    if _throttled(block):
        return QUOTA
    if cores >= FULL * supply.cpus:
        return ALL
    if cores >= FULL * supply.left(block):
        return LEFT
    if cores + supply.generating(block) >= FULL * supply.cores:
        return BESIDE
    if choice.workers < supply.cpus and cores >= FULL * choice.workers:
        return OWN
    return HOARD if _hoards(block) else IDLING


def _throttled(block: Block) -> bool:
    held_s = block.usage.throttled_s
    return not isinstance(held_s, Unknown) and held_s > THROTTLED * block.usage.wall_s


def _hoards(block: Block) -> bool:
    """Whether one worker keeps a CPU busy while another has little to do."""
    each = block.usage.per_worker_cpu_s
    return len(each) > 1 and each[0] >= FULL * block.usage.wall_s and each[-1] < IDLE * each[0]


def _cpu(what: int, choice: Choice, blocks: Sequence[Block], supply: Supply) -> str:
    cores = _mean([block.usage.cores for block in blocks])
    of = f"{cores:.1f} of {format_number(supply.cpus)} CPUs busy"
    if what == QUOTA:
        return f"CPU quota: {of}, and the quota held it back; {NO_MORE}"
    if what == LEFT:
        taken = _mean([supply.cores - supply.left(block) for block in blocks])
        return f"CPU: {of}, the rest was taken by others ({taken:.1f}); {NO_MORE}"
    if what == BESIDE:
        beside = _mean([supply.generating(block) for block in blocks])
        return f"CPU: {of}, and {beside:.1f} by the load generator; {NO_MORE}"
    if what == OWN:
        many = "worker keeps" if choice.workers == 1 else "workers keep"
        return f"CPU: {choice.workers} {many} {of}, one each; more workers were no better"
    return f"CPU: {of}; {NO_MORE}"


def _hoard(choice: Choice, blocks: Sequence[Block]) -> str:
    """Connections are not spread: each worker takes what it can get."""
    busiest, least = (
        _mean([block.usage.per_worker_cpu_s[at] / block.usage.wall_s for block in blocks])
        for at in (0, -1)
    )
    uncapped = choice.worker_class == THREADED and choice.worker_connections is None
    more = "; worker_connections equal to threads spreads them" if uncapped else ""
    return (
        f"one worker: it has taken most of the connections and keeps {busiest:.1f} CPUs busy, "
        f"while another keeps {least:.1f}{more}"
    )


def _rest(
    choice: Choice,
    blocks: Sequence[Block],
    facts: AppFacts | None,
    tried: Collection[Choice],
) -> str:
    """The CPUs idle: too few slots, the load, or what the app waits for."""
    block = max(blocks, key=lambda own: own.answered.ended)
    load = block.load
    idle = f"{_mean([own.usage.cores for own in blocks]):.1f} CPUs busy"
    if load.rps is not None:
        return f"the load: {format_number(round(load.rps, 1))} requests per second ({idle})"
    if turns := _turns(blocks, facts):
        return f"behind the app: {turns} ({idle}); no setting will help"
    if (many := slots(choice)) < load.concurrency:
        more = (
            "more of them were no better, so what the app waits for is likely at its limit"
            if any(slots(other) > many for other in tried)
            else "there was no time to try more of them: a longer --budget would tell"
        )
        return f"slots: {many} requests at once of {load.concurrency} clients ({idle}); {more}"
    if (share := _overlap(choice, facts)) < OVERLAPPED:
        return (
            f"waiting: {share:.0%} of it overlaps under {choice.worker_class}, so that a worker "
            f"serves few of the {load.concurrency} clients at once ({idle}): what the app waits "
            "with blocks the worker"
        )
    return _waiting(block, idle)


def _turns(blocks: Sequence[Block], facts: AppFacts | None) -> str:
    """That requests of all workers take turns outside the CPUs most of the time; "" if not."""
    if facts is None or not isinstance(facts.serial_ms, Estimate) or facts.serial_ms.value <= 0:
        return ""
    most, rate = 1000 / facts.serial_ms.value, _mean([block.rps for block in blocks])
    if rate < AT_TURNS * most:
        return ""
    return (
        f"for {milliseconds(facts.serial_ms.value)} of its waiting each request is alone, whichever"
        f" worker has it (a lock, a service at its limit): {rate:.0f} of"
        f" {most_in_turn(facts.serial_ms.value)}"
    )


def _waiting(block: Block, idle: str) -> str:
    latency = block.answered.latency
    each = (
        f", {format_number(round(latency.p50_ms))} ms each" if isinstance(latency, Latency) else ""
    )
    return (
        f"waiting: all {block.load.concurrency} clients are served at once{each} ({idle}): more "
        "clients, or a faster database or service behind the app, would get more"
    )


def _overlap(choice: Choice, facts: AppFacts | None) -> float:
    """Share of the waiting that overlaps in a worker, 1 where that was not measured."""
    if facts is None or slots(choice) < math.inf or not isinstance(facts.overlap, Estimate):
        return 1.0
    return facts.overlap.value


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
