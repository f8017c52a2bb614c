"""Which names can't be told, since they hang on conditions that can't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.conf.runs import Run, marks_in
from gunitune.conf.values import same
from gunitune.conf.wording import told
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.conf.decisions import Decision, Key


@dataclass(slots=True, eq=False, repr=False)
class Branch:
    """A run that goes another way at one decision, and how a reader would say so."""

    condition: str
    decision: Decision
    run: Run


def lost_names(primary: Run, branches: Sequence[Branch]) -> dict[str, Unknown]:
    """The names of the primary run that can't be told, by name, and why."""
    if all(each.grounds != "unknown" for each in primary.state.trace.values()):
        return {}
    by_key: dict[Key, list[Branch]] = {}
    for branch in branches:
        if branch.decision.grounds == "unknown" and _is_same_environment(primary, branch.run):
            by_key.setdefault(branch.decision.key, []).append(branch)
    runs = (primary, *(branch.run for branch in branches))
    lost: dict[str, Unknown] = {}
    for name in sorted({name for run in runs for name in run.frame.names}):
        if (decision := _hangs_on(primary, by_key, name)) is not None:
            lost[name] = Unknown(f"depends on {told(decision)}, which can't be told")
    return lost


def _is_same_environment(primary: Run, run: Run) -> bool:
    """Whether a run differs from the primary one only where that leaves a condition open."""
    trace = primary.state.trace
    return run.assumption.environ == primary.assumption.environ and all(
        primary.assumption.forced.get(key) is side or trace[key].grounds == "unknown"
        for key, side in run.assumption.forced.items()
        if key in trace
    )


def _hangs_on(primary: Run, by_key: dict[Key, list[Branch]], name: str) -> Decision | None:
    """The open condition that a name hangs on."""
    own = _open_keys(primary, name)
    for branches in by_key.values():
        for branch in branches:
            more = _open_keys(branch.run, name).keys() - own.keys()
            if more or not same(primary.value(name), branch.run.value(name)):
                return branches[0].decision
    unseen = [decision for key, decision in own.items() if key not in by_key]
    return next(iter(unseen), None) or (next(iter(own.values())) if len(own) > 1 else None)


def _open_keys(run: Run, name: str) -> dict[Key, Decision]:
    """The decisions that a run leaves open and a name of it hangs on."""
    if name not in run.frame.names:
        return {}
    decisions = [*run.state.trace.values()]
    marks = marks_in(run.depends(run.frame.names[name]))
    return {decisions[mark].key: decisions[mark] for mark in marks}
