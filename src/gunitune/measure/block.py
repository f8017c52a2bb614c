"""One block: Gunicorn started anew with one choice, loaded once, metered and stopped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gunitune.load.run import generate
from gunitune.meters.idle import await_idle
from gunitune.meters.meter import Meter
from gunitune.model import Unknown
from gunitune.serve.server import serve
from gunitune.trial import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.trial import Answered, Choice, Launch, Limits, Load, Usage

# A larger share of the machine's CPU time taken by the hypervisor, and the block says nothing.
MOST_STEAL = 0.15
# To stop by itself before it is killed: nobody waits for an answer any more.
GRACE_S = 0.5


def run_block(  # noqa: PLR0913  (what a block is made of)
    launch: Launch,
    choice: Choice,
    load: Load,
    limits: Limits,
    *,
    generator_cores: frozenset[int] = frozenset(),
    generator: str = "embedded",
    phase: str = "search",
    round: int = 0,  # noqa: A002  (the field's word)
) -> Block:
    """Start, wait until the tree is idle, load, meter, stop; raises ServeError and its kin."""
    first = load.requests[0]
    with serve(launch, choice, limits, first=first, expect=load.expect, grace_s=GRACE_S) as server:
        busy = await_idle(server)
        meter = Meter(server)
        answered = generate(
            load,
            server.host,
            server.port,
            cores=generator_cores,
            on_start=meter.start,
            on_end=meter.stop,
            generator=generator,
        )
        usage = meter.usage(answered.generator_cpu_s)
    return Block(
        choice=choice,
        load=load,
        answered=answered,
        usage=usage,
        boot_s=server.boot_s,
        confined=server.confined,
        void=tuple(_void(choice, answered, usage)),
        notes=(busy,) if busy else (),
        round=round,
        phase=phase,
    )


def _void(choice: Choice, answered: Answered, usage: Usage) -> Iterator[str]:
    """Why the block must be repeated rather than averaged."""
    if answered.limit:
        yield answered.limit
    if answered.dropped:
        yield f"the load generator could not send {answered.dropped} requests"
    if usage.restarts:
        yield f"{usage.restarts} of {choice.workers} workers died"
    machine_s = usage.wall_s * (os.cpu_count() or 1)
    if not isinstance(usage.steal_s, Unknown) and usage.steal_s > MOST_STEAL * machine_s:
        share = usage.steal_s / machine_s
        yield f"the hypervisor gave {share:.0%} of the CPU time to others"
