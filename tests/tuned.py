"""A study as tuning would leave it, built by hand for what shows it: test support.

The figures are of an app that computes for 4 ms and waits for 40 ms, on two CPUs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.facts import SAMPLE_APP, SAMPLE_HOST
from gunitune.model import MIB, Goal, Unknown
from gunitune.trial import (
    Answered,
    AppFacts,
    Block,
    Choice,
    Estimate,
    Latency,
    Launch,
    Load,
    Prediction,
    Request,
    Usage,
)
from gunitune.tune.result import OpenRun, Ratio, Standing, Tuned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.tune.result import Role

GEVENT_2 = Choice("gevent", 2)
GEVENT_3 = Choice("gevent", 3)
GEVENT_5 = Choice("gevent", 5)
SYNC_5 = Choice("sync", 5)
CURRENT = Choice("gthread", 2, 16)
HOST = replace(SAMPLE_HOST, cpus_source="affinity of this process", origin="this machine")
LOAD = Load(requests=(Request(path="/", headers=(("Cookie", "session=abc"),)),))
LAUNCH = Launch(
    python=Path("/srv/shop/.venv/bin/python"),
    python_source=".venv of the project",
    spec="app:app",
    interface="wsgi",
    folder=Path("/srv/shop"),
    conf=Path("/srv/shop/gunicorn.conf.py"),
    environ={"SECRET_KEY": "correct horse battery staple"},
)
SERVICE_MS = 44.0


def standing(
    choice: Choice, rps: float, p99_ms: float, memory_mib: float, fate: str, **changes: Any
) -> Standing:
    """A choice with what was measured of it; the model expects 5 % more."""
    roles: tuple[Role, ...] = ("lattice",)
    made = Standing(
        choice=choice,
        roles=roles,
        blocks=4,
        rps=Estimate(rps, rps * 0.97, rps * 1.03, "paired with the reference of its round", 4),
        p50_ms=p99_ms * 0.6,
        p99_ms=p99_ms,
        memory_bytes=int(memory_mib * MIB),
        errors=0,
        cpu_ms=4.1,
        cores=min(2.0, rps * 0.0041),
        fate=fate,
        predicted=prediction(choice, rps * 1.05, memory_mib),
    )
    return replace(made, **changes)


def prediction(choice: Choice, rps: float, memory_mib: float = 100) -> Prediction:
    """What the model would expect."""
    return Prediction(
        choice=choice,
        cpus=2.0,
        rps=rps,
        mean_ms=64_000 / (rps or 1),
        p99_ms=200.0,
        in_flight=64.0,
        memory_bytes=int(memory_mib * MIB),
        cores=min(2.0, rps * 0.0041),
        limit="cpu",
        why="the CPUs are busy",
    )


STANDINGS = (
    standing(GEVENT_2, 412.4, 231.0, 96, "winner", roles=("lattice", "model")),
    standing(GEVENT_3, 409.0, 240.0, 128, "tie"),
    standing(GEVENT_5, 401.7, 262.0, 190, "beaten", roles=("recommended",), blocks=3),
    standing(CURRENT, 301.2, 310.0, 92, "beaten", roles=("current",)),
    standing(SYNC_5, 112.0, 802.0, 170, "beaten", roles=("2*cpu+1",)),
    standing(Choice("sync", 3), 67.0, 1210.0, 118, "dropped", blocks=1),
    standing(Choice("gthread", 2, 4), 160.0, 520.0, 90, "dropped", blocks=1),
    standing(Choice("sync", 1), 22.0, 3400.0, 54, "dropped", roles=("default",), blocks=1),
    standing(
        Choice("gthread", 5, 64), 390.0, 400.0, 185, "barred", blocks=2, errors=41,
        why="41 of 3120 requests failed: status 500",
    ),
)  # fmt: skip
RUNS = tuple(
    OpenRun(choice, share, share * 412, share * 411, p50, p50 * 2.0, p50 * 2.4, 0, 0.4)
    for choice, waits in ((GEVENT_2, (47, 52, 70)), (GEVENT_3, (47, 53, 74)))
    for share, p50 in zip((0.5, 0.7, 0.85), map(float, waits), strict=True)
)


def latency(p99_ms: float) -> Latency:
    """Latencies with this 99th percentile."""
    mean = p99_ms * 0.62
    return Latency(1000, mean, p99_ms * 0.6, p99_ms * 0.8, p99_ms * 0.9, p99_ms, p99_ms * 1.2,
                   p99_ms * 1.3, p99_ms * 0.95, p99_ms * 1.08)  # fmt: skip


def block(of: Standing = STANDINGS[0], number: int = 0, **changes: Any) -> Block:
    """The `number`-th run of a choice: four seconds long, a second after the one before."""
    began = 100.0 + 5 * number
    wobble = 1 + 0.04 * ((number * 7) % 5 - 2) / 2
    errors = {"status 500": of.errors} if of.errors else {}
    p99 = of.p99_ms if isinstance(of.p99_ms, float) else 100.0
    answered = Answered(
        "embedded", began, began + 4, int(4 * of.rps.value * wobble), errors, latency(p99),
        connections=64, generator_cpu_s=0.2,
    )  # fmt: skip
    made = Block(of.choice, LOAD, answered, usage(of), boot_s=0.4, round=1)
    return replace(made, **changes)


def usage(of: Standing) -> Usage:
    """What the processes took meanwhile."""
    return Usage(
        wall_s=4.0,
        cpu_s=4 * of.cores,
        cpu_source="cgroup cpuacct.usage",
        pss_bytes=of.memory_bytes,
        peak_bytes=of.memory_bytes,
        memory_source="/proc/PID/smaps_rollup",
        workers=of.choice.workers,
        restarts=0,
        voluntary_switches=1000,
        involuntary_switches=100,
        throttled_s=0.0,
        steal_s=Unknown("no steal counter"),
        other_cpu_s=0.1,
        pressure_cpu_s=0.2,
    )


def blocks(standings: tuple[Standing, ...] = STANDINGS) -> tuple[Block, ...]:
    """Every choice's runs in rounds, two open finals, and one that does not count."""
    made: list[Block] = []
    for turn in range(4):
        for one in standings:
            if one.blocks > turn:
                made.append(block(one, len(made), round=turn + 1))
    slow = replace(LOAD, rps=206.0)
    made += [block(one, len(made), phase="final", load=slow) for one in standings[:1]]
    made.append(block(standings[0], len(made), void=("steal took 12 % of the CPUs",)))
    return tuple(made)


