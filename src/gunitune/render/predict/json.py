"""The predictions as JSON: schema gunitune/predict/1 (docs/schemas/predict-1.json)."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.model import Unknown
from gunitune.render.document import host, value

if TYPE_CHECKING:
    from gunitune.predict.table import Measured, Predicted, Row
    from gunitune.trial import Estimate, Load


def render(predicted: Predicted, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline."""
    return json.dumps(document(predicted), indent=2, allow_nan=False) + "\n"


def document(predicted: Predicted) -> dict[str, Any]:
    """The document; keys may be added within a version, never changed or dropped."""
    return {
        "schema": "gunitune/predict/1",
        "gunitune": __version__,
        "host": host(predicted.host),
        "measured": _measured(predicted.measured),
        "load": _load(predicted.load),
        "predictions": [_row(row) for row in predicted.rows],
        "notes": list(predicted.notes),
        "next": list(predicted.next),
    }


def _measured(measured: Measured) -> dict[str, Any]:
    facts = measured.facts
    return {
        "app": measured.app,
        "interface": facts.interface,
        "source": measured.source,
        "cpus": measured.cpus,
        "concurrency": measured.concurrency,
        "cpu_ms_by_class": {name: item.value for name, item in facts.cpu_ms.items()},
        "wait_ms": _estimate(facts.wait_ms),
        "gil_share": _estimate(facts.gil_share),
        "overlap": _estimate(facts.overlap),
        "serial_ms": _estimate(facts.serial_ms),
    }


def _load(load: Load) -> dict[str, Any]:
    return {
        "concurrency": None if load.open else load.concurrency,
        "rps": load.rps,
        "keep_alive": load.keep_alive,
    }


def _row(row: Row) -> dict[str, Any]:
    found = row.prediction
    reason = found.p99_ms.reason if isinstance(found.p99_ms, Unknown) else None
    memory = found.memory_bytes
    return {
        "settings": found.choice.settings(),
        "names": list(row.names),
        "rps": found.rps,
        "mean_ms": _bounded(found.mean_ms),
        "p99_ms": value(found.p99_ms),
        "latency_unknown": reason,
        "in_flight": _bounded(found.in_flight),
        "cores": found.cores,
        "memory_bytes": value(memory),
        "memory_unknown": memory.reason if isinstance(memory, Unknown) else None,
        "limit": found.limit,
        "why": found.why,
        "feasible": found.feasible,
        "extrapolated": found.extrapolated,
    }


def _bounded(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _estimate(number: Estimate | Unknown) -> float | None:
    return None if isinstance(number, Unknown) else number.value
