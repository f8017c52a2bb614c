"""What may be tried here: classes, workers and threads, and what the guards refuse."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError
from gunitune.facts import ASSUMED_THREAD_BYTES, MASTER_BYTES, worker_memory
from gunitune.model import Unknown
from gunitune.predict.memory import memory as measured
from gunitune.trial import THREADED, UVICORN, Estimate
from gunitune.units import release

if TYPE_CHECKING:
    from gunitune.model import App, Goal, Host, Installed, Interface
    from gunitune.trial import AppFacts, Choice, Load

SYNC, GEVENT, ASGI = "sync", "gevent", "asgi"
OLD_UVICORN = "uvicorn.workers.UvicornWorker"
NOT_LOOKED_AT = Unknown("not looked at")
THREADS = (2, 4, 8, 16, 32, 64, 128)
PIDS_SHARE = 0.8  # of pids.max, as the advice keeps to
PRELOADED = ("preload_app", True)
# Of a worker's own memory without preload: what it must be less than with it to be worth a trial.
LIGHTER = 0.8


@dataclass(frozen=True, slots=True)
class Memory:
    """What the guards reckon with, in bytes: the limit, the master, one worker, one thread.

    `sure` tells a measured worker from an assumed one, which refuses nobody a trial that has to be.
    """

    limit: int | Unknown
    master: int = MASTER_BYTES
    worker: int = 0
    thread: int = ASSUMED_THREAD_BYTES
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """Classes, CPUs, clients, and what bounds workers and threads.

    `usual` is the class that (2*CPU)+1 speaks of; where it is "", the first of the classes.
    `capped` allows worker_connections equal to threads: before Gunicorn 24 a low value hangs.
    Memory is reckoned with `facts` where they tell it.
    """

    classes: tuple[str, ...]
    cpus: float
    concurrency: int
    memory: Memory
    pids_max: int | Unknown = NOT_LOOKED_AT
    capped: bool = False
    usual: str = ""
    facts: AppFacts | None = field(default=None, repr=False)

    @property
    def plain(self) -> str:
        """The class of rules of thumb and of Gunicorn's default."""
        return self.usual or self.classes[0]

    @property
    def cores(self) -> int:
        """CPUs, as processes count them."""
        return max(1, math.ceil(round(self.cpus, 9)))

    @property
    def rule_of_thumb(self) -> int:
        """(2 * CPU) + 1."""
        return math.floor(round(2 * self.cpus, 9)) + 1

    @property
    def most_workers(self) -> int:
        """Beyond 8 * CPU + 1 a worker more only costs memory, beyond the clients it idles."""
        return max(1, min(8 * self.cores + 1, self.concurrency))

    def ladder(self) -> tuple[int, ...]:
        """Worker counts worth telling apart."""
        steps = {1, 2, 3, 4, 5, self.cores, self.cores + 1, self.rule_of_thumb, self.most_workers}
        count = 5.0
        while count < self.most_workers:
            steps.add(round(count))
            count *= 1.35
        return tuple(sorted(step for step in steps if step <= self.most_workers))

    def threads(self) -> tuple[int, ...]:
        """Thread counts worth telling apart; more than clients idle."""
        return tuple(count for count in THREADS if count <= max(2, self.concurrency))

    def refusal(self, choice: Choice, *, must: bool = False) -> str:
        """Why a choice is not to be started; "" where it may be. `must`: only if that is sure."""
        memory = self.memory
        need, sure = self._need(choice)
        if isinstance(memory.limit, int) and need > memory.limit and (sure or not must):
            return (
                f"not started: {choice.workers} workers need about {need >> 20} MiB of "
                f"{memory.limit >> 20} MiB"
            )
        tasks = choice.workers * (choice.threads + 1) + 2
        if isinstance(self.pids_max, int) and tasks > PIDS_SHARE * self.pids_max:
            return f"not started: {tasks} processes and threads of {self.pids_max} (pids.max)"
        return ""

    def able(self, choice: Choice) -> Choice | None:
        """The choice, or where its memory forbids that, the same preloaded; None where neither may.

        Preloading is put on trial only where a worker was measured to need much less by it.
        """
        if not self.refusal(choice):
            return choice
        twin = replace(choice, extra=tuple(sorted({PRELOADED, *choice.extra})))
        spared = self._preload_spares and not dict(choice.extra).get(PRELOADED[0])
        return twin if spared and not self.refusal(twin) else None

    @property
    def _preload_spares(self) -> bool:
        """Whether a preloaded worker was measured, and is much lighter."""
        if self.facts is None:
            return False
        plain, preloaded = self.facts.worker_bytes, self.facts.preload_worker_bytes
        known = isinstance(plain, Estimate) and isinstance(preloaded, Estimate)
        return known and preloaded.value < LIGHTER * plain.value  # type: ignore[union-attr]

    def _need(self, choice: Choice) -> tuple[int, bool]:
        """Bytes that a choice takes, and whether that is sure."""
        found = measured(self.facts, choice) if self.facts else Unknown("not measured")
        if isinstance(found, int):
            return found, True
        memory = self.memory
        need = memory.master + choice.workers * (memory.worker + choice.threads * memory.thread)
        return need, memory.sure and not dict(choice.extra).get(PRELOADED[0])


