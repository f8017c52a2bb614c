"""Measures a grid of settings for an example app, in interleaved rounds, block by block.

    python benchmarks/grid.py APP FILE.jsonl [--cpus 1] [--rounds 5] [--seconds 4] [--concurrency N]

Every round runs every setting once, in an order of its own, each under a Gunicorn started anew.
Blocks are appended to the file as they end; started again, it goes on where it stopped. A block in
which other work took more of the server's CPUs than usual is run again. A quarter of an hour for
all rounds of one app's 29 settings is normal where blocks last 4 s.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from example_apps import EXAMPLES, grid, python_of, upstream

from gunitune.errors import GunituneError
from gunitune.measure.block import run_block
from gunitune.measure.session import session
from gunitune.model import Unknown
from gunitune.serve.signals import ended_by_signals
from gunitune.trial import Block
from gunitune.tune.codec import from_json, to_json

if TYPE_CHECKING:
    from gunitune.measure.session import Session
    from gunitune.trial import Choice


def main() -> None:
    """Measure what the file does not hold yet."""
    given = arguments()
    with ended_by_signals(), upstream(given.app) as environ:
        options = {
            "python": str(python_of(given.app)),
            "env": [f"{name}={value}" for name, value in environ.items()],
            "cpus": given.cpus,
            "concurrency": str(given.concurrency),
        }
        task = session(str(EXAMPLES / given.app), options, use_settings=False)
        for turn in range(given.rounds):
            measure_round(task, given, turn, grid(given.app))


def measure_round(
    task: Session, given: argparse.Namespace, turn: int, choices: list[Choice]
) -> None:
    """Every setting once that this round does not have yet."""
    done = {block.choice for block in blocks(given.file) if block.round == turn}
    order = list(choices)
    random.Random(turn).shuffle(order)
    for choice in order:
        if choice not in done:
            measure(task, choice, given, turn)


MORE = 0.08  # CPUs taken by other work, above what is usual
TRIES = 4


def measure(task: Session, choice: Choice, given: argparse.Namespace, turn: int) -> None:
    """One block, written as soon as it ends; a disturbed one is run again."""
    block = run(task, choice, given, turn)
    for _ in range(TRIES):
        if block is None or not disturbed(block, blocks(given.file)):
            break
        print(f"{turn} {choice!s:24} disturbed: again", flush=True)
        block = run(task, choice, given, turn)
    else:
        block = replace(block, void=(*block.void, "other work")) if block else None
    if block is None:
        return
    with given.file.open("a", encoding="utf-8") as file:
        file.write(json.dumps(to_json(block)) + "\n")
    void = f" VOID {block.void}" if block.void else ""
    shown = f"{block.rps:8.1f}/s {block.cpu_ms:7.2f} ms {block.usage.cores:5.2f} cores"
    print(f"{turn} {choice!s:24} {shown}{void}", flush=True)


def disturbed(block: Block, others: list[Block]) -> bool:
    """Whether it is void, or other work took more of its CPUs than what the app asks for itself.

    That (an upstream of the app's, say) is in proportion to the requests.
    """
    each = [taken(other) / other.rps for other in others if other.rps > 0]
    usual = median(each) * block.rps if each else taken(block)
    return bool(block.void) or taken(block) > usual + MORE


def taken(block: Block) -> float:
    """CPUs that were used by neither the server nor the generator."""
    other_s = block.usage.other_cpu_s
    return 0.0 if isinstance(other_s, Unknown) else other_s / block.usage.wall_s


def run(task: Session, choice: Choice, given: argparse.Namespace, turn: int) -> Block | None:
    """One block; None where the choice does not start."""
    load = replace(task.load, duration_s=given.seconds, seed=turn)
    try:
        return run_block(
            task.launch,
            choice,
            load,
            task.limits,
            generator_cores=task.generator_cores,
            round=turn,
        )
    except GunituneError as error:
        print(f"{turn} {choice}: {error}", flush=True)
        return None


def blocks(file: Path) -> list[Block]:
    """What the file holds; a line that was cut is no block."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            found.append(from_json(Block, json.loads(line)))
        except ValueError:
            continue
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("app")
    parser.add_argument("file", type=Path)
    parser.add_argument("--cpus")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--concurrency", type=int, default=32)
    return parser.parse_args()


if __name__ == "__main__":
    main()
