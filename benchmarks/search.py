"""Compares the search of `gunitune tune` with random search and with Optuna's samplers.

    python benchmarks/search.py [--seeds 40] [--jobs 2] [GRID.jsonl ...]

Without files the grids are simulated: apps whose best setting is known, with the noise of a shared
machine (tests/grids.py). A file holds real blocks, one a line as benchmarks/grid.py writes them;
"best" is then the best estimate from all of its blocks, and a trial draws one of the setting's
blocks. One block is one trial, void or not started ones included. Printed for each grid: in what
share of the searches the setting that would be recommended after so many blocks is within 5 % of
the best, and from how many blocks on that share is 80 and 90 %.

`pip install optuna cmaes scipy` into an environment of its own for the samplers.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from search_grids import LOAD, Grid, recorded, simulations

from gunitune.errors import GunituneError
from gunitune.serve.failure import ServeError
from gunitune.trial import THREADED, Block, Choice
from gunitune.tune.bench import Unwatched
from gunitune.tune.budget import Budget
from gunitune.tune.estimate import Levels, levels
from gunitune.tune.lattice import everything
from gunitune.tune.objective import Aim
from gunitune.tune.plan import plan
from gunitune.tune.record import Recorded
from gunitune.tune.runs import Runs
from gunitune.tune.search import Search
from gunitune.tune.standing import Ranking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gunitune.tune.space import Space


WITHIN = 0.95
REFUSED_MOST = 25  # in a row
MARKS = (8, 12, 16, 20, 25, 30, 40, 60)
CURRENT = Choice(THREADED, 2, 4)


def ours(grid: Grid, seed: int, *, predicted: bool = True) -> Iterator[tuple[int, Choice | None]]:
    """The search itself, anew for each number of blocks: it plans by what it may spend."""
    for mark in MARKS:
        bench = Recorded(grid.bench(seed), None, 0.0)
        runs = Runs(bench, Budget(bench.now, mark), Unwatched(), mark // 4)
        runs.budget.around_s.append(1.0 - LOAD.warmup_s - LOAD.duration_s)
        predict = grid.predict(seed) if predicted else None
        chosen = plan(grid.space, current=CURRENT, predict=predict)
        search = Search(
            runs,
            chosen,
            Aim(),
            LOAD,
            supply=grid.supply,
            random=random.Random(seed),
            reserve_s=lambda _: 0.0,
        )
        try:
            search.run()
        except GunituneError:
            yield mark, None
            continue
        yield mark, Ranking(runs, chosen, Aim(), grid.supply, paced=False).winner


def shuffled(grid: Grid, seed: int, *, paired: bool) -> Iterator[tuple[int, Choice | None]]:
    """Random search: settings in random order, each once before any again.

    `paired` recommends by the estimator of the search rather than by the mean.
    """
    draw = random.Random(seed)
    choices = [choice for choice in everything(grid.space) if not grid.space.refusal(choice)]
    order = [choice for _ in range(MARKS[-1]) for choice in draw.sample(choices, len(choices))]
    yield from _scored(grid, seed, iter(order), paired=paired)


def _scored(
    grid: Grid, seed: int, order: Iterator[Choice], *, paired: bool
) -> Iterator[tuple[int, Choice | None]]:
    bench = grid.bench(seed)
    blocks: list[Block] = []
    for count, choice in enumerate(order, 1):
        with suppress(ServeError):
            blocks.append(bench.run(choice, LOAD, phase="search", round=count))
        if count in MARKS:
            yield count, _best(grid, blocks, paired=paired)
        if count == MARKS[-1]:
            return


def _best(grid: Grid, blocks: Sequence[Block], *, paired: bool) -> Choice | None:
    if not blocks:
        return None
    if paired:
        one_round = [replace(block, round=0) for block in blocks]
        fitted: Levels = levels(one_round, grid.supply)
        return max(fitted.level, key=lambda choice: fitted.level[choice].value)
    seen: dict[Choice, list[float]] = defaultdict(list)
    for block in blocks:
        seen[block.choice].append(math.log(block.rps))
    return max(seen, key=lambda choice: mean(seen[choice]))


def optuna(
    grid: Grid, seed: int, sampler: str, *, paired: bool = False
) -> Iterator[tuple[int, Choice | None]]:
    """Ask and tell with one of Optuna's samplers; recommends as random search does."""
    import optuna as library  # type: ignore[import-not-found]  # for this comparison alone

    library.logging.set_verbosity(library.logging.ERROR)
    samplers: dict[str, Callable[[], Any]] = {
        "tpe": lambda: library.samplers.TPESampler(seed=seed),
        "tpe multivariate": lambda: library.samplers.TPESampler(
            seed=seed, multivariate=True, group=True
        ),
        "cma-es": lambda: library.samplers.CmaEsSampler(seed=seed),
        "qmc": lambda: library.samplers.QMCSampler(seed=seed),
    }
    study = library.create_study(direction="maximize", sampler=samplers[sampler]())
    bench = grid.bench(seed)
    blocks: list[Block] = []
    for count in range(1, MARKS[-1] + 1):
        trial, choice = _able(library, study, grid.space)
        try:
            block = bench.run(choice, LOAD, phase="search", round=count)
        except ServeError:
            study.tell(trial, state=library.trial.TrialState.FAIL)
        else:
            blocks.append(block)
            study.tell(trial, math.log(block.rps))
        if count in MARKS:
            yield count, _best(grid, blocks, paired=paired)


