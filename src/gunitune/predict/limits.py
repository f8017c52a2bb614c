"""What binds: the station with the least bound on throughput, said in a sentence.

Asymptotic bounds (Denning, Buzen: The Operational Analysis of Queueing Network Models, ACM
Computing Surveys 10, 1978): no station serves more than its servers over its demand, no number of
requests in flight more than it over the time that a request takes alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.predict.demands import family
from gunitune.units import format_number

if TYPE_CHECKING:
    from gunitune.predict.demands import Demands
    from gunitune.trial import Choice


_MORE = {
    "sync": "workers, threads or greenlets",
    "threads": "threads or workers",
    "greenlets": "worker_connections or workers",
    "loop": "workers",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A choice with what a request needs under it, on some CPUs that may feed the load as well."""

    choice: Choice
    demands: Demands
    cpus: float
    generator_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Limit:
    """The station that binds, by its name in `Prediction.limit`, and a sentence about it."""

    station: str
    why: str


def binding(case: Case, clients: float, rate: float) -> Limit:
    """What binds `clients` requests that are served at `rate` per millisecond."""
    needs = case.demands
    bounds = {
        "cpu": case.cpus / (needs.cpu_ms + case.generator_ms),
        "gil": min(needs.workers, clients) / needs.held_ms if needs.held_ms else math.inf,
        "serial": 1 / needs.serial_ms if needs.serial_ms else math.inf,
        "slots": needs.room / needs.alone_ms if clients > needs.room else math.inf,
        "wait": clients / needs.alone_ms if clients <= needs.room else math.inf,
    }
    station = min(bounds, key=lambda name: bounds[name])
    if station == "cpu":
        return Limit(station, _cpu(case, rate))
    if station == "gil":
        return _process(case)
    if station == "serial":
        return Limit(station, _turns(needs.serial_ms))
    if station == "slots":
        return Limit(station, _slots(case))
    return Limit(station, _load(case, clients))


def _cpu(case: Case, rate: float) -> str:
    own = rate * case.generator_ms
    load = f", {cores(own)} by the load generator" if own >= 0.1 else ""
    busy = cores(rate * case.demands.cpu_ms)
    return f"CPU: {busy} of {cores(case.cpus)} cores busy{load}; more workers will not help"


def _process(case: Case) -> Limit:
    needs, choice = case.demands, case.choice
    if needs.held_wait_ms > needs.held_cpu_ms and family(choice.worker_class) == "threads":
        return Limit(
            "gil",
            f"workers: for {milliseconds(needs.held_wait_ms)} of its waiting each request is alone"
            " in its worker (a lock, a pool of one); more workers would help",
        )
    if needs.held_wait_ms > needs.held_cpu_ms:
        return Limit(
            "class",
            f"class: {milliseconds(needs.held_wait_ms)} of each request's waiting stop the whole"
            f" {choice.worker_class} worker; a class with threads, or more workers, would help",
        )
    what = "Python on one core" if family(choice.worker_class) == "threads" else "on one core"
    there = "is 1 process" if needs.workers == 1 else f"are {needs.workers} processes"
    return Limit(
        "gil",
        f"GIL: a process runs {what} at a time, and there {there} for {cores(case.cpus)} cores;"
        " more workers would help",
    )


def _turns(serial_ms: float) -> str:
    return (
        f"outside: for {milliseconds(serial_ms)} of its waiting each request is alone, whichever"
        f" worker has it (a lock, a service at its limit): {most_in_turn(serial_ms)} at most; no"
        " setting will help"
    )


def most_in_turn(serial_ms: float) -> str:
    """`about 350 requests per second`: no measurement of a turn knows a third digit."""
    return f"about {format_number(float(f'{1000 / serial_ms:.2g}'))} requests per second"


def _slots(case: Case) -> str:
    needs = case.demands
    computes = needs.wait_ms < needs.cpu_ms
    each = f"computes {milliseconds(needs.cpu_ms)}"
    more = "workers"
    if not computes:
        each = f"waits {milliseconds(needs.wait_ms)}"
        more = _MORE[family(case.choice.worker_class)]
    number = int(needs.room)
    return (
        f"slots: {number} request{'' if number == 1 else 's'} at a time, each {each};"
        f" more {more} would help"
    )


def _load(case: Case, clients: float) -> str:
    alone = milliseconds(case.demands.alone_ms)
    who = "the one client's request is" if clients == 1 else f"all {clients:.0f} requests are"
    return f"load: {who} served at once, in {alone} when alone; more workers will not help"


def milliseconds(time_ms: float) -> str:
    """`4.2 ms`, `38 ms`: three digits."""
    return f"{format_number(float(f'{time_ms:.3g}'))} ms"


def cores(number: float) -> str:
    """`1.9`, `2`: one digit after the point."""
    return format_number(round(number, 1) if number >= 0.1 else round(number, 3))
