"""What a master, a worker, what they share, and a thread take."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from gunitune.measure.course import BRIEF_S, Step
from gunitune.measure.estimate import estimate, spread
from gunitune.meters.memory import Memory
from gunitune.model import Unknown
from gunitune.trial import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.measure.course import Course
    from gunitune.measure.look import Look
    from gunitune.trial import Estimate

WORKERS = 2
FEW, MANY = 4, 32
_OWN = "own pages of two workers after load"
_LEFT = "PSS of the tree less own pages"
_MASTER = "own pages"
_THREAD = f"a gthread worker with {MANY} threads less one with {FEW}"

Found = dict[str, Any]


def steps(worker_class: str, *, threads: bool, seconds: float | None = BRIEF_S) -> list[Step]:
    """The looks at memory: brief ones, for a second of load fills what requests fill.

    Of two workers: what one alone maps from files is its own. The first, without preload, may last
    `seconds`.
    """
    preloaded = (("preload_app", True),)
    found = [
        Step("plain", "two workers: memory", Choice(worker_class, WORKERS), 4, seconds),
        Step(
            "preload",
            "two workers of a preloaded app: memory",
            Choice(worker_class, WORKERS, extra=preloaded),
            4,
            BRIEF_S,
        ),
    ]
    if threads:
        for key, number in (("few", FEW), ("many", MANY)):
            says = f"one gthread worker with {number} threads: memory"
            found.append(Step(key, says, Choice("gthread", 1, number), number + 4, BRIEF_S))
    return found


def memory(course: Course) -> Found:
    """The memory facts (Estimate or Unknown) by their field of AppFacts, from the looks."""
    plain, preload = course.of("plain"), course.of("preload")
    masters = [look.master.private_bytes for look in plain if isinstance(look.master, Memory)]
    lost = course.lost("plain")
    master = estimate(masters, _MASTER, lost=lost)
    return {
        "master_bytes": master,
        "worker_bytes": spread(_own(plain), _OWN, lost),
        "shared_bytes": spread(_left(plain, None), _LEFT, lost),
        "preload_worker_bytes": spread(_own(preload), _OWN, course.lost("preload")),
        "preload_shared_bytes": spread(_left(preload, master), _LEFT, course.lost("preload")),
        "thread_bytes": _thread(course),
    }


def _own(looks: Sequence[Look]) -> list[float]:
    return [float(worker.private_bytes) for look in looks for worker in look.workers]


def _left(looks: Sequence[Look], master: Estimate | Unknown | None) -> list[float]:
    """What is neither the workers' own nor the master's, in bytes.

    The master's own is `master` where that is given: preloaded or not, the sum is then the tree.
    """
    found = []
    for look in looks:
        if isinstance(look.master, Unknown) or not look.workers:
            continue
        whole = look.master.pss_bytes + sum(worker.pss_bytes for worker in look.workers)
        own = sum(worker.private_bytes for worker in look.workers)
        base = look.master.private_bytes
        if master is not None and not isinstance(master, Unknown):
            base = int(master.value)
        found.append(float(max(0, whole - own - base)))
    return found


def _thread(course: Course) -> Estimate | Unknown:
    few, many = _own(course.of("few")), _own(course.of("many"))
    if not few or not many:
        return Unknown(course.lost("many" if few else "few"))
    each = (fmean(many) - fmean(few)) / (MANY - FEW)
    return estimate([max(0.0, each)], _THREAD)
