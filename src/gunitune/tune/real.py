"""The bench that is real: every block is a Gunicorn of the project's, started anew and loaded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.measure.block import run_block

if TYPE_CHECKING:
    from gunitune.measure.session import Session
    from gunitune.trial import Block, Choice, Load


@dataclass(frozen=True, slots=True)
class RealBench:
    """Runs blocks of a session's app on this machine."""

    session: Session

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
        )

    def now(self) -> float:
        """Monotonic time in seconds."""
        return time.monotonic()
