"""What one request needs of a choice's processes: slots, the process itself, the CPUs, time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from gunitune.errors import GunituneError
from gunitune.model import Unknown
from gunitune.predict import hoarding
from gunitune.trial import GREENLETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.model import Interface
    from gunitune.trial import AppFacts, Choice, Estimate

Family = Literal["sync", "threads", "greenlets", "loop"]

# What Gunicorn takes where worker_connections is not set.
DEFAULT_CONNECTIONS = 1000
# Alias, or module of Gunicorn's package -> how its workers take requests.
_FAMILIES: Mapping[str, Family] = {
    "sync": "sync",
    "gthread": "threads",
    **dict.fromkeys(GREENLETS, "greenlets"),
    **dict.fromkeys(("ggevent", "geventlet", "gevent_wsgi", "gevent_pywsgi"), "greenlets"),
    **dict.fromkeys(("asgi", "gasgi", "tornado", "gtornado"), "loop"),
}
_UVICORN = ("uvicorn_worker.", "uvicorn.workers.")
_NEAREST: Mapping[Family, tuple[Family, ...]] = {
    "sync": ("sync", "threads", "greenlets", "loop"),
    "threads": ("threads", "sync", "greenlets", "loop"),
    "greenlets": ("greenlets", "sync", "threads", "loop"),
    "loop": ("loop", "sync", "threads", "greenlets"),
}


class PredictError(GunituneError):
    """Facts or a choice that nothing can be predicted from."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What a request needs, in milliseconds, and how many requests a worker takes at once.

    `held_cpu_ms` and `held_wait_ms` hold the whole process (its GIL, its event loop), one request
    at a time; `free_cpu_ms` needs a CPU beside that; `wait_ms` needs nothing but time. `shared`:
    one queue for all workers (a worker takes a request only when it has a slot), else each worker
    has its own. `serial_ms` is the part of the waiting in which all workers' requests take turns.
    `hoards`: what a worker weighs, per CPU, where they accept by chance (hoarding.py); 0: evenly.
    `assumed` says what was taken for want of a measurement.
    """

    workers: int
    slots: float  # per worker; infinity where nothing bounds them
    shared: bool
    held_cpu_ms: float
    held_wait_ms: float
    free_cpu_ms: float
    wait_ms: float
    assumed: tuple[str, ...] = ()
    serial_ms: float = 0.0
    hoards: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """CPU time of a request."""
        return self.held_cpu_ms + self.free_cpu_ms

    @property
    def alone_ms(self) -> float:
        """How long a request takes that has the server to itself."""
        return self.cpu_ms + self.held_wait_ms + self.wait_ms

    @property
    def held_ms(self) -> float:
        """How long a request holds its process."""
        return self.held_cpu_ms + self.held_wait_ms

    def variation(self, stretch: float) -> float:
        """Squared coefficient of variation of the time that a request holds its process.

        CPU time, `stretch` times as long as alone, is taken as exponential, waiting as constant.
        """
        return (self.held_cpu_ms * stretch / (self.held_cpu_ms * stretch + self.held_wait_ms)) ** 2

    def in_turn(self, rate: float, inside: float) -> Demands:
        """The same with the queueing for the turn as further waiting, at a throughput.

        An arrival finds what the others leave there on average (Bard 1979, Schweitzer 1979), half
        of a turn of which is over, since turns are as constant as all waiting (Pollaczek,
        Khinchine). It holds the process as far as the turn itself does.
        """
        if self.serial_ms == 0:
            return self
        held = min(1.0, self.held_wait_ms / self.serial_ms)
        if held == 1.0:  # a process that is held for its turn sends nobody else there
            inside = min(inside, self.workers)
        others = 1 - 1 / inside if inside > 1 else 0.0
        busy = min(rate * self.serial_ms * others, 1 - 1e-9)
        queued = self.serial_ms * busy / (1 - busy) / 2
        return replace(
            self,
            held_wait_ms=self.held_wait_ms + held * queued,
            wait_ms=self.wait_ms + (1 - held) * queued,
        )

    @property
    def room(self) -> float:
        """Requests that all workers take at once."""
        return self.workers * self.slots


def family(worker_class: str) -> Family:
    """How a class takes requests: by Gunicorn's alias, or a dotted path's module.

    Raises PredictError for a class of the project's own.
    """
    name = worker_class.removeprefix("egg:gunicorn#")
    if name.startswith("gunicorn.workers."):
        name = name.split(".")[2]
    if name.startswith(_UVICORN):
        return "loop"
    if name not in _FAMILIES:
        raise PredictError(
            f"how {worker_class} takes requests is not known",
            "predictions are for Gunicorn's own worker classes and uvicorn_worker's",
        )
    return _FAMILIES[name]


def forbidden(choice: Choice, interface: Interface) -> str:
    """Why the class can't serve the app; empty where it can."""
    kind = family(choice.worker_class)
    tornado = "tornado" in choice.worker_class
    if interface == "asgi" and (kind != "loop" or tornado):
        return f"{choice.worker_class} serves WSGI apps, and this one is ASGI"
    if interface == "wsgi" and kind == "loop" and not tornado:
        return f"{choice.worker_class} serves ASGI apps, and this one is WSGI"
    return ""


