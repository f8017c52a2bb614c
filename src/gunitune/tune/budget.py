"""How much more the time allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.trial import Load

# What starting, waiting for calm and stopping take beside the load, before it is known.
AROUND_S = 2.5


class Budget:
    """Wall clock until `ends`, in seconds of `now()`, and what a block takes of it on average."""

    def __init__(self, now: Callable[[], float], ends: float) -> None:
        self.now = now
        self.ends = ends
        self.around_s: list[float] = []

    def took(self, seconds: float, load: Load) -> None:
        """Take notice of how long a block took."""
        self.around_s.append(max(0.0, seconds - _loaded(load)))

    def cost_s(self, load: Load, blocks: int = 1) -> float:
        """Seconds that so many blocks of a load will take."""
        known = self.around_s
        around = sum(known) / len(known) if known else AROUND_S
        return blocks * (around + _loaded(load))

    @property
    def over(self) -> bool:
        """Whether the time is up: nothing is started any more."""
        return self.now() >= self.ends

    def blocks(self, load: Load, reserve_s: float = 0.0) -> int:
        """Blocks of a load that fit before the end when so much is kept back."""
        left = self.ends - self.now() - reserve_s
        return max(0, int(left / max(self.cost_s(load), 1e-9)))


def _loaded(load: Load) -> float:
    return load.warmup_s + load.duration_s