def space_of(  # noqa: PLR0913  (what bounds the choices)
    host: Host,
    app: App,
    goal: Goal,
    installed: Installed,
    load: Load,
    *,
    facts: AppFacts | None = None,
) -> Space:
    """The space for an app on a machine."""
    known = _release(installed.gunicorn)
    classes = classes_of(facts.interface if facts else app.interface, installed)
    asked = goal.worker_class
    return Space(
        classes=classes if isinstance(asked, Unknown) else (asked,),
        usual=classes[0],
        cpus=host.cpus,
        concurrency=load.concurrency,
        memory=_memory(host, app, goal, facts),
        pids_max=host.pids_max,
        capped=known is not None and known >= (24, 0, 0),
        facts=facts,
    )


def classes_of(interface: Interface | Unknown, installed: Installed) -> tuple[str, ...]:
    """The worker classes that can serve an app here, the usual one first."""
    if interface != "asgi":
        return _wsgi(installed)
    return _asgi(installed, _release(installed.gunicorn))


def _release(version: str | Unknown) -> tuple[int, ...] | None:
    try:
        return None if isinstance(version, Unknown) else release(version)
    except GunituneError:
        return None


def _wsgi(installed: Installed) -> tuple[str, ...]:
    return (SYNC, THREADED, GEVENT) if _has(installed, "gevent") else (SYNC, THREADED)


def _asgi(installed: Installed, known: tuple[int, ...] | None) -> tuple[str, ...]:
    own = (ASGI,) if known is None or known >= (24, 0, 0) else ()
    if _has(installed, "uvicorn-worker"):
        return (*own, UVICORN)
    return own or (OLD_UVICORN,)


def _has(installed: Installed, package: str) -> bool:
    """Whether a package is there; where that can't be told, a trial will."""
    return isinstance(installed.packages, Unknown) or package in installed.packages


def _memory(host: Host, app: App, goal: Goal, facts: AppFacts | None) -> Memory:
    limit = host.memory_bytes
    share = int(limit * goal.memory_share) if isinstance(limit, int) else limit
    assumed = worker_memory(app)
    if facts is None or isinstance(facts.worker_bytes, Unknown):
        return Memory(share, worker=int(assumed.value), sure=assumed.basis != "assumed")
    return Memory(
        limit=share,
        master=_bytes(facts.master_bytes, MASTER_BYTES) + _bytes(facts.shared_bytes, 0),
        worker=int(facts.worker_bytes.value),
        thread=_bytes(facts.thread_bytes, ASSUMED_THREAD_BYTES),
        sure=True,
    )


def _bytes(found: Estimate | Unknown, otherwise: int) -> int:
    return int(found.value) if isinstance(found, Estimate) else otherwise
