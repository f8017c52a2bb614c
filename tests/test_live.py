"""While tuning runs, a terminal shows a live view, a log gets a line per round, --quiet nothing."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gunitune.model import Unknown
from gunitune.trial import Choice
from gunitune.tune.bench import Watch
from gunitune.tune.live import View, _Clock, watching
from tuned import GEVENT_2, STANDINGS, SYNC_5, block, standing

ROUNDS = """
import sys
from tuned import GEVENT_2, STANDINGS, SYNC_5, block
from gunitune.tune.live import watching
import os

with watching(60.0, os.environ, quiet="--quiet" in sys.argv) as watch:
    leaders = [(found.choice, found.rps.value) for found in STANDINGS[:6]]
    for turn in (0, 1):
        watch.planned([GEVENT_2, SYNC_5])
        for number, found in enumerate(STANDINGS[:2]):
            watch.started(found.choice, "search", turn)
            watch.ended(block(found, 2 * turn + number), leaders)
    watch.note("the load generator \\x1b[2J shares the CPUs")
    if "--fail" in sys.argv:
        raise KeyboardInterrupt
    watch.started(GEVENT_2, "closing", 0)
print("the result")
"""
ENVIRON = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}

# What rich would believe before it asks the terminal: of the one that the tests may run in.
OF_A_TERMINAL = (
    "NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE",
)  # fmt: skip


def on_a_terminal(*arguments: str, columns: int = 100, **environ: str) -> tuple[str, str]:
    """What stdout, a pipe, and stderr, a real terminal, get."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {key: value for key, value in os.environ.items() if key not in OF_A_TERMINAL}
    with subprocess.Popen(
        [sys.executable, "-c", ROUNDS, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**clean, **ENVIRON, "TERM": "xterm", **environ},
        text=True,
    ) as running:
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # how Linux says that nobody has the other side any more
                break
            shown += piece
        assert running.stdout is not None
        result = running.stdout.read()
    os.close(leader)
    return result, shown.decode()


def words_of(shown: str) -> str:
    """What is left to read without the terminal's commands."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_a_terminal_shows_progress_the_leaders_and_the_trial_that_runs() -> None:
    result, shown = on_a_terminal()
    read = words_of(shown)
    assert result == "the result\n"
    assert re.search(r"tuning +\S+ +\d s of 1 m, (\d+ s|1 m) left", read)
    assert "trial 5: gevent 2; closing comparison" in read
    assert re.search(r"LEADERS +REQUESTS/S +RANGE +P99 +MEMORY +RUNS", read)
    assert re.search(r"gevent 2 +412 +396-429 +231 ms +96 MiB +2", read)
    assert re.search(r"gevent 3 +409 +401-409 +240 ms +128 MiB +2", read)
    assert re.search(r"sync 5 +112 *\r\n", read), "of the last nothing is known yet"
    assert "sync 3" not in read
    assert "\x1b[?25l" in shown, "the cursor is hidden"
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "and comes back"


def test_the_view_goes_and_its_notes_stay() -> None:
    _, shown = on_a_terminal()
    noted = shown.index("gunitune: the load generator \\x1b[2J shares the CPUs")
    assert "\x1b[2K" in shown[noted:], "the view is wiped line by line"
    assert shown.rstrip().endswith("\x1b[2K"), "the last that is written wipes it"


def test_an_interrupt_gives_the_cursor_back() -> None:
    result, shown = on_a_terminal("--fail")
    assert result == ""
    assert "\x1b[?25h" in shown
    assert shown.index("\x1b[?25h") < shown.index("KeyboardInterrupt")


def test_a_narrow_terminal_gets_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, shown = on_a_terminal(columns=40)
    pictures = words_of(shown).split("tuning")
    assert len(pictures) > 1
    lines = [line for part in pictures for line in part.replace("\r", "\n").split("\n")]
    assert [line for line in lines if len(line) > 40 and "shares" not in line] == []


def test_colours_can_be_refused() -> None:
    _, plain = on_a_terminal(NO_COLOR="1")
    assert "\x1b[32m" not in plain
    assert "\x1b[32m" in on_a_terminal()[1]


def test_a_terminal_that_moves_no_cursor_gets_lines() -> None:
    _, shown = on_a_terminal(TERM="dumb")
    assert "\x1b" not in shown
    assert "gunitune: 2 choices to try in 1 m" in shown


def test_quiet_shows_nothing_at_all() -> None:
    assert on_a_terminal("--quiet") == ("the result\n", "")


LEADERS = [(found.choice, found.rps.value) for found in STANDINGS[:2]]


def follow(watch: Watch) -> None:
    for phase, turn in (("search", 0), ("search", 1), ("final", 0), ("closing", 0)):
        if phase == "search":
            watch.planned([GEVENT_2, SYNC_5])
        for found in STANDINGS[:2]:
            watch.started(found.choice, phase, turn)
            watch.ended(block(found), LEADERS)
    watch.note("steal took 12 % of the CPUs")


def test_a_log_gets_a_line_for_each_round(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(180.0, {}) as watch:
        follow(watch)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.sub(r"\d+ s of", "0 s of", shown.err) == (
        "gunitune: 2 choices to try in 3 m\n"
        "gunitune: search, round 2 (2 choices): gevent 2 leads with 412 requests/s; 0 s of 3 m\n"
        "gunitune: finals, requests arriving by themselves: gevent 2 leads with 412 requests/s; "
        "0 s of 3 m\n"
        "gunitune: closing comparison: gevent 2 leads with 412 requests/s; 0 s of 3 m\n"
        "gunitune: steal took 12 % of the CPUs\n"
    )


def test_a_round_without_a_leader_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(180.0, {}) as watch:
        watch.started(GEVENT_2, "search", 0)
        watch.ended(block(), [])
        watch.started(GEVENT_2, "search", 1)
    assert capsys.readouterr().err == ""


def test_a_quiet_log_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(180.0, {}, quiet=True) as watch:
        follow(watch)
    assert capsys.readouterr().err == ""


def test_a_name_of_the_project_does_not_drive_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    evil = standing(Choice("\x1b[31mevil\ngunitune: fake", 2), 9.0, 9.0, 9, "tie")
    with watching(180.0, {}) as watch:
        watch.ended(block(evil), [(evil.choice, 9.0)])
        watch.started(evil.choice, "search", 1)
    (line,) = capsys.readouterr().err.splitlines()
    assert r"\x1b[31mevil\ngunitune: fake 2 leads" in line


def test_the_budget_runs_from_when_the_command_began(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(180.0, {}, began=time.monotonic() - 3725) as watch:
        watch.ended(block(), LEADERS)
        watch.started(GEVENT_2, "search", 1)
    assert "1 h 2 m of 3 m" in capsys.readouterr().err


def test_a_trial_that_served_nothing_has_its_place_in_the_view() -> None:
    from rich.console import Console

    run = block(STANDINGS[-1])
    lost = replace(run.answered, latency=Unknown("nothing was served"), served=0)
    console = Console(width=100, file=io.StringIO())
    view = View(_Clock(1.0, time.monotonic() - 2), console)
    view.ended(replace(run, answered=lost, void=("2 workers died",)), [(run.choice, 0.0)])
    console.print(view.picture())
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "2 s of 1 s, ends with this trial" in shown
    assert re.search(r"gthread 5x64 +0 +\? +185 MiB +1", shown)
