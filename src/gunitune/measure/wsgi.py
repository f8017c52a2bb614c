"""What a request of a WSGI app computes, waits for, and holds meanwhile."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from gunitune.measure.course import BRIEF_S, Step, clients_for
from gunitune.measure.cpus import cores_free, cores_used, cpus_there
from gunitune.measure.estimate import estimate, times
from gunitune.measure.look import KEPT
from gunitune.measure.memory import WORKERS, memory, steps
from gunitune.measure.overlap import gil_share, overlap_share
from gunitune.measure.turns import CREW, LEAST_MS, MOST_KEPT_TELLING, crew_of, of_turns, turns
from gunitune.model import Unknown
from gunitune.predict.demands import Demands
from gunitune.trial import AppFacts, Choice, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunitune.measure.course import Course
    from gunitune.measure.look import Look

# With three clients one always waits in the listen queue: the worker is never without a request.
BUSY_CLIENTS = 3
FEWEST_THREADS, MOST_THREADS = 4, 64
# Less waiting than this share of the computing is within what blocks differ by.
TELLING = 0.25
# Of a second CPU so much must have been free, or a process that used one could not use two.
FREE_CPUS = 1.5
USES_TWO = 1.15
FULL = 0.9  # of the CPUs that were free: those, not the GIL, were the ceiling
_AT_MOST = "; all CPUs busy: at most"
CROWD = "crowd"  # the step that looks at sync workers for all CPUs, where these are many
CHILDREN = 0.1  # of the CPU time: so much is said


def learn_wsgi(course: Course) -> AppFacts:
    """The facts of a WSGI app; raises GunituneError where it can't be measured at all."""
    sync = Step(
        "sync", "one busy sync worker: computing and waiting", Choice("sync", 1), BUSY_CLIENTS
    )
    first = course.must(sync)
    ratio = waited_ms(first) / max(first.cpu_ms, 0.001)
    crew = crew_of(course.place.limits)
    both = crew == WORKERS  # the look at memory is one at all CPUs too
    plain, *rest = steps("sync", threads=True, seconds=None if both else BRIEF_S)
    crowd = plain if both else _crowd(crew)
    rounds = [sync, _threads(ratio), _greenlets(ratio), _crew(crew, ratio), crowd]
    course.once([*rounds[1:], *rest] if both else [*rounds[1:], plain, *rest])
    course.rounds(rounds)
    return _facts(course)


def waited_ms(look: Look) -> float:
    """Waiting per request of a worker that is never without one: the rest of the window.

    With u the CPU share of the worker w/c = (1 - u) / u; that is the window per request less what
    was computed in it, by the worker or by a process it started and waits for, and less the time
    that the worker was ready but had no CPU.
    """
    return max(0.0, look.window_ms - look.engaged_ms - look.children_ms)


def _threads(ratio: float) -> Step:
    number = clients_for(ratio, FEWEST_THREADS, MOST_THREADS)
    says = f"one gthread worker with {number} threads: how much holds the GIL"
    return Step("gthread", says, Choice("gthread", 1, number), number + 2)


def _greenlets(ratio: float) -> Step:
    clients = clients_for(ratio, 8, 100)
    says = f"one gevent worker with {clients} clients: whether the waiting overlaps"
    return Step("gevent", says, Choice("gevent", 1), clients)


def _crew(workers: int, ratio: float) -> Step:
    """Workers for all CPUs, with a thread for each client, however the clients are spread."""
    clients = workers * clients_for(ratio, FEWEST_THREADS, MOST_THREADS)
    says = f"{workers} gthread workers with {clients} clients: what a request costs them"
    return Step(CREW, says, Choice("gthread", workers, clients), clients)


def _crowd(workers: int) -> Step:
    says = f"{workers} sync workers: what a request costs them"
    return Step(CROWD, says, Choice("sync", workers), workers + 2)


def _facts(course: Course) -> AppFacts:
    sync, gthread, gevent = (course.of(key) for key in ("sync", "gthread", "gevent"))
    wait = estimate(
        [waited_ms(look) for look in sync], "one busy sync worker, when it did not compute"
    )
    assert isinstance(wait, Estimate), "there is a first look"
    lone = costs(sync=sync, gthread=gthread, gevent=gevent)
    plain = [*sync, *gthread, *gevent]
    # to the worker itself, what its children compute is waiting
    stands_ms = wait.value + fmean(look.children_ms for look in sync)
    share = _gil(course, gthread, stands_ms)
    held = share.value if isinstance(share, Estimate) else 1.0
    turn, own_turn = turns(
        course, "gthread", partial(_needs, stands_ms, 1.0), partial(_needs, stands_ms, held)
    )
    return AppFacts(
        interface="wsgi",
        cpu_ms=lone | _together(course, lone),
        lone_cpu_ms=lone,
        wait_ms=wait,
        gil_share=share,
        overlap=_overlap(course, gevent, stands_ms, turn),
        serial_ms=turn,
        worker_serial_ms=own_turn,
        boot_s=estimate([look.boot_s for look in plain], "start to the last worker"),
        generator_ms=generator_ms(course, plain),
        notes=(*course.remarks(), *_of_children(sync), *_of_bound(share), *of_turns(turn)),
        **memory(course),
    )


