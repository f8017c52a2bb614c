"""Prints what a cold start costs beside a hello of the same typer; ratios are what to read.

    python benchmarks/startup.py [RUNS]

Every run is a whole process; commands take turns, so that a change of the machine's speed meets
all of them; a figure is the median of its runs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = Path(sys.executable).parent / "gunitune"  # the console script, as users start it
ROOT = Path(__file__).resolve().parent.parent
HELLO = """
import typer

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


def version(value: bool) -> None:
    if value:
        print("hello 1.0")
        raise typer.Exit


@app.callback()
def main(v: bool = typer.Option(False, "--version", callback=version, is_eager=True)) -> None:
    pass


@app.command()
def hello(name: str = typer.Option("you", help="Who.")) -> None:
    print("hello", name)


app()
"""


def main(runs: int) -> None:
    """Time the commands in turn and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "hello.py"
        script.write_text(HELLO, encoding="utf-8")
        commands = {
            "hello --version": [str(script), "--version"],
            "hello": [str(script), "hello"],
            **{name: [str(SCRIPT), *name.split()] for name in gunitune_commands()},
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 1):
            for name, arguments in commands.items():
                seconds = timed([sys.executable, *arguments])
                if turn:  # the first turn fills caches
                    times[name].append(seconds)
    report(times)


def gunitune_commands() -> list[str]:
    """The commands of the table."""
    examples = sorted(path.parent.name for path in (ROOT / "examples").glob("*/requirements.txt"))
    return [
        "--version",
        "--help",
        *(f"recommend -f json examples/{name}" for name in examples),
        f"emit examples/{examples[0]}",
        "probe",
    ]


def timed(command: list[str]) -> float:
    """Wall seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def report(times: dict[str, list[float]]) -> None:
    """Print medians, and ratios to the hello of the same kind."""
    base = {True: times["hello --version"], False: times["hello"]}
    print(f"{'command':<42} {'median ms':>9} {'min ms':>7} {'- hello ms':>10} {'/ hello':>8}")
    for name, found in times.items():
        median, hello = (statistics.median(each) for each in (found, base["--version" in name]))
        shown = (median * 1000, min(found) * 1000, (median - hello) * 1000, median / hello)
        print("{:<42} {:>9.0f} {:>7.0f} {:>10.0f} {:>8.2f}".format(name, *shown))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
