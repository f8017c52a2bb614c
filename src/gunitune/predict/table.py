"""What to expect of the settings worth considering, on a machine and under a load."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gunitune.model import Goal, Unknown
from gunitune.predict.demands import family, forbidden
from gunitune.predict.model import predict
from gunitune.trial import LOOPS, THREADED, Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.model import Host
    from gunitune.trial import AppFacts, Load, Prediction

# Threads beyond this cost more in switching than the model knows of.
MOST_THREADS = 128
# Slots for each that is busy on average: with that many more, a process or a CPU seldom waits.
ROOM = 1.5


@dataclass(frozen=True, slots=True)
class Measured:
    """Facts of an app, where they come from, and what they were measured on.

    `concurrency` is the most requests in flight of any measurement, `source` a phrase such as
    "measured on 2026-11-22 by gunitune measure".
    """

    facts: AppFacts
    source: str
    cpus: float
    concurrency: int | None = None
    app: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One choice's prediction, and what the choice is known as ("(2*CPU)+1", "default")."""

    prediction: Prediction
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Predicted:
    """The table: the machine, the measurement it rests on, the load, rows with the best first."""

    host: Host
    measured: Measured
    load: Load
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = field(default=())


def predict_table(
    measured: Measured,
    host: Host,
    load: Load,
    named: Mapping[str, Choice] | None = None,
    *,
    memory_share: float = Goal().memory_share,
) -> Predicted:
    """Predict the candidates, and the choices of `named` (name to choice: "current").

    What takes more than `memory_share` of the host's memory can't run, as for what is recommended.
    The load generator is taken to run elsewhere. Raises PredictError as `predict` does.
    """
    facts = measured.facts
    known = candidates(facts, host.cpus, load)
    for name, choice in (named or {}).items():
        known[choice] = (*known.get(choice, ()), name)
    beyond = extrapolated(measured, host.cpus, load)
    limit = host.memory_bytes
    memory = None if isinstance(limit, Unknown) else int(limit * memory_share)
    rows = []
    for choice, names in known.items():
        found = predict(
            facts,
            choice,
            host.cpus,
            concurrency=None if load.open else load.concurrency,
            rps=load.rps,
            keep_alive=load.keep_alive,
            memory_bytes=memory,
        )
        rows.append(Row(replace(found, extrapolated=bool(beyond)), names))
    return Predicted(
        host=host,
        measured=measured,
        load=load,
        rows=tuple(sorted(rows, key=_merit_of_latency if load.open else _merit)),
        notes=(*beyond, *_notes(facts, known), *_room(rows, memory_share)),
        next=("gunitune tune APP: what is best when run, and by how much",),
    )


def extrapolated(measured: Measured, cpus: float, load: Load) -> tuple[str, ...]:
    """What of the machine and the load goes beyond the measurement; empty where nothing does."""
    found = []
    if cpus != measured.cpus:
        found.append(f"extrapolated: measured with {measured.cpus:g} CPUs, asked for {cpus:g}")
    most = measured.concurrency
    if most is not None and not load.open and load.concurrency > most:
        found.append(f"extrapolated: measured with {most} clients, asked for {load.concurrency}")
    return tuple(found)


def candidates(facts: AppFacts, cpus: float, load: Load) -> dict[Choice, tuple[str, ...]]:
    """The settings worth considering, with the names they go by; each class needs a measurement.

    The counts follow from the waiting per CPU time of a request (Goetz and others: Java Concurrency
    in Practice, 8.2): that many and one more keep a process, or a CPU, busy.
    """
    cores = max(1, math.ceil(round(cpus, 9)))
    rule = math.floor(round(2 * cpus, 9)) + 1
    wanted = _per_core(facts)
    if not load.open:
        wanted = min(wanted, math.ceil(load.concurrency / cores))
    found: dict[Choice, tuple[str, ...]] = {}
    if facts.interface == "wsgi":
        found[Choice("sync", 1)] = ("Gunicorn's default",)
        _add(found, Choice("sync", cores))
        _add(found, Choice("sync", rule), "(2*CPU)+1")
        _add(found, Choice("sync", max(1, cores * wanted)))
        for threads in sorted({2, 4, 8, 16, min(MOST_THREADS, max(2, wanted))}):
            _add(found, Choice(THREADED, cores, threads))
    for name in sorted(facts.cpu_ms):
        if family(name) in {"greenlets", "loop"} and not forbidden(
            Choice(name, 1), facts.interface
        ):
            _add(found, Choice(name, 1))
            _add(found, Choice(name, cores))
            _add(found, Choice(name, rule), "(2*CPU)+1")
    if not found:
        _add(found, Choice(LOOPS[0], cores))
    return found


def _add(found: dict[Choice, tuple[str, ...]], choice: Choice, *names: str) -> None:
    found[choice] = (*found.get(choice, ()), *names)


def _per_core(facts: AppFacts) -> int:
    """Requests in flight that keep a core busy."""
    if isinstance(facts.wait_ms, Unknown) or not facts.cpu_ms:
        return 1
    spent = min(estimate.value for estimate in facts.cpu_ms.values())
    return math.ceil(ROOM * (1 + max(0.0, facts.wait_ms.value) / max(spent, 0.001)))


def _merit(row: Row) -> tuple[bool, int, float, float]:
    """What can run first, most throughput first, to a percent.

    Of equals the least memory; under arrivals, which many choices keep up with, the least p99.
    """
    found = row.prediction
    steps = round(math.log(max(found.rps, 1e-9)) / 0.01)
    size = found.choice.workers * 1e6 + found.choice.threads
    taken = size if isinstance(found.memory_bytes, Unknown) else float(found.memory_bytes)
    return not found.feasible, -steps, 0.0, taken


def _merit_of_latency(row: Row) -> tuple[bool, int, float, float]:
    late = row.prediction.p99_ms
    feasible, steps, _, taken = _merit(row)
    return feasible, steps, math.inf if isinstance(late, Unknown) else late, taken


def _room(rows: list[Row], memory_share: float) -> list[str]:
    """What the limit of those is that need too much memory."""
    if not any(row.prediction.limit == "memory" for row in rows):
        return []
    share = f"{memory_share:.0%}".replace("%", " %")
    return [f"memory: {share} of the machine's is to be used (--memory-share), as recommend does"]


def _notes(facts: AppFacts, known: Mapping[Choice, tuple[str, ...]]) -> list[str]:
    notes = [
        "p99 is a rough figure: CPU times are taken as exponential, and requests as served in turn"
    ]
    if any(family(choice.worker_class) != "sync" for choice in known):
        notes.append(
            "only sync spreads clients evenly over its workers: of the other classes one start"
            " serves less than another, and what is told is the average"
        )
    if facts.interface == "wsgi" and not any(name.startswith("gevent") for name in facts.cpu_ms):
        notes.append("gevent is not in the table: it was not measured with this app")
    return notes
