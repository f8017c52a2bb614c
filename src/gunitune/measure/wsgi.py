"""What a request of a WSGI app computes, waits for, and holds meanwhile."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from gunitune.measure.course import Step, clients_for
from gunitune.measure.cpus import cores_of, cpus_there
from gunitune.measure.estimate import estimate
from gunitune.measure.look import KEPT
from gunitune.measure.memory import memory, steps
from gunitune.measure.overlap import gil_share, overlap_share
from gunitune.model import Unknown
from gunitune.trial import AppFacts, Choice, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator

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
MOST_KEPT_TELLING = 0.8  # of the window
FULL = 0.9  # of the CPUs that were free: those, not the GIL, were the ceiling
_AT_MOST = "; all CPUs busy: at most"
CHILDREN = 0.1  # of the CPU time: so much is said


def learn_wsgi(course: Course) -> AppFacts:
    """The facts of a WSGI app; raises GunituneError where it can't be measured at all."""
    sync = Step(
        "sync", "one busy sync worker: computing and waiting", Choice("sync", 1), BUSY_CLIENTS
    )
    first = course.must(sync)
    ratio = waited_ms(first) / max(first.cpu_ms, 0.001)
    rounds = [sync, _threads(ratio), _greenlets(ratio)]
    course.once(rounds[1:])
    course.once(steps("sync", threads=True))
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


def _facts(course: Course) -> AppFacts:
    sync, gthread, gevent = (course.of(key) for key in ("sync", "gthread", "gevent"))
    wait = estimate(
        [waited_ms(look) for look in sync], "one busy sync worker, when it did not compute"
    )
    assert isinstance(wait, Estimate), "there is a first look"
    spent = {
        name: estimate([look.cpu_ms for look in course.of(name)], says)
        for name, says in (
            ("sync", "one busy sync worker"),
            ("gthread", "one gthread worker"),
            ("gevent", "one gevent worker"),
        )
    }
    plain = [*sync, *gthread, *gevent]
    # to the worker itself, what its children compute is waiting
    stands_ms = wait.value + fmean(look.children_ms for look in sync)
    share = _gil(course, gthread, stands_ms)
    return AppFacts(
        interface="wsgi",
        cpu_ms={name: one for name, one in spent.items() if isinstance(one, Estimate)},
        wait_ms=wait,
        gil_share=share,
        overlap=_overlap(course, gevent, stands_ms),
        boot_s=estimate([look.boot_s for look in plain], "start to the last worker"),
        generator_ms=generator_ms(course, plain),
        notes=(*course.remarks(), *_of_children(sync), *_of_bound(share)),
        **memory(course),
    )


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
    telling = [look for look in looks if _cores(look) > USES_TWO or _free(course, look) > FREE_CPUS]
    threads = looks[0].choice.threads
    found = estimate(
        [gil_share(_cores(look), look.worker_cpu_ms, wait_ms, threads) for look in telling],
        f"one gthread worker, {threads} threads: {fmean(map(_cores, looks)):.2f} CPUs busy",
        most=1.0,
        lost="other work left no second CPU free",
    )
    full = [look for look in telling if _cores(look) >= FULL * _free(course, look)]
    if isinstance(found, Estimate) and full:
        return replace(found, low=0.0, source=found.source + _AT_MOST)
    return found


def _cores(look: Look) -> float:
    return sum(look.usage.per_worker_cpu_s) / look.usage.wall_s


def _free(course: Course, look: Look) -> float:
    """CPUs that neither other work, nor the load generator, nor the workers' children took."""
    limits, wall_s = course.place.limits, look.usage.wall_s
    taken = 0.0 if isinstance(look.usage.other_cpu_s, Unknown) else look.usage.other_cpu_s
    # of CPUs that the quota leaves unused anyway, others take nothing from the server
    left = len(cores_of(limits)) - (taken + look.beside_s) / wall_s - look.steal
    own = look.children_ms / look.window_ms
    return min(cpus_there(limits), left) - own


def _overlap(course: Course, looks: list[Look], wait_ms: float) -> Estimate | Unknown:
    if not looks:
        return Unknown(course.lost("gevent"))
    return overlap(looks, wait_ms, "one gevent worker")


def overlap(looks: list[Look], wait_ms: float, says: str) -> Estimate | Unknown:
    """The share of the waiting that one worker overlapped for many clients."""
    if wait_ms < TELLING * fmean(look.worker_cpu_ms for look in looks):
        return Unknown("a request waits too little to tell")
    looks = [look for look in looks if look.kept < MOST_KEPT_TELLING]
    if not looks:
        return Unknown(f"{KEPT}: whether the waiting overlaps can't be told")
    clients = looks[0].clients
    return estimate(
        [overlap_share(look.answered.rps, look.engaged_ms, wait_ms, clients) for look in looks],
        f"{says}, {clients} clients: {fmean(look.answered.rps for look in looks):.0f} requests/s",
        most=1.0,
    )