def _able(library: Any, study: Any, space: Space) -> tuple[Any, Choice]:
    """The next that may be run; what the space refuses costs no block."""
    for _ in range(REFUSED_MOST):
        trial = study.ask()
        choice = _asked(space, trial)
        if not space.refusal(choice):
            return trial, choice
        study.tell(trial, state=library.trial.TrialState.FAIL)
    trial = study.ask()
    return trial, _asked(space, trial)


def _asked(space: Space, trial: Any) -> Choice:
    """The steps of the ladders are whole numbers in order; the class is a category."""
    name = trial.suggest_categorical("worker_class", space.classes)
    ladder = space.ladder()
    workers = ladder[trial.suggest_int("workers", 0, len(ladder) - 1)]
    if name != THREADED:
        return Choice(name, workers)
    counts = space.threads()
    threads = counts[trial.suggest_int("threads", 0, len(counts) - 1)]
    capped = space.capped and trial.suggest_categorical("capped", (False, True))
    return Choice(name, workers, threads, threads if capped else None)


METHODS: dict[str, Callable[[Grid, int], Iterator[tuple[int, Choice | None]]]] = {
    "gunitune": ours,
    "gunitune, no model": lambda grid, seed: ours(grid, seed, predicted=False),
    "random, our estimator": lambda grid, seed: shuffled(grid, seed, paired=True),
    "random": lambda grid, seed: shuffled(grid, seed, paired=False),
    "optuna tpe": lambda grid, seed: optuna(grid, seed, "tpe"),
    "tpe, our estimator": lambda grid, seed: optuna(grid, seed, "tpe", paired=True),
    "optuna tpe multivariate": lambda grid, seed: optuna(grid, seed, "tpe multivariate"),
    "optuna cma-es": lambda grid, seed: optuna(grid, seed, "cma-es"),
    "optuna qmc": lambda grid, seed: optuna(grid, seed, "qmc"),
}


@cache
def grids(files: tuple[Path, ...], cpus: float, cores: float) -> dict[str, Grid]:
    """The grids by name."""
    found = [recorded(path, cpus, cores) for path in files]
    found = found or simulations()
    return {grid.name: grid for grid in found}


def trajectory(job: tuple[tuple[Path, ...], float, float, str, str, int]) -> list[float]:
    """Shares of the best at each mark, of one method on one grid with one seed."""
    files, cpus, cores, name, method, seed = job
    grid = grids(files, cpus, cores)[name]
    return [grid.share(choice) for _, choice in METHODS[method](grid, seed)]


def needed(hits: Sequence[float], probability: float) -> float:
    """Blocks from which on the share of hits stays as high; infinity where it does not."""
    found = math.inf
    for mark, share in reversed(list(zip(MARKS, hits, strict=True))):
        if share < probability:
            break
        found = mark
    return found


def main() -> None:
    """Run all and print a table for each grid, and one over all."""
    given = arguments()
    files = tuple(given.grids)
    names = list(grids(files, given.cpus, given.cores))
    methods = [name for name in METHODS if not given.only or name in given.only]
    try:
        import optuna as _  # noqa: F401  (only whether it is there)
    except ImportError:
        methods = [name for name in methods if "optuna" not in name and "tpe" not in name]
        print("optuna is not installed: without its samplers", file=sys.stderr)
    over: dict[str, list[tuple[list[float], list[float]]]] = defaultdict(list)
    with ProcessPoolExecutor(given.jobs) as pool:
        for name in names:
            print(f"\n{name}\n{'':26}" + "".join(f"{mark:>6}" for mark in MARKS) + "   80 % 90 %")
            for method in methods:
                jobs = [
                    (files, given.cpus, given.cores, name, method, seed)
                    for seed in range(given.seeds)
                ]
                shares = list(zip(*pool.map(trajectory, jobs), strict=True))
                hits = [mean(share >= WITHIN for share in at) for at in shares]
                over[method].append((hits, [mean(at) for at in shares]))
                print(_row(method, hits, needed(hits, 0.8), needed(hits, 0.9)), flush=True)
    print(f"\nmean over {len(names)} grids; medians of the blocks needed; then the worst grid")
    for method in methods:
        hits = [mean(found[0][at] for found in over[method]) for at in range(len(MARKS))]
        blocks = [median(needed(found[0], p) for found in over[method]) for p in (0.8, 0.9)]
        worst = [min(found[0][at] for found in over[method]) for at in range(len(MARKS))]
        got = [mean(found[1][at] for found in over[method]) for at in range(len(MARKS))]
        print(_row(method, hits, *blocks))
        print(f"{'  worst grid':26}" + "".join(f"{100 * hit:>5.0f}%" for hit in worst))
        print(f"{'  mean share of the best':26}" + "".join(f"{share:>6.3f}" for share in got))


def _row(method: str, hits: Sequence[float], eighty: float, ninety: float) -> str:
    needed_ = "".join(f"{'-' if math.isinf(n) else f'{n:.0f}':>5}" for n in (eighty, ninety))
    return f"{method:26}" + "".join(f"{100 * hit:>5.0f}%" for hit in hits) + "  " + needed_


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("grids", type=Path, nargs="*")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cpus", type=float, default=2.0)
    parser.add_argument("--cores", type=float, default=2.0)
    parser.add_argument("--only", action="append", choices=METHODS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
