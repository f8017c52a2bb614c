"""Shows how much the estimator of `gunitune tune` narrows a comparison of two settings.

    python benchmarks/estimator.py [--cpus 2] [--cores 2] [GRID.jsonl ...]

Files hold real blocks, one a line as benchmarks/grid.py writes them, in rounds; without one, blocks
are simulated (tests/grids.py). Printed: the standard deviation over the rounds of the logarithm of
the ratio of two settings, median over all pairs of settings within 1.6 times of the best; taken
from one round as the plain ratio of throughputs (dividing both by a reference's of the round leaves
that ratio as it is), and by the estimator; then the half-width of 95 % intervals from all rounds,
by Student's t of the paired differences and by the estimator.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from statistics import median, stdev
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from grids import SURFACES, Simulated
from gunitune.trial import THREADED, Block, Choice, Load
from gunitune.tune.codec import from_json
from gunitune.tune.estimate import levels
from gunitune.tune.gauge import Supply
from gunitune.tune.linear import student

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEAR = math.log(1.6)
ROUNDS = 5
SIZES = [("sync", n, 1) for n in (2, 3, 5, 9)] + [("gevent", n, 1) for n in (1, 2, 3, 5)]
CHOICES = [Choice(*s) for s in [*SIZES, (THREADED, 2, 4), (THREADED, 2, 16), (THREADED, 3, 8)]]


def report(name: str, blocks: Sequence[Block], supply: Supply) -> None:
    """One line for a grid."""
    by_round: dict[int, list[Block]] = defaultdict(list)
    for block in blocks:
        if not block.void:
            by_round[block.round].append(block)
    everybody = {block.choice for block in blocks}
    whole = {n: own for n, own in by_round.items() if {b.choice for b in own} == everybody}
    fitted = levels([block for own in whole.values() for block in own], supply)
    best = max(level.value for level in fitted.level.values())
    near = [choice for choice, level in fitted.level.items() if level.value > best - NEAR]
    pairs = list(combinations(near, 2))
    plain = {n: {b.choice: math.log(b.rps) for b in own} for n, own in whole.items()}
    paired = {
        n: {choice: level.value for choice, level in levels(own, supply).level.items()}
        for n, own in whole.items()
    }
    reach = student(0.975, len(whole) - 1) / math.sqrt(len(whole))
    wide = [reach * stdev(_differences(plain, pair)) for pair in pairs]
    narrow = [
        math.log(found.high / found.low) / 2 for found in (fitted.ratio(*pair) for pair in pairs)
    ]
    print(
        f"{name:30}{len(whole):>4}{len(near):>4}"
        f"{_spread(plain, pairs):>9.3f}{_spread(paired, pairs):>11.3f}"
        f"{_spread(plain, pairs) / _spread(paired, pairs):>8.1f}"
        f"{median(wide):>10.3f}{median(narrow):>11.3f}{median(wide) / median(narrow):>8.1f}"
    )


def _differences(
    rounds: Mapping[int, Mapping[Choice, float]], pair: tuple[Choice, Choice]
) -> list[float]:
    return [own[pair[0]] - own[pair[1]] for own in rounds.values()]


def _spread(
    rounds: Mapping[int, Mapping[Choice, float]], pairs: Sequence[tuple[Choice, Choice]]
) -> float:
    return median(stdev(_differences(rounds, pair)) for pair in pairs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("grids", type=Path, nargs="*")
    parser.add_argument("--cpus", type=float, default=2.0)
    parser.add_argument("--cores", type=float, default=2.0)
    given = parser.parse_args()
    supply = Supply(given.cpus, given.cores)
    print(f"{'':30}{'':>8}{'spread of one round':>28}{'half-width of the interval':>29}")
    print(
        f"{'':30}{'n':>4}{'of':>4}{'plain':>9}{'estimator':>11}{'times':>8}"
        f"{'plain':>10}{'estimator':>11}{'times':>8}"
    )
    for path in given.grids:
        lines = path.read_text(encoding="utf-8").splitlines()
        report(path.stem, [from_json(Block, json.loads(line)) for line in lines], supply)
    for name, surface in () if given.grids else SURFACES.items():
        bench = Simulated(surface, seed=1)
        load = Load(concurrency=32, duration_s=2.0)
        able = [choice for choice in CHOICES if choice.worker_class not in surface.fails]
        blocks = [
            bench.run(choice, load, phase="search", round=turn)
            for turn in range(ROUNDS)
            for choice in able
        ]
        report(name, blocks, supply)


if __name__ == "__main__":
    main()
