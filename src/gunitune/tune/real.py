"""The bench that is real: every block is a Gunicorn of the project's, started anew and loaded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.measure.block import run_block
from gunitune.model import Unknown
from gunitune.serve.server import BOOT_TIMEOUT_S

if TYPE_CHECKING:
    from gunitune.measure.session import Session
    from gunitune.trial import AppFacts, Block, Choice, Load


# More workers boot one after the other where there are fewer CPUs.
LEAST_BOOT_S, MUCH = 10.0, 10.0


@dataclass(frozen=True, slots=True)
class RealBench:
    """Runs blocks of a session's app on this machine."""

    session: Session
    facts: AppFacts | None = None

    @property
    def boot_timeout_s(self) -> float:
        """For a server to come up: many times what the app was measured to take, within bounds."""
        if self.facts is None or isinstance(self.facts.boot_s, Unknown):
            return BOOT_TIMEOUT_S
        return min(BOOT_TIMEOUT_S, LEAST_BOOT_S + MUCH * self.facts.boot_s.high)

    def run(
        self,
        choice: Choice,
        load: Load,
        *,
        phase: str,
        round: int,  # noqa: A002  (the field's word)
    ) -> Block:
        """Start, load and stop one choice; raises ServeError where it does not start."""
        session = self.session
        return run_block(
            session.launch,
            choice,
            load,
            session.limits,
            generator_cores=session.generator_cores,
            generator=session.generator,
            phase=phase,
            round=round,
            boot_timeout_s=self.boot_timeout_s,
        )

    def now(self) -> float:
        """Monotonic time in seconds."""
        return time.monotonic()
