"""The advisors side by side as JSON: schema gunitune/compare/1 (docs/schemas/compare-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.model import Unknown
from gunitune.render.document import host, value

if TYPE_CHECKING:
    from gunitune.compare import Answer, Comparison


def render(comparison: Comparison, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline."""
    memory = comparison.worker_memory
    document = {
        "schema": "gunitune/compare/1",
        "gunitune": __version__,
        "host": host(comparison.advice.host),
        "app": {"path": comparison.advice.app.path, "kind": comparison.advice.app.kind},
        "worker_memory": {
            "bytes": int(memory.value),
            "basis": memory.basis,
            "source": memory.source,
        },
        "answers": [_answer(answer) for answer in comparison.answers],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _answer(answer: Answer) -> dict[str, Any]:
    unknown = answer.workers.reason if isinstance(answer.workers, Unknown) else None
    return {
        "name": answer.name,
        "formula": answer.formula,
        "workers": value(answer.workers),
        "workers_unknown": unknown,
        "memory_bytes": value(answer.memory_bytes),
        "killed": value(answer.killed),
        "note": answer.note,
        "refs": list(answer.refs),
    }
