"""What tuning found, frozen: every choice's standing, the winner, and how it was compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gunitune.model import App, Goal, Host, Unknown
    from gunitune.trial import AppFacts, Block, Choice, Estimate, Launch, Load, Prediction

Objective = Literal["throughput", "p99", "memory"]
# Why a choice takes part.
Role = Literal["2*cpu+1", "current", "recommended", "default", "lattice", "model", "neighbour"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One choice after the search: the estimates from its valid blocks, and how it fared.

    `rps` is the estimate that takes the rounds' common noise out, with its interval, `raw_rps` the
    median of the blocks as they were. `fate` is
    "winner", "tie" (within the noise of the winner), "beaten", "dropped" (left early) or
    "barred" (errors, memory, p99); `why` says the last in a sentence.
    """

    choice: Choice
    roles: tuple[Role, ...]
    blocks: int
    rps: Estimate
    p50_ms: float | Unknown
    p99_ms: float | Unknown
    memory_bytes: int | Unknown
    errors: int
    cpu_ms: float
    cores: float
    fate: str
    why: str = ""
    predicted: Prediction | None = None
    raw_rps: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenRun:
    """One finalist under arrivals of its own: `share` of the best capacity."""

    choice: Choice
    share: float
    offered_rps: float
    served_rps: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int
    lag_p99_ms: float
    void: tuple[str, ...] = ()  # why it says little; empty: it was not disturbed


@dataclass(frozen=True, slots=True)
class Ratio:
    """The winner against another, from blocks run in turn (A B B A): throughput, 95 % interval."""

    name: str
    choice: Choice
    ratio: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """The whole of a study, as it is shown and stored."""

    host: Host
    app: App
    goal: Goal
    launch: Launch
    gunicorn: str
    objective: Objective
    max_p99_ms: float | None
    load: Load
    confined: str
    standings: tuple[Standing, ...]  # best first
    winner: Standing | None
    front: tuple[Choice, ...]  # Pareto: throughput, p99, memory
    finals: tuple[OpenRun, ...]
    against: tuple[Ratio, ...]
    limited: str  # what limited the app, in plain words
    next: tuple[str, ...]
    notes: tuple[str, ...]
    blocks: tuple[Block, ...]
    facts: AppFacts | None
    model_error: float | Unknown  # median of |predicted / measured - 1| over the choices
    budget_s: float
    spent_s: float
    study: str  # where the blocks are written
