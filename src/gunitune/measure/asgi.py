"""What a request of an ASGI app computes and waits for, and whether its event loop goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.measure.course import Step, clients_for
from gunitune.measure.estimate import estimate
from gunitune.measure.memory import memory, steps
from gunitune.measure.wsgi import generator_ms, overlap
from gunitune.model import Unknown
from gunitune.trial import AppFacts, Choice, Estimate

if TYPE_CHECKING:
    from gunitune.measure.course import Course
    from gunitune.measure.look import Look

_GIL = Unknown("an event loop computes for one request at a time: threads never act on it")


def learn_asgi(course: Course, worker_class: str) -> AppFacts:
    """The facts of an ASGI app under a class; raises GunituneError where it can't be measured."""
    short = worker_class.partition(".")[0]
    alone = Step("alone", f"one {short} worker, one client: waiting", Choice(worker_class, 1), 1)
    first = course.must(alone)
    clients = clients_for(waited_ms(first) / max(first.cpu_ms, 0.001), 8, 100)
    says = f"one {short} worker with {clients} clients: computing, and whether the waiting overlaps"
    busy = Step("busy", says, Choice(worker_class, 1), clients)
    course.once([busy])
    course.once(steps(worker_class, threads=False))
    course.rounds([alone, busy])
    return _facts(course, worker_class)


def waited_ms(look: Look) -> float:
    """Waiting per request of a single client: its latency less what was computed meanwhile."""
    latency = look.answered.latency
    mean = look.window_ms if isinstance(latency, Unknown) else latency.mean_ms
    return max(0.0, mean - look.engaged_ms)


def _facts(course: Course, worker_class: str) -> AppFacts:
    alone, busy = course.of("alone"), course.of("busy")
    short = worker_class.partition(".")[0]
    wait = estimate(
        [waited_ms(look) for look in alone], f"one {short} worker, one client: latency less CPU"
    )
    spent = estimate([look.cpu_ms for look in busy or alone], f"one busy {short} worker")
    assert isinstance(wait, Estimate), "there is a first look"
    assert isinstance(spent, Estimate), "there is a first look"
    share: Estimate | Unknown = Unknown(course.lost("busy"))
    if busy:
        share = overlap(busy, wait.value, f"one {short} worker")
    plain = [*alone, *busy]
    return AppFacts(
        interface="asgi",
        cpu_ms={worker_class: spent},
        wait_ms=wait,
        gil_share=_GIL,
        overlap=share,
        boot_s=estimate([look.boot_s for look in plain], "start to the last worker"),
        generator_ms=generator_ms(course, plain),
        notes=course.remarks(),
        **memory(course),
    )
