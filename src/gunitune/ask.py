"""What the user knows of the app: a few plain questions in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gunitune.errors import GunituneError, UsageError
from gunitune.options import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORK = """\
What does a typical request of your app spend most of its time on?
  1  waiting: for a database, another service, a disk
  2  computing: images, reports, parsing, encryption
  3  looking things up in something large in memory: a model, big tables
  4  a bit of everything, or I don't know"""
BUSY = """\
When the site is busy, what do its CPUs do (top, your host's graphs)?
  1  they are mostly idle, and still requests are slow
  2  they are near 100 %
  3  I don't know"""
KINDS = {"1": "io", "2": "cpu", "3": "memory", "4": "unknown"}
BUSY_KINDS = {"1": "io", "2": "cpu", "3": "unknown"}


def ask(given: Mapping[str, Any]) -> dict[str, Any]:
    """Ask what was not given; an empty answer leaves an option open. Prompts go to stderr.

    Raises UsageError where there is no terminal to answer from.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("--ask needs a terminal", "say it with --kind and the other flags")
    answers: dict[str, Any] = {}
    if given.get("kind") is None:
        answers["kind"] = _kind()
    for name, question in (
        ("worker_memory", "Memory of one worker after a while (150M; Enter if unknown)? "),
        ("concurrency", "Requests at once in the busiest minute (Enter if unknown)? "),
        ("db_connections", "Connections your database allows (Enter if none or unknown)? "),
    ):  # fmt: skip
        if given.get(name) is None:
            answers[name] = _asked(question, BY_NAME[name].read)
    if given.get("leaks") is None:
        answers["leaks"] = _asked(
            "Does a worker's memory grow for as long as it runs (y/N)? ", _yes
        )
    return {name: value for name, value in answers.items() if value is not None}


def _kind() -> str:
    kind = KINDS[_choice(WORK, KINDS)]
    return kind if kind != "unknown" else BUSY_KINDS[_choice(BUSY, BUSY_KINDS)]


def _choice(question: str, choices: Mapping[str, str]) -> str:
    sys.stderr.write(question + "\n")
    while True:
        answer = _line(f"[1-{len(choices)}] ")
        if answer in choices:
            return answer
        sys.stderr.write(f"please answer with a number from 1 to {len(choices)}\n")


def _asked(question: str, read: Callable[[str], Any]) -> str | None:
    """Ask until the answer can be read; the text goes on to the options, which read it again."""
    while answer := _line(question):
        try:
            read(answer)
        except GunituneError as error:
            sys.stderr.write(f"{error}\n")
        else:
            return answer
    return None


def _yes(answer: str) -> None:
    if answer.lower() not in ("y", "yes", "n", "no"):
        raise UsageError("please answer y or n")


def _line(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise UsageError("no more answers", "say it with --kind and the other flags")
    return line.strip()
