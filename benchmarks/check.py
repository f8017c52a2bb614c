"""Prints what `gunitune check` costs: one file, many files, memory; ratios are what to read.

    python benchmarks/check.py [RUNS]

Needs a Gunicorn in the same environment, for `gunicorn --check-config`. The configs are made up
from the shapes and shares of public ones (tests/census.py). Times of one file are medians of whole
processes that take turns; those of many are CPU seconds, so that what else the machine does counts
little. Memory is the process's peak.
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
    """Time whole processes on one config; gives the seconds of `gunicorn --check-config`."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    (folder / "one.py").write_text(next(configs(1)).text, encoding="utf-8")
    python, gunicorn = sys.executable, str(SCRIPT.parent / "gunicorn")
    commands = {
        "hello": [python, "hello.py", "hello"],
        "gunitune check one.py": [python, str(SCRIPT), "check", "--exit-zero", *TARGET, "one.py"],
        "gunicorn --check-config": [python, gunicorn, "--check-config", "-c", "one.py", "app:app"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            seconds = cost(command, folder).wall_s
            if turn:  # the first turn fills caches
                times[name].append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(f"{'one file, a whole process':<34} {'median ms':>9} {'/ hello':>8}")
    for name, seconds in medians.items():
        print(f"{name:<34} {seconds * 1000:>9.0f} {seconds / medians['hello']:>8.2f}")
    return medians["gunicorn --check-config"]


def many_files(folder: Path, runs: int, gunicorn_s: float) -> None:
    """Check folders of configs, one after the other, in turns."""
    folders = {count: written(folder / str(count), count) for count in COUNTS}
    costs: dict[int, list[Cost]] = {count: [] for count in COUNTS}
    for _ in range(max(1, runs // 3)):
        for count, tree in folders.items():
            command = [sys.executable, str(SCRIPT), "check", *TARGET, "."]
            costs[count].append(cost(command, tree))
    head = f"{'files':>5} {'CPU s':>7} {'wall s':>7} {'files / CPU s':>14} {'peak MiB':>9}"
    print(f"\n{head} {'memory / 200':>12} {'speed / gunicorn':>16}")
    base = min(cost.peak_bytes for cost in costs[COUNTS[0]])
    for count, found in costs.items():
        cpu_s, wall_s = (statistics.median(each) for each in list(zip(*found, strict=True))[:2])
        peak = min(cost.peak_bytes for cost in found)
        rate = count / cpu_s
        print(
            f"{count:>5} {cpu_s:>7.2f} {wall_s:>7.2f} {rate:>14.0f} {peak / 2**20:>9.1f} "
            f"{peak / base:>12.2f} {rate * gunicorn_s:>16.0f}"
        )


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
