"""What was learned of an app, and all that it was learned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gunitune.measure.fingerprint import Fingerprint
    from gunitune.measure.kind import Judged
    from gunitune.model import Interface, Unknown
    from gunitune.trial import AppFacts


@dataclass(frozen=True, slots=True)
class Profile:
    """One measurement of an app: the facts, the kind that follows, and where they come from.

    `date` is an ISO 8601 date and time with its offset; `requests` are "METHOD /path" of the load,
    secrets masked; `concurrency` is the most clients of any look, None where that was not kept;
    `cpus` is what the server could use, `confined` how that was enforced; `memory_bytes` is the
    limit there.
    """

    facts: AppFacts
    judged: Judged
    spec: str
    interface: Interface
    framework: str | None
    date: str
    gunicorn: str | Unknown
    python: str | Unknown
    cpus: float
    cpus_source: str
    memory_bytes: int | Unknown
    confined: str
    requests: tuple[str, ...]
    keep_alive: bool
    fingerprint: Fingerprint
    gunitune: str
    spent_s: float = 0.0
    concurrency: int | None = None

    @property
    def day(self) -> str:
        """The date without the time."""
        return self.date[:10]

    @property
    def source(self) -> str:
        """Where the numbers come from, as every output says it."""
        return f"measured on {self.day} by gunitune measure"
