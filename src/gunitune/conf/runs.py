"""What one run of a config file leaves, under what it takes for granted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gunitune.conf.environ import OTHER
from gunitune.conf.values import Binding, Frame, exported
from gunitune.conf.wording import told
from gunitune.model import Unknown

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

    from gunitune.conf.decisions import Key
    from gunitune.conf.imports import Imports


@dataclass(frozen=True, slots=True)
class Assumption:
    """What one run takes for granted: variables (None: not set), and ways to go."""

    environ: Mapping[str, str | Unknown | None] = field(default_factory=dict)
    forced: Mapping[Key, bool] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Run:
    """The file, carried out once. `stopped`: it ends on purpose; `spent`: at a statement."""

    state: Imports
    frame: Frame
    assumption: Assumption
    stopped: bool = False
    spent: ast.stmt | None = None

    def value(self, name: str) -> Any:
        """What the run leaves a name as, for others; None where it has no such name."""
        binding = self.frame.names.get(name)
        return None if binding is None else self.exported(binding)

    def exported(self, binding: Binding) -> Any:
        """What a binding's value is for others."""
        value = exported(self.state.seen(binding.value))
        if OTHER in self.assumption.environ.values() and OTHER in str(value):
            return Unknown("set by an environment variable")
        return value

    def depends(self, binding: Binding) -> frozenset[str]:
        """What a name depends on, changes in place included."""
        found = set(binding.depends)
        left, seen = [binding.value], set()
        while left and self.state.marks:
            value = left.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            mark = self.state.marks.get(id(value))
            if mark is not None and mark[0] is value:
                found |= mark[2]
            if isinstance(value, (list, tuple, dict)) and len(left) < 1_000:
                left.extend(value.values() if isinstance(value, dict) else value)
        return frozenset(found)


def marks_in(depends: frozenset[str]) -> list[int]:
    """The numbers of the open decisions in what a name depends on."""
    return sorted(int(each[1:]) for each in depends if each.startswith("?"))


def hangs_on(run: Run, binding: Binding) -> Unknown | None:
    """That a name of a branch hangs on a condition that this branch leaves open."""
    if marks := marks_in(run.depends(binding)):
        decision = [*run.state.trace.values()][marks[0]]
        return Unknown(f"depends on {told(decision)}, which can't be told")
    return None
