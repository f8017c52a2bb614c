"""Which settings a file sets twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.checks.look import Hit
from gunitune.checks.source import slice_of
from gunitune.conf.model import Defined
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look
    from gunitune.conf.model import Assigned


def dead_assignment(look: Look) -> Iterator[Hit]:
    """Settings that the file gives a value, and another before anything could read the first."""
    for first, second in _pairs(look):
        if not _same(look, first, second):
            facts = {"name": first.name, "line": second.span.line}
            yield Hit(first.span, first.name, facts)


def repeated_assignment(look: Look) -> Iterator[Hit]:
    """Settings that the file gives the same value twice."""
    from gunitune.fixes import delete

    for first, second in _pairs(look):
        if _same(look, first, second):
            facts = {"name": first.name, "line": second.span.line}
            yield Hit(first.span, first.name, facts, delete(look.conf, first))


def _pairs(look: Look) -> Iterator[tuple[Assigned, Assigned]]:
    """Assignments of the module itself that follow each other, of names that it never reads."""
    latest: dict[str, Assigned] = {}
    for assigned in look.conf.assignments:
        before = latest.get(assigned.name)
        latest[assigned.name] = assigned
        if before and _plain(before) and _plain(assigned) and before.name not in look.conf.reads:
            yield before, assigned


def _plain(assigned: Assigned) -> bool:
    return assigned.top_level and assigned.means in ("assign", "function")


def _same(look: Look, first: Assigned, second: Assigned) -> bool:
    """Whether both say the same: the value where it can be told, else word for word."""
    if isinstance(first.value, Unknown | Defined):
        return slice_of(look.conf, first.statement) == slice_of(look.conf, second.statement)
    from gunitune.conf.values import same

    return same(first.value, second.value)