def facts() -> AppFacts:
    """What measuring learned of the app."""
    spent = {name: Estimate(value, value * 0.95, value * 1.05, "one busy sync worker", 3)
             for name, value in (("sync", 4.0), ("gthread", 4.3), ("gevent", 4.2))}  # fmt: skip
    return AppFacts(
        interface="wsgi",
        cpu_ms=spent,
        wait_ms=Estimate(40.1, 38.0, 42.0, "one busy sync worker", 3),
        gil_share=Estimate(0.97, 0.93, 1.0, "one gthread worker of 4 threads", 2),
        overlap=Estimate(0.99, 0.95, 1.0, "one gevent worker", 2),
        boot_s=Estimate(0.4, 0.38, 0.45, "start to the last worker", 9),
        master_bytes=Estimate(22 * MIB, 21 * MIB, 23 * MIB, "smaps_rollup", 9),
        worker_bytes=Estimate(30 * MIB, 29 * MIB, 31 * MIB, "smaps_rollup", 9),
        shared_bytes=Unknown("not measured"),
        preload_worker_bytes=Unknown("not measured"),
        preload_shared_bytes=Unknown("not measured"),
        thread_bytes=Unknown("not measured"),
    )


DEFAULTS: Mapping[str, Any] = {
    "host": HOST,
    "app": replace(SAMPLE_APP, kind="io", kind_basis="measured"),
    "goal": Goal(),
    "launch": LAUNCH,
    "gunicorn": "27.0.1",
    "objective": "throughput",
    "max_p99_ms": None,
    "load": LOAD,
    "confined": "",
    "standings": STANDINGS,
    "winner": STANDINGS[0],
    "front": (GEVENT_2, CURRENT, Choice("gthread", 2, 4), Choice("sync", 1)),
    "finals": RUNS,
    "against": (
        Ratio("2*cpu+1", SYNC_5, 3.68, 3.52, 3.85, 4),
        Ratio("current", CURRENT, 1.37, 1.31, 1.42, 4),
    ),
    "limited": "CPU: 2 of 2 cores busy; more workers will not help",
    "next": ("gunitune emit --from-study .gunitune/tune/app.jsonl",),
    "notes": ("gevent 2: one block was repeated: steal took 12 % of the CPUs",),
    "blocks": blocks(),
    "facts": facts(),
    "model_error": 0.048,
    "budget_s": 180.0,
    "spent_s": 171.3,
    "study": ".gunitune/tune/app.jsonl",
}


def tuned(**changes: Any) -> Tuned:
    """The study with changes."""
    return Tuned(**{**DEFAULTS, **changes})
