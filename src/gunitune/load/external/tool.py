"""What is known of a load generator on PATH, and what it can tell of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from gunitune.model import Unknown
    from gunitune.trial import Latency, Load

# The words that tell the kind of an error in what a library says of it.
KINDS = (
    ("refused", "refused"),
    ("reset", "reset"),
    ("broken pipe", "reset"),
    ("timeout", "timeout"),
    ("timed out", "timeout"),
    ("deadline exceeded", "timeout"),
    ("eof", "closed early"),
    ("closed", "closed early"),
    ("malformed", "malformed"),
    ("too many open files", "too many open files"),
    ("cannot assign requested address", "no free port"),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a tool: the load, where to, for how long, and a folder for its files."""

    load: Load
    host: str
    port: int
    duration_s: float
    folder: Path


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments after the program's name, and what goes to its stdin."""

    arguments: list[str]
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool told of one run. `slices` are answers per tenth of a second, if it tells."""

    served: int
    errors: Mapping[str, int]
    latency: Latency | Unknown
    duration_s: float
    dropped: int = 0
    slices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """A load generator: how it is known from its namesakes, asked and understood.

    `known` is a pattern of what it prints for `version`. `refused` says why it can't do a load.
    `report` is a further command that prints the results of `command`; None where that does.
    """

    name: str
    version: tuple[str, ...]
    known: str
    refused: Callable[[Load], str]
    command: Callable[[Job], Command]
    read: Callable[[str, Job], Outcome]
    report: Callable[[Job], Command] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    threads: int = 0  # the CPUs that it can use at most; 0: all


def kind_of(text: str) -> str:
    """The kind of an error, by what a library says of it."""
    lower = text.lower()
    return next((kind for words, kind in KINDS if words in lower), lower[:80] or "unknown")


def is_expected(status: int, expect: frozenset[int]) -> bool:
    """Whether the status counts as served."""
    return status in expect if expect else 200 <= status < 300


def missing(offered: float, sent: int) -> int:
    """Arrivals of a constant rate that were never sent: the start or end may cost a few."""
    short = int(offered - sent)
    return short if short > max(2, 0.01 * offered) else 0


def not_understood(name: str, output: str) -> GunituneError:
    """The error for output that is not as the tool's documentation has it."""
    start = " ".join(output.split())[:120]
    return GunituneError(
        f"what {name} printed was not understood: {start!r}",
        "take another version, or leave --load-generator out",
    )


def added(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts by kind, those of the same kind together, without zeros."""
    found: dict[str, int] = {}
    for kind, count in counts:
        if count:
            found[kind] = found.get(kind, 0) + count
    return found
