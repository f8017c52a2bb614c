"""Tune, measure and recommend against an exhaustive grid, on one example app: the shares of best.

    python benchmarks/figures.py APP FOLDER [--cpus 1] [--rounds 5] [--seconds 4] [--concurrency 32]

In turn, in a copy of the example below FOLDER: `gunitune measure` (a minute), `gunitune tune` (a
fifth of the grid's time at most), then the grid with whatever those two and the rules of thumb ask
for, in interleaved rounds (grid.py). The best is chosen on half of the rounds and every share is
scored on the other half, both ways round. What FOLDER holds already is not run again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from example_apps import ASGI, EXAMPLES, UVICORN, grid, python_of, upstream
from grid import blocks, measure_round

from gunitune.api import recommend
from gunitune.measure.session import session
from gunitune.serve.signals import ended_by_signals
from gunitune.trial import Choice
from gunitune.tune.request import predictor, recommended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.measure.session import Session
    from gunitune.trial import Block

TUNE_SHARE = 0.185  # of the grid's time: a fifth, less what a tune takes beyond its budget
BETWEEN_BLOCKS_S = 2  # to stop, boot and warm up: about that on the examples
MEGABYTE = 1_000_000


def main() -> None:
    """Run what is missing and print the table."""
    given = arguments()
    project = given.folder / given.app
    if not project.exists():
        made = shutil.ignore_patterns("deploy", "instance", ".gunitune", "__pycache__")
        shutil.copytree(EXAMPLES / given.app, project, ignore=made)
    with ended_by_signals(), upstream(given.app) as environ:
        task = session(str(project), options(given, environ), use_settings=False)
        plain = recommended(recommend(project, cpus=task.host.cpus, use_settings=False))
        flags = command(given, environ)
        run(project, "measure.out", ["measure", str(project), *flags, "-f", "json"])
        task = session(str(project), options(given, environ), use_settings=False)
        after = recommended(recommend(project, cpus=task.host.cpus, use_settings=False))
        budget = ["--budget", f"{tune_budget_s(given)}s"]
        study = run(project, "tune.out", ["tune", str(project), *flags, *budget, "-f", "json"])
        contenders = named(given.app, task, plain, after, study)
        choices = list(dict.fromkeys([*grid(given.app), *contenders.values()]))
        for turn in range(given.rounds):
            measure_round(task, given, turn, choices)
    report(given, task, contenders, blocks(given.file), study)


def options(given: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    """The same options for Python as `command` gives."""
    return {
        "python": str(python_of(given.app)),
        "env": [f"{name}={value}" for name, value in environ.items()],
        "cpus": given.cpus,
        "concurrency": str(given.concurrency),
    }


def tune_budget_s(given: argparse.Namespace) -> int:
    """About a fifth of what the grid takes: 160 s for 29 settings in five rounds of 4 s."""
    grid_s: float = given.rounds * len(grid(given.app)) * (given.seconds + BETWEEN_BLOCKS_S)
    return round(TUNE_SHARE * grid_s)


def command(given: argparse.Namespace, environ: Mapping[str, str]) -> list[str]:
    """Options of the command line."""
    flags = ["--python", str(python_of(given.app)), "--concurrency", str(given.concurrency)]
    flags += [f"--env={name}={value}" for name, value in environ.items()]
    return [*flags, *(["--cpus", given.cpus] if given.cpus else []), "--no-settings"]


def run(project: Path, name: str, arguments: list[str]) -> dict[str, Any]:
    """What a command printed as JSON, now or before."""
    stored = project.parent / f"{project.name}.{name}"
    if not stored.exists():
        full = [sys.executable, "-m", "gunitune", *arguments]
        ran = subprocess.run(full, stdout=subprocess.PIPE, text=True, check=True)
        stored.write_text(ran.stdout, encoding="utf-8")
    document: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8"))
    return document


def named(
    app: str, task: Session, plain: Choice, after: Choice, study: dict[str, Any]
) -> dict[str, Choice]:
    """Who is compared, by name."""
    cpus = task.host.cpus
    rule, cores = math.floor(2 * cpus) + 1, max(1, math.ceil(cpus))
    memory = task.host.memory_bytes
    heroku = min(rule, memory // (256 * MEGABYTE)) if isinstance(memory, int) else rule
    usual = "asgi" if app in ASGI else "sync"
    found = {
        "tune": chosen(study["winner"]["settings"]),
        "recommend after measure": after,
        "recommend": plain,
        "(2*CPU)+1": Choice(usual, rule),
        "default": Choice(usual, 1),
        "uvicorn-gunicorn image": Choice(UVICORN if app in ASGI else usual, max(cores, 2)),
        "Heroku": Choice(usual, max(1, heroku)),
    }
    return found if app in ASGI else found | {"(2*CPU)+1 gevent": Choice("gevent", rule)}


def chosen(settings: dict[str, Any]) -> Choice:
    """A choice from Gunicorn's settings."""
    extra = {"worker_class", "workers", "threads", "worker_connections"}
    return Choice(
        settings["worker_class"],
        settings["workers"],
        settings.get("threads", 1),
        settings.get("worker_connections"),
        tuple(sorted((name, value) for name, value in settings.items() if name not in extra)),
    )


