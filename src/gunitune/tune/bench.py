"""What the search runs on: something that measures one choice, keeps time and takes notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gunitune.trial import Block, Choice, Load, Prediction

    Predict = Callable[[Choice], Prediction | None]


class Bench(Protocol):
    """Where a choice is measured: a real Gunicorn under real load, or a recorded grid."""

    def run(
        self,
        choice: Choice,
        load: Load,
        *,
        phase: str,
        round: int,  # noqa: A002  (the field's word)
    ) -> Block:
        """Start, load and stop one choice; raises ServeError where it does not start."""
        ...

    def now(self) -> float:
        """Monotonic time in seconds."""
        ...


class Watch(Protocol):
    """Who follows the search as it goes: the live view."""

    def planned(self, choices: Sequence[Choice]) -> None:
        """These take part from now on."""
        ...

    def started(
        self,
        choice: Choice,
        phase: str,
        round: int,  # noqa: A002  (the field's word)
    ) -> None:
        """A block begins."""
        ...

    def ended(self, block: Block, leaders: Sequence[tuple[Choice, float]]) -> None:
        """A block ended; the best so far with their requests per second, best first."""
        ...

    def note(self, text: str) -> None:
        """Something that the user should know."""
        ...


class Unwatched:
    """Nobody looks."""

    def planned(self, choices: Sequence[Choice]) -> None:
        """Pass."""

    def started(
        self,
        choice: Choice,
        phase: str,
        round: int,  # noqa: A002  (the field's word)
    ) -> None:
        """Pass."""

    def ended(self, block: Block, leaders: Sequence[tuple[Choice, float]]) -> None:
        """Pass."""

    def note(self, text: str) -> None:
        """Pass."""
