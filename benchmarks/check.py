"""Prints what `gunitune check` costs: one file, many files, memory; ratios are what to read.

    python benchmarks/check.py [RUNS]

Needs a Gunicorn in the same environment, for `gunicorn --check-config`. The configs are made up
from the shapes and shares of public ones (tests/census.py). Figures are medians of whole processes
that take turns; rates are per CPU second, so that what else the machine does counts little. Memory
is the process's peak. `/ gunicorn` is how many files go into one `gunicorn --check-config`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from startup import HELLO, SCRIPT

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from census import configs  # noqa: E402  (tests/ is no package)

APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'ok']\n"
COUNTS = (200, 2000, 8000)
TARGET = ["--cpus", "2", "--memory", "1GiB"]


class Cost(NamedTuple):
    """What a process took."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


def main(runs: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        one = one_file(Path(folder), runs)
        many_files(Path(folder), runs, one)


def one_file(folder: Path, runs: int) -> float:
    """Time whole processes on one config; gives the CPU seconds of `gunicorn --check-config`."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    (folder / "one.py").write_text(next(configs(1)).text, encoding="utf-8")
    python, gunicorn = sys.executable, str(SCRIPT.parent / "gunicorn")
    commands = {
        "hello": [python, "hello.py", "hello"],
        "gunitune check one.py": [python, str(SCRIPT), "check", "--exit-zero", *TARGET, "one.py"],
        "gunicorn --check-config": [python, gunicorn, "--check-config", "-c", "one.py", "app:app"],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            taken = cost(command, folder)
            if turn:  # the first turn fills caches
                costs[name].append(taken)
    middle = {name: median(found) for name, found in costs.items()}
    hello = middle["hello"]
    head = f"{'wall ms':>8} {'/ hello':>8} {'CPU ms':>8} {'/ hello':>8}"
    print(f"{'one file, a whole process':<26} {head}")
    for name, taken in middle.items():
        wall, cpu = taken.wall_s * 1000, taken.cpu_s * 1000
        ratios = taken.wall_s / hello.wall_s, taken.cpu_s / hello.cpu_s
        print(f"{name:<26} {wall:>8.0f} {ratios[0]:>8.2f} {cpu:>8.0f} {ratios[1]:>8.2f}")
    return middle["gunicorn --check-config"].cpu_s


def many_files(folder: Path, runs: int, gunicorn_s: float) -> None:
    """Check folders of configs, one after the other, in turns."""
    folders = {count: written(folder / str(count), count) for count in COUNTS}
    costs: dict[int, list[Cost]] = {count: [] for count in COUNTS}
    for _ in range(max(1, runs // 5)):
        for count, tree in folders.items():
            command = [sys.executable, str(SCRIPT), "check", *TARGET, "."]
            costs[count].append(cost(command, tree))
    head = f"{'files':>5} {'CPU s':>7} {'wall s':>7} {'files / CPU s':>13} {'/ gunicorn':>10}"
    print(f"\n{head} {'peak MiB':>8} {f'/ {COUNTS[0]}':>6}")
    middle = {count: median(found) for count, found in costs.items()}
    base = middle[COUNTS[0]].peak_bytes
    for count, taken in middle.items():
        rate = count / taken.cpu_s
        speed = f"{taken.cpu_s:>7.2f} {taken.wall_s:>7.2f} {rate:>13.0f} {rate * gunicorn_s:>10.1f}"
        memory = f"{taken.peak_bytes / 2**20:>8.1f} {taken.peak_bytes / base:>6.2f}"
        print(f"{count:>5} {speed} {memory}")


def median(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    cpu, wall, peak = zip(*costs, strict=True)
    return Cost(statistics.median(cpu), statistics.median(wall), round(statistics.median(peak)))


def written(folder: Path, count: int) -> Path:
    """A project of many services, each with its config."""
    for number, config in enumerate(configs(count)):
        path = folder / f"service{number:05}" / config.name
        path.parent.mkdir(parents=True)
        path.write_text(config.text, encoding="utf-8")
    (folder / "requirements.txt").write_text("gunicorn\n", encoding="utf-8")
    return folder


def cost(command: list[str], folder: Path) -> Cost:
    """Run a process to its end in a folder; findings are no failure."""
    start = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    wall_s = time.perf_counter() - start
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