def report(
    given: argparse.Namespace,
    task: Session,
    contenders: dict[str, Choice],
    found: list[Block],
    study: dict[str, Any],
) -> None:
    """The shares, the model's error, and the times."""
    among = grid(given.app)
    print(f"{given.app}, {task.host.cpus:g} CPUs, {given.concurrency} clients, {len(found)} blocks")
    for name, choice in contenders.items():
        halves = shares(found, choice, among)
        low, high = min(halves), max(halves)
        print(f"  {statistics.mean(halves):5.2f} ({low:.2f}, {high:.2f})  {name}: {choice}")
    if ratios := predicted(task, found, among):
        speed = statistics.median(ratios)
        plain = statistics.median(abs(ratio - 1) for ratio in ratios)
        evened = statistics.median(abs(ratio / speed - 1) for ratio in ratios)
        print(f"  model: median error {plain:.0%} of the grid's {len(ratios)}; {evened:.0%} once")
        print(f"    one factor for all, {speed:.2f}, takes out how the host's speed has changed")
    took = grid_s(found, len(among) * given.rounds)
    print(
        f"  tune {study['spent_s']:.0f} s, grid {took:.0f} s: {study['spent_s'] / took:.2f} of it"
    )
    print(f"  tune's own model error {study['model_error'] or math.nan:.0%}")
    for ratio in study["against"]:
        measured = mean_rps(found, chosen(study["winner"]["settings"])) / mean_rps(
            found, chosen(ratio["settings"])
        )
        told = f"{ratio['ratio']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
        print(f"  tune told {told} times {ratio['name']}; the grid: {measured:.2f}")


def grid_s(found: list[Block], count: int) -> float:
    """Seconds that so many blocks take, by the median time from one to the next."""
    ends = [block.answered.ended for block in found]
    steps = [after - before for before, after in itertools.pairwise(ends)]
    return count * statistics.median(steps)


def shares(found: list[Block], choice: Choice, among: list[Choice]) -> list[float]:
    """Of the grid's best: chosen on one half of the rounds, scored on the other, both ways."""
    scored = []
    for parity in (0, 1):
        choosing = [block for block in found if block.round % 2 == parity]
        scoring = [block for block in found if block.round % 2 != parity]
        best = max(among, key=lambda each: mean_rps(choosing, each))
        if mean_rps(scoring, best) > 0:
            scored.append(mean_rps(scoring, choice) / mean_rps(scoring, best))
    return scored or [math.nan]


def mean_rps(found: list[Block], choice: Choice) -> float:
    """Mean throughput of the blocks that count; of all, where none does."""
    own = [block for block in found if block.choice == choice]
    counted = [block.rps for block in own if not block.void] or [block.rps for block in own]
    return statistics.mean(counted) if counted else 0.0


def predicted(task: Session, found: list[Block], among: list[Choice]) -> list[float]:
    """Predicted over measured of the grid's choices, from the stored measurement alone."""
    from gunitune.measure.store import load

    profile = load(task.folder)
    if profile is None:
        return []
    model = predictor(replace(task, load=found[0].load), profile.facts)
    ratios = []
    for choice in among:
        expected, measured = model(choice), mean_rps(found, choice)
        if expected is not None and measured > 0:
            ratios.append(expected.rps / measured)
    return ratios


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("app")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cpus")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--concurrency", type=int, default=32)
    given = parser.parse_args()
    given.file = given.folder / f"{given.app}.jsonl"
    return given


if __name__ == "__main__":
    main()
