"""Reads the limit files of cgroups, and tells the least of several bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import MIB, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.machine.groups import Cgroups, Group

# The kernel writes "no limit" as 2^63 less one page, and older files as 2^64 - 1.
NO_LIMIT = 2**63 - MIB
NOT_UNDERSTOOD = "not understood"


def limits(groups: Sequence[Group], files: Sequence[str], unit: str) -> Iterator[Fact]:
    """Limits set in those of the `files` that exist, nearest group first."""
    for group in groups:
        for file in files:
            text = group.read(file)
            fact = None if text is None else _limit(group, file, unit, text.strip())
            if fact:
                yield fact


def process_limits(cgroups: Cgroups) -> tuple[Fact, ...]:
    """How many processes and threads the process's cgroups allow, at every level."""
    return tuple(limits(cgroups.of("pids"), ["pids.max"], "processes"))


def least(facts: Sequence[Fact], unit: str) -> tuple[float, str] | None:
    """The smallest value in `unit` with its source, the first of equals; None without any."""
    values = [
        (fact.value, fact.source)
        for fact in facts
        if fact.unit == unit and not isinstance(fact.value, str)
    ]
    return min(values, key=lambda value: value[0], default=None)


def not_understood(name: str, text: str, source: str) -> Fact:
    """Record a value that is no limit anyone can tell, with the beginning of what was there."""
    return Fact(name, NOT_UNDERSTOOD, "", f"{source}: {text[:40]!r}")


def _limit(group: Group, file: str, unit: str, text: str) -> Fact | None:
    """Read `max`, `-1` or a number; None for no limit."""
    if text == "max" or text.startswith("-"):
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number == 0:
        return not_understood(file, text, group.source(file))
    return Fact(file, number, unit, group.source(file)) if number < NO_LIMIT else None
