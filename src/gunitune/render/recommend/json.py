"""The recommendation as JSON: schema gunitune/recommend/1 (docs/schemas/recommend-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.facts import in_flight, worker_memory
from gunitune.model import Quantity, Unknown
from gunitune.render.describe import steps
from gunitune.render.document import host, value

if TYPE_CHECKING:
    from gunitune.model import App, Goal, Installed, Recommendation, Setting


def render(advice: Recommendation, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline."""
    return json.dumps(document(advice), indent=2, allow_nan=False) + "\n"


def document(advice: Recommendation) -> dict[str, Any]:
    """The document; keys may be added within a version, never changed or dropped."""
    return {
        "schema": "gunitune/recommend/1",
        "gunitune": __version__,
        "host": host(advice.host),
        "app": _app(advice.app),
        "gunicorn": _installed(advice.installed),
        "goal": _goal(advice.goal),
        "settings": {item.name: _setting(item) for item in advice.settings},
        "constraint": advice.constraint,
        "capacity": {
            "in_flight": value(advice.capacity.in_flight),
            "in_flight_unknown": _reason(advice.capacity.in_flight),
            "memory_bytes": value(advice.capacity.memory_bytes),
            "memory_source": advice.capacity.memory_source,
        },
        "warnings": list(advice.warnings),
        "next": [*advice.next, steps(advice)],
        "alternatives": list(advice.alternatives),
        "skipped": [{"rule": item.rule, "reason": item.reason} for item in advice.skipped],
    }


def _setting(item: Setting) -> dict[str, Any]:
    steps = [
        {"value": step.value, "reason": step.reason, "rule": step.rule, "basis": step.basis}
        for step in item.trail
    ]
    return {**steps[-1], "trail": steps}


def _app(app: App) -> dict[str, Any]:
    return {
        "path": app.path,
        "interface": value(app.interface),
        "interface_unknown": _reason(app.interface),
        "framework": app.framework,
        "app": value(app.spec),
        "app_unknown": _reason(app.spec),
        "start_options": list(app.start_options),
        "kind": app.kind,
        "kind_basis": app.kind_basis,
        "confidence": app.confidence,
        "evidence": [
            {
                "kind": item.kind,
                "weight": item.weight,
                "text": item.text,
                "path": item.path,
                "line": item.line,
                "library": item.library,
            }
            for item in app.evidence
        ],
        "libraries": list(app.libraries),
        "databases": list(app.databases),
        "gevent_blockers": list(app.gevent_blockers),
        "notes": list(app.notes),
        "worker_memory": _quantity(worker_memory(app)),
    }


def _installed(installed: Installed) -> dict[str, Any]:
    return {
        "version": value(installed.gunicorn),
        "source": installed.gunicorn_source,
        "python": value(installed.python),
        "python_source": installed.python_source,
    }


def _goal(goal: Goal) -> dict[str, Any]:
    return {
        "concurrency": value(in_flight(goal)),
        "rps": value(goal.rps),
        "latency_s": value(goal.latency_s),
        "memory_share": goal.memory_share,
        "replicas": goal.replicas,
        "db_connections": value(goal.db_connections),
        "worker_class": value(goal.worker_class),
        "leaks": value(goal.leaks),
    }


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {"bytes": int(quantity.value), "basis": quantity.basis, "source": quantity.source}


def _reason(item: object) -> str | None:
    return item.reason if isinstance(item, Unknown) else None
