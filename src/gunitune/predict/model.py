"""What throughput, latency and memory to expect of settings that were not tried.

The assumptions, the formulas and where they are known to fail: docs/model.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.predict.arrivals import capacity, open_loop
from gunitune.predict.closed import ClosedLoop, Flow
from gunitune.predict.demands import PredictError, demands, forbidden
from gunitune.predict.limits import Case, Limit, binding
from gunitune.predict.memory import memory
from gunitune.trial import Prediction
from gunitune.units import format_size

if TYPE_CHECKING:
    from gunitune.trial import AppFacts, Choice


def predict(  # noqa: PLR0913  (what a prediction depends on)
    facts: AppFacts,
    choice: Choice,
    cpus: float,
    *,
    concurrency: int | None = None,
    rps: float | None = None,
    keep_alive: bool = True,
    memory_bytes: int | None = None,
    generator_ms: float = 0.0,
) -> Prediction:
    """Throughput, latency, memory and what binds, for a choice on `cpus` CPUs.

    Closed loop of `concurrency` clients, or open loop of `rps` requests per second (Poisson): one
    of them is given. `memory_bytes` is the limit; `generator_ms` CPU time per request that the load
    generator takes of the same CPUs. Where an open loop asks for more than can be served, `rps` is
    the capacity, `mean_ms` infinity and `p99_ms` Unknown. Raises PredictError where the class is
    not Gunicorn's, or the facts lack the CPU time or the waiting.
    """
    load = concurrency if rps is None else rps
    if load is None or (concurrency is not None and rps is not None):
        raise PredictError("a prediction needs a load", "give either a concurrency or a rate")
    if not (0 < load < math.inf and 0 < cpus < math.inf):
        raise PredictError(
            f"nothing can be predicted of a load of {load:g} on {cpus:g} CPUs",
            "both must be above 0",
        )
    taken = memory(facts, choice)
    if reason := forbidden(choice, facts.interface):
        return _forbidden(choice, cpus, taken, reason)
    case = Case(choice, demands(facts, choice, cpus), cpus, generator_ms)
    found = _closed(case, int(load), sticky=keep_alive) if rps is None else _open(case, rps)
    return _within(replace(found, memory_bytes=taken), memory_bytes)


def _closed(case: Case, clients: int, *, sticky: bool) -> Prediction:
    loop = ClosedLoop(
        case.demands, case.cpus, clients, sticky=sticky, generator_ms=case.generator_ms
    )
    flow = loop.flow()
    limit = binding(case, clients, flow.rate)
    return _found(case, flow, limit, limit.why)


def _open(case: Case, rps: float) -> Prediction:
    most = capacity(case.demands, case.cpus, case.generator_ms)
    limit = binding(case, math.inf, most)
    share = f"{rps / 1000 / most:.0%}".replace("%", " %")
    why = f"{share} of the capacity of {1000 * most:.4g} requests per second; there, {limit.why}"
    flow = None
    if rps / 1000 < most:
        flow = open_loop(case.demands, case.cpus, rps / 1000, case.generator_ms)
    if flow is not None:
        return _found(case, flow, limit, why)
    served = min(most, rps / 1000)
    found = _found(case, Flow(served, math.inf, math.inf, case.demands.room, 1.0), limit, why)
    as_many = "as many as can be" if served >= rps / 1000 else f"{1000 * served:.4g}"
    grows = f"{rps:.4g} requests per second come and {as_many} are served: they queue up"
    return replace(found, p99_ms=Unknown(grows))


def _found(case: Case, flow: Flow, limit: Limit, why: str) -> Prediction:
    return Prediction(
        choice=case.choice,
        cpus=case.cpus,
        rps=1000 * flow.rate,
        mean_ms=flow.mean_ms,
        p99_ms=flow.p99_ms,
        in_flight=flow.inside,
        memory_bytes=Unknown("not reckoned"),
        cores=flow.rate * case.demands.cpu_ms,
        limit=limit.station,
        why="; ".join((why, *case.demands.assumed)),
    )


def _forbidden(choice: Choice, cpus: float, taken: int | Unknown, reason: str) -> Prediction:
    return Prediction(
        choice=choice,
        cpus=cpus,
        rps=0.0,
        mean_ms=math.inf,
        p99_ms=Unknown(reason),
        in_flight=0.0,
        memory_bytes=taken,
        cores=0.0,
        limit="class",
        why=f"class: {reason}",
        feasible=False,
    )


def _within(found: Prediction, limit: int | None) -> Prediction:
    """The prediction, not feasible where it takes more memory than there is."""
    taken = found.memory_bytes
    if limit is None or isinstance(taken, Unknown) or taken <= limit or not found.feasible:
        return found
    why = f"memory: needs {format_size(taken)} of {format_size(limit)}"
    return replace(found, limit="memory", why=why, feasible=False)