def demands(facts: AppFacts, choice: Choice, cpus: float = 1.0) -> Demands:
    """What a request needs under a choice; raises PredictError where the facts lack it.

    One worker costs what one was measured to, and so do several that have CPUs to spare.
    """
    kind = family(choice.worker_class)
    alone = choice.workers == 1 or choice.workers < cpus
    lone = alone and choice.worker_class in facts.lone_cpu_ms
    costs = facts.lone_cpu_ms if lone else facts.cpu_ms
    cpu_ms, assumed = _cpu_ms(costs, choice.worker_class, kind)
    wait_ms = max(0.0, _known(facts.wait_ms, "the waiting per request"))
    found = _of_family(facts, choice, kind, (cpu_ms, wait_ms), assumed)
    serial_ms = min(wait_ms, _seen(facts.serial_ms))
    return replace(found, serial_ms=serial_ms)


def _of_family(
    facts: AppFacts, choice: Choice, kind: Family, times_ms: tuple[float, float], assumed: list[str]
) -> Demands:
    cpu_ms, wait_ms = times_ms
    if kind == "threads":
        return _threads(facts, choice, cpu_ms, wait_ms, assumed)
    if kind == "sync" or facts.interface == "wsgi" != _served(kind):
        # tornado runs a WSGI app one request at a time, but holds what it has accepted
        return Demands(choice.workers, 1, kind == "sync", 0.0, 0.0, cpu_ms, wait_ms, tuple(assumed))
    overlap, said = _share(facts.overlap, "the share of waiting that overlaps")
    return Demands(
        workers=choice.workers,
        slots=_connections(choice) if kind == "greenlets" else math.inf,
        shared=False,
        held_cpu_ms=cpu_ms,
        held_wait_ms=(1 - overlap) * wait_ms,
        free_cpu_ms=0.0,
        wait_ms=overlap * wait_ms,
        hoards=hoarding.LOOPS if kind == "loop" else 0.0,
        assumed=(*assumed, *said),
    )


def _threads(
    facts: AppFacts, choice: Choice, cpu_ms: float, wait_ms: float, assumed: list[str]
) -> Demands:
    gil, said = _share(facts.gil_share, "the share of CPU time under the GIL")
    slots = max(1, min(choice.threads, _connections(choice)))
    turn_ms = min(wait_ms, _seen(facts.worker_serial_ms))
    shared = _connections(choice) <= slots
    return Demands(
        workers=choice.workers,
        slots=slots,
        shared=shared,
        hoards=0.0 if shared else hoarding.THREADS,
        held_cpu_ms=gil * cpu_ms,
        held_wait_ms=turn_ms,
        free_cpu_ms=(1 - gil) * cpu_ms,
        wait_ms=wait_ms - turn_ms,
        assumed=(*assumed, *said),
    )


def _connections(choice: Choice) -> int:
    return choice.worker_connections or DEFAULT_CONNECTIONS


def _served(kind: Family) -> Interface:
    return "asgi" if kind == "loop" else "wsgi"


def _cpu_ms(costs: Mapping[str, Estimate], name: str, kind: Family) -> tuple[float, list[str]]:
    """CPU time per request of the class, else of the nearest one measured."""
    if name in costs:
        return _positive(costs[name]), []
    known = {_family_or_none(other): other for other in sorted(costs, reverse=True)}
    for near in _NEAREST[kind]:
        if near in known:
            other = known[near]
            said = f"CPU time per request as measured under {other}"
            return _positive(costs[other]), [said]
    raise PredictError("no CPU time per request was measured", "run gunitune measure first")


def _family_or_none(name: str) -> Family | None:
    try:
        return family(name)
    except PredictError:
        return None


def _positive(estimate: Estimate) -> float:
    # what the clock could not see is no more than its tick
    return max(estimate.value, 0.001)


def _known(estimate: Estimate | Unknown, what: str) -> float:
    if isinstance(estimate, Unknown):
        raise PredictError(
            f"{what} is unknown: {estimate.reason}", "run gunitune measure where it can be measured"
        )
    return estimate.value


def _seen(estimate: Estimate | Unknown) -> float:
    """What was seen of it; nothing where nobody looked."""
    return 0.0 if isinstance(estimate, Unknown) else estimate.value


def _share(estimate: Estimate | Unknown, what: str) -> tuple[float, tuple[str, ...]]:
    if isinstance(estimate, Unknown):
        return 1.0, (f"{what} taken as all: {estimate.reason}",)
    # no measurement knows a tenth of a percent of it
    return min(1.0, max(0.0, round(estimate.value, 3))), ()
