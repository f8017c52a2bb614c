"""What one start of the app under a known load shows, from inside."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError
from gunitune.mask import mask
from gunitune.measure.cpus import MOST_STEAL, beside_s, cores_of, steal_share
from gunitune.measure.loaded import Loading
from gunitune.meters.cpu import process_cpu_s
from gunitune.meters.memory import Memory, memory_of
from gunitune.model import Unknown
from gunitune.serve.server import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.serve.server import Server
    from gunitune.trial import Answered, Choice, Launch, Limits, Load, Usage

# Of requests that were not served as expected, so many are more than an accident.
MOST_FAILED = 0.01
MOST_KEPT = 0.3  # of the window
STOLEN = "the hypervisor gave the CPUs to other guests"
KEPT = "other work kept the workers from their CPUs"


class SlowError(GunituneError):
    """Not a single request was answered within the window."""


@dataclass(frozen=True, slots=True)
class Look:
    """One start of one choice, loaded once.

    `queued_s` is how long the workers' main threads were ready in the window but had no CPU
    (schedstat's second field); `master` and `workers` are memory at the end of the window.
    `cpus` is how many CPUs were metered, `beside_s` what the generator took of their time, and
    `master_cpu_s` what the master did itself.
    """

    choice: Choice
    clients: int
    answered: Answered
    usage: Usage
    boot_s: float
    confined: str
    gunicorn: str
    queued_s: float
    master: Memory | Unknown
    workers: tuple[Memory, ...]
    note: str = ""
    cpus: int = 1
    beside_s: float = 0.0
    master_cpu_s: float = 0.0

    @property
    def served(self) -> int:
        """Requests served in the window."""
        return self.answered.served

    @property
    def cpu_ms(self) -> float:
        """CPU time of the whole tree per request."""
        return 1000 * self.usage.cpu_s / self.served

    @property
    def worker_cpu_ms(self) -> float:
        """CPU time of the workers alone per request."""
        return 1000 * sum(self.usage.per_worker_cpu_s) / self.served

    @property
    def children_ms(self) -> float:
        """CPU time per request of the processes that the workers start: the tree's rest."""
        rest_s = self.usage.cpu_s - self.master_cpu_s - sum(self.usage.per_worker_cpu_s)
        return max(0.0, 1000 * rest_s / self.served)

    @property
    def queued_ms(self) -> float:
        """Time per request that a ready worker waited for a CPU."""
        return 1000 * self.queued_s / self.served

    @property
    def steal(self) -> float:
        """CPUs that the hypervisor gave to others, on average; 0 where that can't be told."""
        usage = self.usage
        return 0.0 if isinstance(usage.steal_s, Unknown) else usage.steal_s / usage.wall_s

    @property
    def stolen_ms(self) -> float:
        """Time per request that a worker stood still because its CPU was given to another guest.

        The workers' share of it is taken as their share of all work: a CPU can only be stolen from
        what wants to run. Linux leaves stolen time out of what a process used. More than was
        computed is not believed: the count comes in ticks and is the machine's.
        """
        usage = self.usage
        other_s = 0.0 if isinstance(usage.other_cpu_s, Unknown) else usage.other_cpu_s
        own_s = sum(usage.per_worker_cpu_s)
        all_s = max(usage.cpu_s, own_s) + other_s + self.beside_s
        stolen_s = self.steal * usage.wall_s * (own_s / all_s if all_s > 0 else 0.0)
        return min(1000 * stolen_s / self.served, self.worker_cpu_ms)

    @property
    def engaged_ms(self) -> float:
        """Time per request that the workers computed, or were ready to and kept from it."""
        return self.worker_cpu_ms + self.queued_ms + self.stolen_ms

    @property
    def kept(self) -> float:
        """Share of the window that a worker was ready in but had no CPU, on average."""
        return (self.queued_ms + self.stolen_ms) / (self.window_ms * self.choice.workers)

    @property
    def window_ms(self) -> float:
        """Time per request: the inverse of the rate."""
        return 1000 * self.answered.window_s / self.served

    @property
    def void(self) -> tuple[str, ...]:
        """Why it says little of the app; empty where nothing spoils it."""
        found = [self.answered.limit] if self.answered.limit else []
        if self.usage.restarts:
            found.append(f"{self.usage.restarts} workers died")
        if steal_share(self.usage, self.cpus) > MOST_STEAL:
            found.append(STOLEN)
        # where there are more workers than CPUs they keep one another
        if self.kept > MOST_KEPT and self.choice.workers <= self.cpus:
            found.append(KEPT)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how the app is looked at: the launch, what it may use, and who loads it."""

    launch: Launch
    load: Load
    limits: Limits
    generator_cores: frozenset[int] = frozenset()
    generator: str = "embedded"

    def look(self, choice: Choice, concurrency: int, duration_s: float) -> Look:
        """Start the choice, load it in a closed loop of `concurrency`, and look at it.

        Raises GunituneError where it does not start or does not answer as expected.
        """
        load = replace(
            self.load,
            concurrency=concurrency,
            rps=None,
            warmup_s=min(0.5, duration_s / 2),
            duration_s=duration_s,
        )
        first = load.requests[0]
        with serve(self.launch, choice, self.limits, first=first, expect=load.expect) as server:
            inside = _Inside(server)
            loading = Loading(
                server, self.launch, choice, self.limits, self.generator_cores, self.generator
            )
            loaded = loading.run(load, inside.start, inside.stop)
            _check(loaded.answered, server)
        return Look(
            choice=choice,
            clients=concurrency,
            answered=loaded.answered,
            usage=loaded.usage,
            boot_s=server.boot_s,
            confined=server.confined,
            gunicorn=server.gunicorn,
            queued_s=inside.queued_s,
            master=inside.master,
            workers=inside.workers,
            note=loaded.remark,
            cpus=len(cores_of(self.limits)),
            beside_s=beside_s(loaded.answered, self.limits, self.generator_cores),
            master_cpu_s=inside.master_cpu_s,
        )


@dataclass(slots=True)
class _Inside:
    """What is read of the processes themselves at both ends of the window."""

    server: Server
    queued_s: float = 0.0
    master_cpu_s: float = 0.0
    master: Memory | Unknown = field(default_factory=lambda: Unknown("not looked at"))
    workers: tuple[Memory, ...] = ()

    def start(self) -> None:
        self.queued_s = _queued_s(self.server.workers())
        self.master_cpu_s = self._master_s()

    def stop(self) -> None:
        pids = self.server.workers()
        self.queued_s = max(0.0, _queued_s(pids) - self.queued_s)
        self.master_cpu_s = max(0.0, self._master_s() - self.master_cpu_s)
        self.master = memory_of(self.server.master_pid)
        found = [memory_of(pid) for pid in pids]
        self.workers = tuple(each for each in found if isinstance(each, Memory))

    def _master_s(self) -> float:
        with suppress(OSError):
            return process_cpu_s(self.server.master_pid)
        return 0.0


def _queued_s(pids: Sequence[int]) -> float:
    """Seconds that the main threads were ready and waited for a CPU (sched-stats.rst)."""
    total = 0
    for pid in pids:
        with suppress(OSError, IndexError, ValueError):
            total += int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1])
    return total / 1e9


def _check(answered: Answered, server: Server) -> None:
    """An app that fails under load can't be measured; raises GunituneError."""
    if not answered.served and not answered.failed:
        raise SlowError(
            f"no request was answered in {answered.window_s:.1f} s", "give more time: --budget"
        )
    if answered.served and answered.failed <= MOST_FAILED * (answered.served + answered.failed):
        return
    kinds = ", ".join(f"{count} x {kind}" for kind, count in answered.errors.items())
    log = "\n".join(f"  {line}" for line in mask(server.log(5)).splitlines())
    message = f"the app does not hold a light load: {answered.served} served, {kinds or 'no error'}"
    hint = f"its log ends with\n{log}" if log else "it wrote no log"
    raise GunituneError(message, hint)
