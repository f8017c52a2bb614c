"""Says in plain words what keeps the server within its limits, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.serve.wanted import cpu_list
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gunitune.serve.wanted import Wanted


def confined(  # noqa: PLR0913  (what the line is made of)
    wish: Wanted,
    by: Mapping[str, str],
    unmet: Sequence[str],
    cores: frozenset[int],
    *,
    pinned: bool = False,
    reason: str = "",
) -> str:
    """One line; empty where nothing was asked.

    `by` names what enforces "cpu" and "memory", `unmet` those that nothing does, for that
    reason. `pinned`: affinity stands in for the quota.
    """
    limits = _limits(wish)
    parts = list(_enforced(limits, by))
    if cores:
        parts.append(f"{'affinity: ' if pinned else ''}CPU {cpu_list(cores)} only")
    if unmet:
        missing = " and ".join(limits[what] for what in unmet)
        parts.append(f"{missing} not enforced: no cgroup for that can be made here ({reason})")
    return "; ".join([*parts, *wish.remarks])


def _limits(wish: Wanted) -> dict[str, str]:
    found = {}
    if wish.cpus is not None:
        found["cpu"] = f"quota of {format_number(wish.cpus)} CPU{'' if wish.cpus == 1 else 's'}"
    if wish.memory_bytes is not None:
        found["memory"] = f"{format_size(wish.memory_bytes)} of memory"
    return found


def _enforced(limits: Mapping[str, str], by: Mapping[str, str]) -> Iterator[str]:
    for means in sorted(set(by.values())):
        held = [text for what, text in limits.items() if by.get(what) == means]
        yield f"{means}: {' and '.join(held)}"
