"""A study as JSON: schema gunitune/tune/1 (docs/schemas/tune-1.json)."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.mask import hidden, mask
from gunitune.measure.document import numbers_of
from gunitune.model import Unknown
from gunitune.render.check._unicode import valid
from gunitune.render.document import host, value
from gunitune.render.tune._words import steps

if TYPE_CHECKING:
    from gunitune.trial import (
        AppFacts,
        Block,
        Choice,
        Estimate,
        Latency,
        Load,
        Prediction,
        Usage,
    )
    from gunitune.tune.result import OpenRun, Ratio, Standing, Tuned


UNTOLD = Unknown("nothing was served")


def render(tuned: Tuned, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline."""
    return json.dumps(valid(document(tuned)), indent=2, allow_nan=False) + "\n"


def document(tuned: Tuned) -> dict[str, Any]:
    """The document; keys may be added within a version, never changed or dropped."""
    return {
        "schema": "gunitune/tune/1",
        "gunitune": __version__,
        "host": host(tuned.host),
        "confined": tuned.confined,
        "app": _app(tuned),
        "gunicorn": _gunicorn(tuned),
        "goal": _goal(tuned),
        "load": _load(tuned.load),
        "trials": [_trial(block) for block in tuned.blocks],
        "standings": [_standing(item) for item in tuned.standings],
        "winner": None if tuned.winner is None else _standing(tuned.winner),
        "front": [_choice(item) for item in tuned.front],
        "finals": [_final(run) for run in tuned.finals],
        "against": [_against(item) for item in tuned.against],
        "limited": mask(tuned.limited),
        "facts": None if tuned.facts is None else _facts(tuned.facts),
        "model_error": _finite(tuned.model_error),
        "model_error_unknown": _reason(tuned.model_error),
        "notes": [mask(note) for note in tuned.notes],
        "next": steps(tuned),
        "budget_s": tuned.budget_s,
        "spent_s": tuned.spent_s,
        "study": tuned.study,
    }


def _app(tuned: Tuned) -> dict[str, Any]:
    app = tuned.app
    return {
        "path": app.path,
        "app": tuned.launch.spec,
        "interface": tuned.launch.interface,
        "framework": app.framework,
        "kind": app.kind,
        "kind_basis": app.kind_basis,
        "confidence": app.confidence,
        "start_options": list(app.start_options),
    }


def _gunicorn(tuned: Tuned) -> dict[str, Any]:
    launch = tuned.launch
    return {
        "version": tuned.gunicorn,
        "python": str(launch.python),
        "python_source": launch.python_source,
        "folder": str(launch.folder),
        "conf": None if launch.conf is None else str(launch.conf),
    }


def _goal(tuned: Tuned) -> dict[str, Any]:
    return {
        "objective": tuned.objective,
        "max_p99_ms": tuned.max_p99_ms,
        "concurrency": value(tuned.goal.concurrency),
        "rps": value(tuned.goal.rps),
        "memory_share": tuned.goal.memory_share,
    }


def _load(load: Load) -> dict[str, Any]:
    """The load without what may be secret: headers by name, bodies by length."""
    return {
        "concurrency": None if load.open else load.concurrency,
        "rps": load.rps,
        "keep_alive": load.keep_alive,
        "warmup_s": load.warmup_s,
        "duration_s": load.duration_s,
        "expect": sorted(load.expect),
        "requests": [
            {
                "method": request.method,
                "path": mask(request.path),
                "weight": request.weight,
                "headers": [name for name, _ in request.headers],
                "body_bytes": len(request.body),
            }
            for request in load.requests
        ],
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "choice": mask(str(choice)),
        "settings": {name: hidden(name, item) for name, item in choice.settings().items()},
        "applied": {name: hidden(name, item) for name, item in choice.applied().items()},
    }


