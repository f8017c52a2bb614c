"""What a request of an ASGI app computes and waits for, and whether its event loop goes on."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from gunitune.measure.course import Step, clients_for
from gunitune.measure.estimate import estimate, times
from gunitune.measure.memory import memory, steps
from gunitune.measure.turns import CREW, LEAST_MS, crew_of, of_turns, turns
from gunitune.measure.wsgi import costs, generator_ms, overlap
from gunitune.model import Unknown
from gunitune.predict.demands import Demands
from gunitune.trial import AppFacts, Choice, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.measure.course import Course
    from gunitune.measure.look import Look

SCALED = "for one, as the class that was looked at so"
_GIL = Unknown("an event loop computes for one request at a time: threads never act on it")


def learn_asgi(course: Course, worker_class: str, *others: str) -> AppFacts:
    """The facts of an ASGI app under a class, and what a request costs under others.

    Raises GunituneError where it can't be measured at all.
    """
    short = worker_class.partition(".")[0]
    alone = Step("alone", f"one {short} worker, one client: waiting", Choice(worker_class, 1), 1)
    first = course.must(alone)
    clients = clients_for(waited_ms(first) / max(first.cpu_ms, 0.001), 8, 100)
    says = f"one {short} worker with {clients} clients: computing, and whether the waiting overlaps"
    busy = Step("busy", says, Choice(worker_class, 1), clients)
    workers = crew_of(course.place.limits)
    # what an app keeps of others (a pool of connections) may cost more the more it is asked at once
    most = min(workers * clients, max(clients, course.place.load.concurrency))
    crews = [
        _crew(CREW if name == worker_class else name, name, workers, most)
        for name in (worker_class, *(other for other in others if other != worker_class))
    ]
    course.once([busy, *crews])
    course.once(steps(worker_class, threads=False))
    course.rounds([alone, busy, *crews])
    return _facts(course, worker_class, others)


def _crew(key: str, worker_class: str, workers: int, clients: int) -> Step:
    short = worker_class.partition(".")[0]
    says = f"{workers} {short} workers with {clients} clients: what a request costs them"
    return Step(key, says, Choice(worker_class, workers), clients)


def waited_ms(look: Look) -> float:
    """Waiting per request of a single client: its latency less what was computed meanwhile."""
    latency = look.answered.latency
    mean = look.window_ms if isinstance(latency, Unknown) else latency.mean_ms
    return max(0.0, mean - look.engaged_ms)


def _facts(course: Course, worker_class: str, others: Sequence[str]) -> AppFacts:
    alone, busy, crew = (course.of(key) for key in ("alone", "busy", CREW))
    short = worker_class.partition(".")[0]
    wait = estimate(
        [waited_ms(look) for look in alone], f"one {short} worker, one client: latency less CPU"
    )
    assert isinstance(wait, Estimate), "there is a first look"
    lone = costs(**{worker_class: busy or alone})
    needs = partial(_needs, wait.value)
    turn, own_turn = turns(course, "busy", needs, needs)
    share: Estimate | Unknown = Unknown(course.lost("busy"))
    if busy:
        serial_ms = turn.value if isinstance(turn, Estimate) else 0.0
        share = overlap(busy, wait.value, f"one {short} worker", serial_ms)
    plain = [*alone, *busy]
    together = costs(**{worker_class: crew})
    if crew:
        beside = costs(**{name: course.of(name) for name in others if name != worker_class})
        less = lone[worker_class].value / max(together[worker_class].value, LEAST_MS)
        lone |= {name: times(found, less, SCALED) for name, found in beside.items()}
        together |= beside
    return AppFacts(
        interface="asgi",
        cpu_ms=lone | together,
        lone_cpu_ms=lone,
        wait_ms=wait,
        gil_share=_GIL,
        overlap=share,
        serial_ms=turn,
        worker_serial_ms=own_turn,
        boot_s=estimate([look.boot_s for look in plain], "start to the last worker"),
        generator_ms=generator_ms(course, plain),
        notes=(*course.remarks(), *of_turns(turn)),
        **memory(course),
    )


def _needs(wait_ms: float, look: Look) -> Demands:
    """What a request needed of event loops that overlap all waiting."""
    return Demands(
        workers=look.choice.workers,
        slots=math.inf,
        shared=False,
        held_cpu_ms=max(look.worker_cpu_ms, LEAST_MS),
        held_wait_ms=0.0,
        free_cpu_ms=0.0,
        wait_ms=wait_ms,
    )
