"""One block: Gunicorn started anew with one choice, loaded once, metered and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.measure.cpus import MOST_STEAL, cores_of, steal_share
from gunitune.measure.loaded import Loaded, Loading
from gunitune.meters.oom import oom_kills
from gunitune.serve.failure import ServeError
from gunitune.serve.log import raised
from gunitune.serve.server import BOOT_TIMEOUT_S, serve
from gunitune.trial import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.trial import Answered, Choice, Launch, Limits, Load, Usage

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
    boot_timeout_s: float = BOOT_TIMEOUT_S,
) -> Block:
    """Start, wait until the tree is idle, load, meter, stop.

    ServeError where the server does not start, or ends under the load; AnswerError where it does
    not answer as expected; UsageError where the generator can't do such a load.
    """
    first = load.requests[0]
    with serve(
        launch,
        choice,
        limits,
        first=first,
        expect=load.expect,
        boot_timeout_s=boot_timeout_s,
        grace_s=GRACE_S,
    ) as server:
        loading = Loading(server, launch, choice, limits, generator_cores, generator)
        loaded = _run(loading, load)
        exception = raised(server.lines()) if loaded.answered.failed else ""
    return Block(
        choice=choice,
        load=load,
        answered=loaded.answered,
        usage=loaded.usage,
        boot_s=server.boot_s,
        confined=server.confined,
        void=tuple(_void(choice, loaded.answered, loaded.usage, len(cores_of(limits)))),
        notes=(loaded.remark,) if loaded.remark else (),
        round=round,
        phase=phase,
        raised=exception,
    )


def _run(loading: Loading, load: Load) -> Loaded:
    """What came of the load; ServeError where it took more memory than there is."""
    before = oom_kills(loading.server.cgroups)
    try:
        loaded, ended = loading.run(load), None
    except ServeError as error:
        loaded, ended = None, error
    if kills := oom_kills(loading.server.cgroups) - before:
        what = "a process" if kills == 1 else f"{kills} processes"
        raise ServeError(
            f"{loading.choice}: out of memory: the kernel killed {what} of it under load",
            "give it more with --memory, or try fewer workers",
        ) from ended
    if loaded is None:
        assert ended is not None
        raise ended
    return loaded


def _void(choice: Choice, answered: Answered, usage: Usage, cpus: int) -> Iterator[str]:
    """Why the block must be repeated rather than averaged."""
    if answered.limit:
        yield answered.limit
    if answered.dropped:
        yield f"the load generator could not send {answered.dropped} requests"
    if usage.restarts:
        yield f"{usage.restarts} of {choice.workers} workers died"
    if (share := steal_share(usage, cpus)) > MOST_STEAL:
        yield f"the hypervisor gave {share:.0%} of the CPU time to others"
