"""Apps that exist as formulas alone, with the noise of a shared machine: a bench for the search.

A simulation by nature: the best choice must be known to tell whether a search finds it, and some
thousand searches must be over in seconds. The noise is as measured on a shared guest of two cores:
the host's speed (5 % between rounds, 10 % between blocks of 2 s), 0.7 % in the CPUs in use.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.facts import SAMPLE_APP, SAMPLE_HOST
from gunitune.model import GIB, MIB, Goal, Installed, Unknown
from gunitune.serve.failure import ServeError
from gunitune.trial import (
    THREADED,
    Answered,
    Block,
    Choice,
    Latency,
    Launch,
    Load,
    Prediction,
    Usage,
)
from gunitune.tune.space import Memory, Space
from gunitune.tune.wanted import Wanted

if TYPE_CHECKING:
    from gunitune.tune.bench import Predict

NOT_SIMULATED = Unknown("not simulated")
MASTER_BYTES = 30 * MIB
COST = {"sync": 1.0, THREADED: 1.06, "gevent": 0.96, "asgi": 1.0}


@dataclass(frozen=True, slots=True)
class Surface:
    """An app and its machine: CPU time and waiting per request, and what may surprise a model.

    `pool` bounds the requests that wait at once (a database's connections), `blocks` makes gevent
    wait like sync, `gil` is the share of the CPU time under the GIL, `hoards` lets one gthread
    worker take all kept-alive connections of some starts, `fails` names the classes that do not
    start, `errors` the share of requests that fail by class.
    """

    cpu_ms: float = 4.0
    wait_ms: float = 40.0
    cpus: float = 2.0
    gil: float = 1.0
    pool: int | None = None
    blocks: bool = False
    hoards: bool = False
    worker_bytes: int = 40 * MIB
    fails: frozenset[str] = frozenset()
    errors: Mapping[str, float] = field(default_factory=dict)

    def cost_ms(self, choice: Choice) -> float:
        """CPU time per request: classes and idle workers cost some."""
        spare = max(0.0, choice.workers - self.cpus)
        size = 1 + 0.004 * spare + 0.01 * math.log2(choice.threads)
        closing = 1.03 if choice.worker_connections else 1.0
        return self.cpu_ms * COST[choice.worker_class] * size * closing

    def rps(self, choice: Choice, clients: int, speed: float = 1.0) -> float:
        """Throughput in a closed loop: exact mean value analysis of one CPU station and a delay.

        The station of m CPUs after Seidmann et al. (1987): one CPU m times as fast, and a delay.
        """
        cost = self.cost_ms(choice) / speed
        threads = choice.threads if choice.worker_class == THREADED else 1
        reach = min(self.cpus, choice.workers * (self.gil + (1 - self.gil) * threads))
        inside = min(clients, self.slots(choice, clients), self.pool or clients)
        if inside <= reach:  # nobody queues
            return 1000 * inside / (self.wait_ms + cost)
        demand, delay = cost / reach, self.wait_ms + cost * max(0.0, 1 - 1 / reach)
        queue = found = 0.0
        for count in range(1, inside + 1):
            stay = demand * (1 + queue)
            found = count / (stay + delay)
            queue = found * stay
        return 1000 * found

    def slots(self, choice: Choice, clients: int) -> int:
        """Requests that are served at once."""
        if choice.worker_class in ("gevent", "asgi"):
            return choice.workers if self.blocks else clients
        return choice.workers * choice.threads

    def expected(self, choice: Choice, clients: int) -> float:
        """What a start of the choice gives on average, at the usual speed."""
        whole = self.rps(choice, clients)
        if not self.bimodal(choice):
            return whole
        return 0.6 * whole + 0.4 * self.rps(replace(choice, workers=1), clients)

    def bimodal(self, choice: Choice) -> bool:
        """Whether one worker may take all connections."""
        uncapped = choice.worker_connections is None and choice.workers > 1
        return self.hoards and uncapped and choice.worker_class == THREADED


@dataclass(slots=True)
class Simulated:
    """A bench that works blocks out; time passes as blocks would take it.

    The same choice, phase and round give the same block again, in whatever order: `seed` decides.
    `block_s` None lets a block take as long as a real one.
    """

    surface: Surface
    seed: int = 0
    speed_sd: float = 0.10
    turn_sd: float = 0.05
    block_s: float | None = None
    latency: bool = True
    memory: bool = True
    other: Mapping[tuple[str, int], float] = field(default_factory=dict)  # CPUs, by phase and round
    void: Mapping[Choice, str] = field(default_factory=dict)
    clock: float = 0.0
    ran: list[tuple[str, int, Choice]] = field(default_factory=list)

    def now(self) -> float:
        """The time that passed for the blocks so far."""
        return self.clock

    def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
        """Work one block out."""
        self.ran.append((phase, round, choice))
        if choice.worker_class in self.surface.fails:
            self.clock += 1.0
            raise ServeError(f"class {choice.worker_class} not found", "install it")
        taken = 1 + 0.1 * choice.workers + load.warmup_s + load.duration_s + 0.5
        self.clock += taken if self.block_s is None else self.block_s
        draw = random.Random(f"{self.seed}/{choice}/{phase}/{round}")
        turn = random.Random(f"{self.seed}/{phase}/{round}").gauss(0, self.turn_sd)
        speed = math.exp(turn + draw.gauss(0, self.speed_sd))
        return self._block(choice, load, phase, round, draw, speed)

    def _block(
        self,
        choice: Choice,
        load: Load,
        phase: str,
        turn: int,
        draw: random.Random,
        speed: float,
    ) -> Block:
        surface, clients = self.surface, load.concurrency
        alone = surface.bimodal(choice) and draw.random() < 0.4
        running = replace(choice, workers=1) if alone else choice
        other = self.other.get((phase, turn), 0.0)
        free = replace(surface, cpus=max(0.2, surface.cpus - other))
        most = free.rps(running, clients, speed) * math.exp(draw.gauss(0, 0.007))
        rps = most if load.rps is None else min(load.rps, most)
        asked = max(1, round(rps * load.duration_s))
        failed = round(asked * surface.errors.get(choice.worker_class, 0.0))
        errors = {"status 500": failed} if failed else {}
        cpu_s = asked * surface.cost_ms(choice) / speed / 1000
        answered = Answered(
            generator="simulated",
            started=0.0,
            ended=load.duration_s,
            served=asked - failed,
            errors=errors,
            latency=self._latency(choice, load, rps, most, asked),
            connections=clients,
            generator_cpu_s=0.0,
        )
        return Block(
            choice=choice,
            load=load,
            answered=answered,
            usage=self._usage(choice, load, cpu_s, other * load.duration_s),
            boot_s=1.0,
            void=(self.void[choice],) if choice in self.void else (),
            round=turn,
            phase=phase,
        )

    def _latency(
        self, choice: Choice, load: Load, rps: float, most: float, count: int
    ) -> Latency | Unknown:
        if not self.latency:
            return Unknown("wrk does not tell it")
        mean = 1000 * load.concurrency / rps
        if load.rps is not None:
            service = self.surface.cpu_ms + self.surface.wait_ms
            mean = service / max(0.02, 1 - rps / most)
        crowded = choice.worker_class == "gevent" and self.surface.cpu_ms > self.surface.wait_ms
        tail = mean * (6 if crowded else 1.5)
        return Latency(count, mean, mean, tail, tail, tail, tail, tail, tail, tail)

    def _usage(self, choice: Choice, load: Load, cpu_s: float, other_s: float) -> Usage:
        each = self.surface.worker_bytes + choice.threads * MIB // 32
        pss = MASTER_BYTES + choice.workers * each
        return Usage(
            wall_s=load.duration_s,
            cpu_s=cpu_s,
            cpu_source="simulated",
            pss_bytes=pss if self.memory else NOT_SIMULATED,
            peak_bytes=pss if self.memory else NOT_SIMULATED,
            memory_source="simulated",
            workers=choice.workers,
            restarts=0,
            voluntary_switches=NOT_SIMULATED,
            involuntary_switches=NOT_SIMULATED,
            throttled_s=NOT_SIMULATED,
            steal_s=0.0,
            other_cpu_s=other_s,
            pressure_cpu_s=NOT_SIMULATED,
        )


# What a model would expect that has c and w a little wrong and knows of no surprise.
def model(surface: Surface, clients: int, seed: int = 0) -> Predict:
    """A prediction for any choice, from c and w with 20 % error each."""
    draw = random.Random(seed)
    plain = Surface(
        cpu_ms=surface.cpu_ms * math.exp(draw.gauss(0, 0.2)),
        wait_ms=surface.wait_ms * math.exp(draw.gauss(0, 0.2)),
        cpus=surface.cpus,
    )

    def predict(choice: Choice) -> Prediction:
        rps = plain.rps(choice, clients)
        return Prediction(
            choice=choice,
            cpus=plain.cpus,
            rps=rps,
            mean_ms=1000 * clients / rps,
            p99_ms=NOT_SIMULATED,
            in_flight=float(clients),
            memory_bytes=NOT_SIMULATED,
            cores=rps * plain.cost_ms(choice) / 1000,
            limit="cpu",
            why="simulated",
        )

    return predict


SURFACES: Mapping[str, Surface] = {
    "cpu": Surface(cpu_ms=5, wait_ms=0.2),
    "io": Surface(),
    "mixed": Surface(cpu_ms=10, wait_ms=10),
    "io, database pool of 12": Surface(pool=12),
    "io, gevent blocks": Surface(blocks=True),
    "cpu, C code without the GIL": Surface(cpu_ms=8, wait_ms=2, gil=0.1),
    "cpu, gthread hoards": Surface(cpu_ms=5, wait_ms=5, hoards=True, fails=frozenset({"gevent"})),
}


def wanted(
    surface: Surface | None = None,
    *,
    budget_s: float = 180.0,
    concurrency: int = 32,
    classes: tuple[str, ...] = ("sync", THREADED, "gevent"),
    **changes: Any,
) -> Wanted:
    """A request to tune an app on its simulated machine."""
    surface = surface or Surface()
    space = Space(
        classes=classes,
        cpus=surface.cpus,
        concurrency=concurrency,
        memory=Memory(4 * GIB, worker=surface.worker_bytes),
        capped=True,
    )
    made = Wanted(
        host=replace(SAMPLE_HOST, cpus=surface.cpus),
        app=SAMPLE_APP,
        goal=Goal(),
        launch=Launch(Path("python"), "a test", "app:app", "wsgi", Path(), None, {}),
        installed=Installed("3.12.0", "a test", "27.0.1", "a test"),
        load=Load(concurrency=concurrency),
        space=space,
        budget_s=budget_s,
        cores=surface.cpus,
        predict=model(surface, concurrency),
    )
    return replace(made, **changes)
