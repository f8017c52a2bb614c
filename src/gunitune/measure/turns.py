"""What one worker and workers for all CPUs show of requests that take turns outside the CPUs."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from gunitune.measure.cpus import cores_free, cores_used, cpus_there
from gunitune.measure.estimate import estimate
from gunitune.measure.serial import Served, own_turns, serial_ms
from gunitune.model import Unknown
from gunitune.predict.limits import milliseconds, most_in_turn
from gunitune.trial import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gunitune.measure.course import Course
    from gunitune.measure.look import Look
    from gunitune.predict.demands import Demands
    from gunitune.trial import Limits

    Needs = Callable[[Look], Demands]

CREW = "crew"  # the step that looks at workers for all CPUs together
MOST_CREW = 4  # of them
MOST_KEPT_TELLING = 0.8  # of the window
LEAST_MS = 0.001  # what the clock could not see is no more than that
FULL = 0.9  # of a CPU: a worker with most of the connections was the limit
EVEN = 0.5  # of the busiest worker's CPU time: one with less had few of the connections


def crew_of(limits: Limits) -> int:
    """Workers for all CPUs, but two at least, and not too many for a look."""
    return min(MOST_CREW, max(2, math.ceil(cpus_there(limits) - 1e-9)))


def turns(
    course: Course, one: str, alone: Needs, together: Needs
) -> tuple[Estimate | Unknown, Estimate | Unknown]:
    """Waiting in turn with the requests of all workers, and with those of one worker.

    `one` is the step of a single worker; `alone` and `together` say what a request needed there.
    """
    single = course.of(one)
    crew = [look for look in course.of(CREW) if _telling(look)]
    if not crew or not single:
        limit = Unknown("the CPUs, other work, or one worker with most connections were the limit")
        lost = Unknown(course.lost(CREW if single else one))
        return (limit, limit) if course.of(CREW) and single else (lost, lost)
    says = f"{_named(crew[0])}, {crew[0].clients} clients"
    nothing = Estimate(0.0, 0.0, 0.0, f"{says}: none seen", len(crew))
    few = [_served(course, look, alone(look)) for look in single if _telling(look)]
    rates = [fmean(look.answered.rps for look in looks) for looks in (single, crew)]
    if few and own_turns(*rates):  # one worker with CPU to spare, and several serve more
        own = estimate(serial_ms(few), f"{_named(single[0])}, {single[0].clients} clients")
        return nothing, own
    if not few and not any(map(_computing, single)):
        lost = Unknown("other work kept the one worker from its CPU")
        return lost, lost
    many = [_served(course, look, together(look)) for look in crew]
    return estimate(serial_ms(many), says), nothing


def of_turns(turn: Estimate | Unknown) -> Iterator[str]:
    """That no setting helps beyond what requests in turn allow, where they were seen to."""
    if isinstance(turn, Estimate) and turn.value > 0:
        yield (
            f"whatever is added, {most_in_turn(turn.value)} are the most:"
            f" for {milliseconds(turn.value)} of its waiting each request is alone, whichever"
            " worker has it (a database's lock, a service at its limit)"
        )


def _named(look: Look) -> str:
    workers, name = look.choice.workers, look.choice.worker_class.partition(".")[0]
    return f"one {name} worker" if workers == 1 else f"{workers} {name} workers"


def _computing(look: Look) -> bool:
    """Whether its CPU was what a worker had no more of."""
    return max(look.usage.per_worker_cpu_s, default=0.0) >= FULL * look.usage.wall_s


def _telling(look: Look) -> bool:
    """Whether neither other work nor a worker with most of the connections was the limit."""
    each = look.usage.per_worker_cpu_s
    if len(each) < look.choice.workers or min(each) < EVEN * max(each):
        return False
    return look.kept < MOST_KEPT_TELLING and not _computing(look)


def _served(course: Course, look: Look, needs: Demands) -> Served:
    shared_ms = 1000 * look.beside_s / look.served
    beside = shared_ms / look.window_ms
    busy = cores_used(look) + beside
    free = cores_free(course.place.limits, look) + beside
    return Served(look.answered.rps, needs, look.clients, busy, free, shared_ms)