def _trial(block: Block) -> dict[str, Any]:
    answered, usage = block.answered, block.usage
    return {
        **_choice(block.choice),
        "phase": block.phase,
        "round": block.round,
        "concurrency": None if block.load.open else block.load.concurrency,
        "offered_rps": block.load.rps,
        "seconds": _finite(answered.window_s),
        "rps": _finite(block.rps),
        **_latency(answered.latency),
        "errors": answered.failed,
        "errors_by_kind": dict(answered.errors),
        "raised": mask(block.raised),
        "cpu_ms": _finite(block.cpu_ms),
        "boot_s": _finite(block.boot_s),
        "generator": answered.generator,
        **_usage(usage),
        "confined": block.confined,
        "void": [mask(reason) for reason in block.void],
        "notes": [mask(note) for note in block.notes],
    }


def _latency(latency: Latency | Unknown) -> dict[str, Any]:
    parts = ("p50_ms", "p95_ms", "p99_ms")
    known = {name: _finite(getattr(latency, name, UNTOLD)) for name in parts}
    return {**known, "latency_unknown": _reason(latency)}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "cores": _finite(usage.cores),
        "cpu_source": usage.cpu_source,
        "memory_bytes": value(usage.pss_bytes),
        "memory_source": usage.memory_source,
        "restarts": usage.restarts,
        "steal_s": _finite(usage.steal_s),
        "throttled_s": _finite(usage.throttled_s),
    }


def _standing(item: Standing) -> dict[str, Any]:
    return {
        **_choice(item.choice),
        "roles": list(item.roles),
        "blocks": item.blocks,
        "rps": _finite(item.rps.value),
        "rps_low": _finite(item.rps.low),
        "rps_high": _finite(item.rps.high),
        "rps_source": item.rps.source,
        "rps_median": _finite(item.raw_rps) if item.blocks else None,
        "p50_ms": _finite(item.p50_ms),
        "p99_ms": _finite(item.p99_ms),
        "latency_unknown": _reason(item.p99_ms),
        "memory_bytes": value(item.memory_bytes),
        "memory_unknown": _reason(item.memory_bytes),
        "errors": item.errors,
        "cpu_ms": _finite(item.cpu_ms),
        "cores": _finite(item.cores),
        "fate": item.fate,
        "why": mask(item.why),
        "predicted": None if item.predicted is None else _prediction(item.predicted),
    }


def _prediction(found: Prediction) -> dict[str, Any]:
    return {
        "rps": _finite(found.rps),
        "mean_ms": _finite(found.mean_ms),
        "p99_ms": _finite(found.p99_ms),
        "memory_bytes": value(found.memory_bytes),
        "cores": _finite(found.cores),
        "limit": found.limit,
        "why": found.why,
        "feasible": found.feasible,
        "extrapolated": found.extrapolated,
    }


def _final(run: OpenRun) -> dict[str, Any]:
    return {
        **_choice(run.choice),
        "share": run.share,
        "offered_rps": _finite(run.offered_rps),
        "served_rps": _finite(run.served_rps),
        "p50_ms": _finite(run.p50_ms),
        "p95_ms": _finite(run.p95_ms),
        "p99_ms": _finite(run.p99_ms),
        "errors": run.errors,
        "lag_p99_ms": _finite(run.lag_p99_ms),
        "void": [mask(reason) for reason in run.void],
    }


def _against(item: Ratio) -> dict[str, Any]:
    return {
        "name": item.name,
        **_choice(item.choice),
        "ratio": _finite(item.ratio),
        "low": _finite(item.low),
        "high": _finite(item.high),
        "pairs": item.pairs,
    }


def _facts(facts: AppFacts) -> dict[str, Any]:
    """What measuring learned, as gunitune/measure/1 has it."""
    return {
        "cpu_ms_by_class": {name: _number(item) for name, item in sorted(facts.cpu_ms.items())},
        "numbers": {name: _number(item) for name, item in numbers_of(facts).items()},
    }


def _number(found: Estimate | Unknown) -> dict[str, Any]:
    if isinstance(found, Unknown):
        return {"unknown": found.reason}
    return {
        "value": _finite(found.value),
        "low": _finite(found.low),
        "high": _finite(found.high),
        "n": found.n,
        "source": found.source,
    }


def _finite(item: float | Unknown) -> float | None:
    """A number that JSON has; null for `Unknown` and for what is no number."""
    return None if isinstance(item, Unknown) or not math.isfinite(item) else item


def _reason(item: object) -> str | None:
    return item.reason if isinstance(item, Unknown) else None
