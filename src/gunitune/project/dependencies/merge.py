"""Makes one list of what a project's files declare, bound and lock."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.project.dependencies.requirement import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gunitune.model import Dependency
    from gunitune.project.dependencies.reading import Locked, Reading


def merged(readings: Iterable[tuple[bool, Reading]]) -> list[Dependency]:
    """Everything declared or locked, nearest to the root first.

    A reading that only bounds others (pip's constraints) counts for what the others ask for. What
    is locked for development alone is marked so, by its groups or by what needs it.
    """
    found: list[Dependency] = []
    locks: list[Locked] = []
    bounds: list[Dependency] = []
    for bounding, reading in readings:
        if bounding:
            bounds += (*reading.declared, *(lock.dependency for lock in reading.locked))
        else:
            found += reading.declared
            locks += reading.locked
    runtime = {dependency.name for dependency in found if not dependency.dev}
    development = {dependency.name for dependency in found} - runtime
    found += _locked(locks, runtime, development)
    found += _bounds(bounds, found)
    return sorted(found, key=lambda one: (one.path.count("/"), one.path, one.line))


def _bounds(bounds: list[Dependency], found: list[Dependency]) -> list[Dependency]:
    """Constraints on what is asked for; for development where it is."""
    dev = dict.fromkeys((one.name for one in found), True)
    dev |= {one.name: False for one in found if not one.dev}
    return [
        replace(bound, direct=False, dev=bound.dev or dev[bound.name])
        for bound in bounds
        if bound.name in dev
    ]


def _locked(locks: list[Locked], runtime: set[str], development: set[str]) -> list[Dependency]:
    needs: dict[str, set[str]] = {}
    for lock in locks:
        needs.setdefault(lock.dependency.name, set()).update(map(normalised, lock.needs))
    apart = _reached(development, needs) - _reached(runtime, needs)
    return [
        replace(lock.dependency, dev=lock.dependency.name in apart)
        if lock.dev is None
        else lock.dependency
        for lock in locks
    ]


def _reached(names: set[str], needs: Mapping[str, set[str]]) -> set[str]:
    """All of `names`, what they need, what that needs, and so on."""
    reached, pending = set(names), deque(names)
    while pending:
        more = needs.get(pending.popleft(), set()) - reached
        reached |= more
        pending.extend(more)
    return reached
