"""What other advisors and rules of thumb would start on the same machine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunitune.advise import LocalScope
from gunitune.data import rules_dir
from gunitune.facts import facts, worker_memory
from gunitune.formulas import FUNCTIONS
from gunitune.model import Unknown
from gunitune.rulebook import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from gunitune.model import Quantity, Recommendation


@dataclass(frozen=True, slots=True)
class Answer:
    """What one advisor would start, the memory that takes, and whether the limit allows it."""

    name: str
    formula: str
    workers: int | Unknown
    memory_bytes: int | Unknown
    killed: bool | Unknown
    note: str
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of all advisors, gunitune's last, and what one worker is held to need."""

    advice: Recommendation
    answers: tuple[Answer, ...]
    worker_memory: Quantity


def compare(advice: Recommendation) -> Comparison:
    """Work out every advisor's formula (rules/compare/*.toml) for the machine of the advice."""
    scope = facts(advice.host, advice.app, advice.goal, advice.installed)
    others = [_read(path) for path in sorted((rules_dir() / "compare").glob("*.toml"))]
    answers = [_answer(other, scope) for other in others]
    return Comparison(advice, (*answers, _own(advice, scope)), worker_memory(advice.app))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _answer(other: dict[str, Any], scope: dict[str, Any]) -> Answer:
    local = LocalScope(scope, other.get("let", {}).items())
    workers = compiled(other["workers"]).evaluate(local, FUNCTIONS)
    taken: int | Unknown = workers
    if not isinstance(workers, Unknown):
        taken = scope["app.master_memory"] + workers * scope["app.worker_memory"]
    return Answer(
        name=other["name"],
        formula=other["formula"],
        workers=workers,
        memory_bytes=taken,
        killed=_killed(taken, scope["host.memory_bytes"]),
        note=other.get("note", ""),
        refs=tuple(other["refs"]),
    )


def _own(advice: Recommendation, scope: dict[str, Any]) -> Answer:
    workers = advice["workers"]
    taken = advice.capacity.memory_bytes
    settings = {item.name: item.value for item in advice.settings}
    threads = f", {settings['threads']} threads" if "threads" in settings else ""
    return Answer(
        name="gunitune",
        formula=f"{settings['worker_class']}{threads}: {advice.constraint}",
        workers=int(workers) if isinstance(workers, int) else Unknown("no workers recommended"),
        memory_bytes=taken,
        killed=_killed(taken, scope["host.memory_bytes"]),
        note="",
        refs=(),
    )


def _killed(taken: int | Unknown, limit: int | Unknown) -> bool | Unknown:
    if isinstance(taken, Unknown):
        return taken
    return limit if isinstance(limit, Unknown) else taken > limit