def costs(**looks: list[Look]) -> dict[str, Estimate]:
    """CPU time per request by class, of those that were looked at."""
    found = {}
    for name, own in looks.items():
        workers = own[0].choice.workers if own else 0
        short = name.partition(".")[0]
        says = f"one busy {short} worker" if workers == 1 else f"{workers} busy {short} workers"
        spent = estimate([look.cpu_ms for look in own], says)
        if isinstance(spent, Estimate):
            found[name] = spent
    return found


def _together(course: Course, lone: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The same with all CPUs in use; what greenlets cost then is taken to grow as sync does."""
    crew = [look for look in course.of(CREW) if look.kept < MOST_KEPT_TELLING]
    several = crew_of(course.place.limits) == WORKERS
    found = costs(sync=course.of("plain" if several else CROWD), gthread=crew)
    if "sync" in found and "gevent" in lone:
        more = max(1.0, found["sync"].value / max(lone["sync"].value, 0.001))
        found["gevent"] = times(lone["gevent"], more, "for all CPUs busy, as sync")
    return found


def _of_children(looks: list[Look]) -> Iterator[str]:
    """That the workers start processes, where these compute a good part."""
    started = fmean(look.children_ms for look in looks)
    share = started / max(started + fmean(look.worker_cpu_ms for look in looks), 0.001)
    if share > CHILDREN:
        yield (
            f"{share:.0%} of the CPU time is of processes that the workers start: it counts as"
            " computing, and holds no GIL of a worker's"
        )


def _of_bound(share: Estimate | Unknown) -> Iterator[str]:
    if isinstance(share, Estimate) and share.source.endswith(_AT_MOST):
        yield (
            f"the share of the CPU time under the GIL is at most {share.value:.0%}: the threads"
            " kept all CPUs busy, so that these and not the GIL may have been the limit"
        )


def generator_ms(course: Course, looks: list[Look]) -> float:
    """CPU time of the load generator per request, where it shares the server's CPUs."""
    if course.place.generator_cores:
        return 0.0
    return fmean(1000 * look.answered.generator_cpu_s / look.served for look in looks)


def _gil(course: Course, looks: list[Look], wait_ms: float) -> Estimate | Unknown:
    if not looks:
        return Unknown(course.lost("gthread"))
    there = cpus_there(course.place.limits)
    if there < 2:
        return Unknown("it takes two CPUs to tell whether threads compute at the same time")
    telling = [
        look
        for look in looks
        if cores_used(look) > USES_TWO or cores_free(course.place.limits, look) > FREE_CPUS
    ]
    threads = looks[0].choice.threads
    found = estimate(
        [gil_share(cores_used(look), look.worker_cpu_ms, wait_ms, threads) for look in telling],
        f"one gthread worker, {threads} threads: {fmean(map(cores_used, looks)):.2f} CPUs busy",
        most=1.0,
        lost="other work left no second CPU free",
    )
    full = [
        look for look in telling if cores_used(look) >= FULL * cores_free(course.place.limits, look)
    ]
    if isinstance(found, Estimate) and full:
        return replace(found, low=0.0, source=found.source + _AT_MOST)
    return found


def _needs(wait_ms: float, held: float, look: Look) -> Demands:
    """What a request needed of threads, where `held` is the share of the CPU time under the GIL."""
    cost_ms = max(look.worker_cpu_ms, LEAST_MS)
    return Demands(
        workers=look.choice.workers,
        slots=look.choice.threads,
        shared=False,
        held_cpu_ms=held * cost_ms,
        held_wait_ms=0.0,
        free_cpu_ms=(1 - held) * cost_ms,
        wait_ms=wait_ms,
    )


def _overlap(
    course: Course, looks: list[Look], wait_ms: float, turns: Estimate | Unknown
) -> Estimate | Unknown:
    if not looks:
        return Unknown(course.lost("gevent"))
    serial_ms = turns.value if isinstance(turns, Estimate) else 0.0
    return overlap(looks, wait_ms, "one gevent worker", serial_ms)


def overlap(
    looks: list[Look], wait_ms: float, says: str, serial_ms: float = 0.0
) -> Estimate | Unknown:
    """The share of the waiting that one worker overlapped for many clients."""
    if wait_ms < TELLING * fmean(look.worker_cpu_ms for look in looks):
        return Unknown("a request waits too little to tell")
    looks = [look for look in looks if look.kept < MOST_KEPT_TELLING]
    if not looks:
        return Unknown(f"{KEPT}: whether the waiting overlaps can't be told")
    clients = looks[0].clients
    return estimate(
        [
            overlap_share(
                look.answered.rps, max(look.engaged_ms, LEAST_MS), wait_ms, clients, serial_ms
            )
            for look in looks
        ],
        f"{says}, {clients} clients: {fmean(look.answered.rps for look in looks):.0f} requests/s",
        most=1.0,
    )
