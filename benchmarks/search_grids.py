"""Grids that a search can be tried on: simulated, and of recorded blocks."""

from __future__ import annotations

import json
import math
import random
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from grids import SURFACES, Simulated, Surface, model, wanted
from gunitune.measure.store import load
from gunitune.predict.model import predict
from gunitune.serve.failure import ServeError
from gunitune.trial import THREADED, Block, Choice, Load
from gunitune.tune.codec import from_json
from gunitune.tune.estimate import levels
from gunitune.tune.gauge import Supply
from gunitune.tune.lattice import everything
from gunitune.tune.space import Memory, Space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gunitune.trial import Prediction
    from gunitune.tune.bench import Bench, Predict

CLIENTS = 32
LOAD = Load(concurrency=CLIENTS, duration_s=2.0)


@dataclass(frozen=True, slots=True)
class Grid:
    """Settings with their true throughput, a bench that runs them, and what a model would say."""

    name: str
    space: Space
    truth: Mapping[Choice, float]
    bench: Callable[[int], Bench]
    predict: Callable[[int], Predict | None]
    supply: Supply

    def share(self, choice: Choice | None) -> float:
        """Of the best throughput."""
        return self.truth.get(choice, 0.0) / max(self.truth.values()) if choice else 0.0


@dataclass(frozen=True, slots=True)
class OnlyThese(Space):
    """A space of nothing but the settings of a recorded grid."""

    these: frozenset[Choice] = frozenset()

    def ladder(self) -> tuple[int, ...]:
        """The worker counts recorded."""
        return tuple(sorted({choice.workers for choice in self.these}))

    def threads(self) -> tuple[int, ...]:
        """The thread counts recorded."""
        return tuple(sorted({choice.threads for choice in self.these} - {1}))

    def refusal(self, choice: Choice, *, must: bool = False) -> str:
        """Refuse what was not recorded."""
        del must
        return "" if choice in self.these else "not recorded"


@dataclass(slots=True)
class Drawn:
    """A bench that draws from recorded blocks: each once before any again, in random order."""

    blocks: Mapping[Choice, Sequence[Block]]
    seed: int
    left: dict[Choice, list[Block]] = field(default_factory=dict)
    clock: float = 0.0

    def now(self) -> float:
        """One second a block."""
        return self.clock

    def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
        """One of the blocks."""
        del load
        self.clock += 1.0
        if choice not in self.blocks:
            raise ServeError(f"{choice} was not recorded")
        pool = self.left.setdefault(choice, [])
        if not pool:
            own = self.blocks[choice]
            pool += random.Random(f"{self.seed}/{choice}").sample(own, len(own))
        return replace(pool.pop(), phase=phase, round=round)


def simulated(name: str, surface: Surface) -> Grid:
    """A grid of the formulas."""
    space = wanted(surface, concurrency=CLIENTS).space
    able = [c for c in everything(space) if c.worker_class not in surface.fails]
    return Grid(
        name=name,
        space=space,
        truth={choice: surface.expected(choice, CLIENTS) for choice in able},
        bench=lambda seed: Simulated(surface, seed=seed, block_s=1.0),
        predict=lambda seed: model(surface, CLIENTS, seed),
        supply=Supply(surface.cpus, surface.cpus),
    )


def recorded(path: Path, cpus: float, cores: float) -> Grid:
    """A grid of real blocks; the model takes part where figures.py measured the app beside it."""
    found: dict[Choice, list[Block]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        block: Block = from_json(Block, json.loads(line))
        if not block.void:
            found[block.choice].append(block)
    apart = cpus < cores  # the generator has the rest
    supply = Supply(cpus, cpus if apart else cores, apart)
    fitted = levels([block for own in found.values() for block in own], supply)
    names = ("sync", THREADED, "gevent", "asgi", "uvicorn_worker.UvicornWorker")
    return Grid(
        name=path.stem,
        space=OnlyThese(
            classes=tuple(n for n in names if any(c.worker_class == n for c in found)),
            cpus=cpus,
            concurrency=CLIENTS,
            memory=Memory(1 << 62),
            capped=any(choice.worker_connections for choice in found),
            these=frozenset(found),
        ),
        truth={choice: math.exp(level.value) for choice, level in fitted.level.items()},
        bench=lambda seed: Drawn(found, seed),
        predict=lambda _: measured(path, cpus),
        supply=supply,
    )


@cache
def measured(path: Path, cpus: float) -> Predict | None:
    """What the model says by the measurement of the project's copy beside the blocks."""
    profile = load(path.parent / path.stem)
    if profile is None:
        return None
    facts = profile.facts

    def expected(choice: Choice) -> Prediction:
        shared = facts.generator_ms if cpus > 1 else 0.0
        return predict(facts, choice, cpus, concurrency=CLIENTS, generator_ms=shared)

    return cache(expected)


def simulations() -> list[Grid]:
    """All that are simulated."""
    return [simulated(name, surface) for name, surface in SURFACES.items()]
