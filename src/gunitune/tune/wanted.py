"""What is tuned, for what, and within which bounds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gunitune.model import Unknown
from gunitune.tune.asked import described, plain_load
from gunitune.tune.gauge import Supply
from gunitune.tune.objective import Aim

if TYPE_CHECKING:
    from pathlib import Path

    from gunitune.model import App, Goal, Host, Installed
    from gunitune.trial import AppFacts, Choice, Launch, Load
    from gunitune.tune.bench import Predict
    from gunitune.tune.result import Objective
    from gunitune.tune.space import Space

SEARCH_S = 2.0  # of load in a block of the search: CPUs in use are told well by then


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request to tune. `load` is that of the closing comparison; the search's blocks are shorter.

    `cores` is how many CPUs server, generator and neighbours share, `code` a fingerprint of the
    project's code; `apart`: the generator has CPUs of its own.
    """

    host: Host
    app: App
    goal: Goal
    launch: Launch
    installed: Installed
    load: Load
    space: Space
    budget_s: float
    cores: float
    objective: Objective = "throughput"
    max_p99_ms: float | None = None
    current: Choice | None = None
    recommended: Choice | None = None
    predict: Predict | None = None
    facts: AppFacts | None = None
    generator: str = "embedded"
    apart: bool = False
    code: str = ""
    seed: int = 0

    @property
    def aim(self) -> Aim:
        """The objective with its limits."""
        return Aim(self.objective, self.max_p99_ms, self.host.memory_bytes, self.load.open)

    @property
    def supply(self) -> Supply:
        """The CPUs."""
        return Supply(self.host.cpus, max(self.cores, self.host.cpus), self.apart)

    @property
    def searched(self) -> Load:
        """The load of the search's blocks."""
        return replace(self.load, duration_s=min(self.load.duration_s, SEARCH_S))

    @property
    def gunicorn(self) -> str:
        """Gunicorn's release, as text."""
        known = self.installed.gunicorn
        return "unknown" if isinstance(known, Unknown) else known

    def subject(self) -> dict[str, Any]:
        """What must be the same for a study to go on."""
        host = self.host
        return {
            "app": self.launch.spec,
            "folder": str(self.launch.folder),
            "python": str(self.launch.python),
            "gunicorn": self.gunicorn,
            "generator": self.generator,
            "code": self.code,
            "conf": _hash(self.launch.conf),
            "load": plain_load(self.load) | {"duration_s": 0.0},  # it follows from the budget
            "requests": described(self.load.requests),
            "classes": self.space.classes,
            "cpus": host.cpus,
            "cores": self.cores,
            "memory": host.memory_bytes if isinstance(host.memory_bytes, int) else "unknown",
            "objective": self.objective,
            "max_p99_ms": self.max_p99_ms,
        }


def _hash(conf: Path | None) -> str:
    """Of the project's own config; "" where it has none, or it can't be read."""
    try:
        return hashlib.sha256(conf.read_bytes()).hexdigest() if conf else ""
    except OSError:
        return ""
