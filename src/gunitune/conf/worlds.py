"""What a file sets when the conditions that it leaves open go one way or the other."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gunitune.conf.environ import OTHER, Environ, required
from gunitune.conf.imports import Imports, Project
from gunitune.conf.names import outside_functions
from gunitune.conf.values import Binding, Exhausted, Frame, Stopped, exported, same
from gunitune.conf.wording import condition, told
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Mapping

    from gunitune.conf.decisions import Decision, Key
    from gunitune.conf.machine import Machine

MAX_RUNS = 24
MAX_RUN_STEPS = 40_000
MAX_STEPS = 120_000
_MAX_STOPS = 8
_MAX_TRIED = 3


@dataclass(frozen=True, slots=True)
class Assumption:
    """What one run takes for granted: variables (None: not set), and ways to go."""

    environ: Mapping[str, str | Unknown | None] = field(default_factory=dict)
    forced: Mapping[Key, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
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
        left = [binding.value]
        while left and self.state.marks:
            value = left.pop()
            mark = self.state.marks.get(id(value))
            if mark is not None and mark[0] is value:
                found |= mark[2]
            if isinstance(value, (list, tuple, dict)) and len(left) < 1_000:
                left.extend(value.values() if isinstance(value, dict) else value)
        return frozenset(found)


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A run that goes another way at one decision, and how a reader would say so."""

    condition: str
    decision: Decision
    run: Run


class Exploration:
    """Carries a file out for the environment as it is, and once for each way it could go."""

    def __init__(
        self, tree: ast.Module, machine: Machine, names: frozenset[str], path: str, project: Project
    ) -> None:
        self.tree = tree
        self.machine = machine
        self.names = names
        self.path = path
        self.project = project
        self.runs = 0
        self.steps = 0
        self.lost: dict[str, Unknown] = {}
        self.primary = self._primary()
        self.branches = list(self._explored(self.primary, "", frozenset()))
        self._merge()

    def run(self, assumption: Assumption) -> Run:
        """Carry the file out under an assumption."""
        given: dict[str, str | Unknown] = dict(self.machine.environ)
        for name, value in assumption.environ.items():
            given.pop(name, None)
            if value is not None:
                given[name] = value
        frame = Frame(checked=True, path=self.path, package=self.project.folder)
        state = Imports(
            self.machine,
            Environ(given),
            frame,
            self.names,
            forced=assumption.forced,
            project=self.project,
        )
        state.limit = MAX_RUN_STEPS
        stopped, spent = self._carry_out(state)
        self.runs += 1
        self.steps += state.steps
        return Run(state, frame, assumption, stopped, spent)

    def _carry_out(self, state: Imports) -> tuple[bool, ast.stmt | None]:
        for index, node in enumerate(self.tree.body):
            try:
                if state.statement(node) is not None:
                    break
            except Stopped:
                return True, None
            except Exhausted:
                state.limit = state.steps + MAX_RUN_STEPS
                why = Unknown("the file takes too long to work out")
                state.lose_names(self.tree.body[index:], why, frozenset())
                return False, node
        return False, None

    def _primary(self) -> Run:
        """The run for the environment as it is; a file that ends itself is taken not to."""
        run = self.run(Assumption())
        for _ in range(_MAX_STOPS):
            if not run.stopped:
                break
            decisions = [each for each in run.state.trace.values() if _is_open(each)]
            others = [
                other for other in map(self._other, [run] * len(decisions), decisions) if other
            ]
            if not others:
                break
            run = others[-1]
        return run

    def _other(self, run: Run, decision: Decision) -> Run | None:
        """The run that goes the other way at a decision; None where there is none to be had."""
        for assumption in _turned(run, decision):
            if self.runs >= MAX_RUNS or self.steps >= MAX_STEPS:
                return None
            other = self.run(assumption)
            found = other.state.trace.get(decision.key)
            if found is not None and found.side is not decision.side:
                return other
        return None

    def _explored(self, run: Run, prefix: str, known: Container[Key]) -> Iterator[Branch]:
        """The branches of a run, each followed by those that only it has."""
        decisions = [*run.state.trace.values()]
        for index, decision in enumerate(decisions):
            if decision.key in known or not _is_open(decision):
                continue
            other = self._other(run, decision)
            if other is None:
                continue
            entangled = _entangled(run, index)
            settled = [each.key for at, each in enumerate(decisions) if at not in entangled]
            if decision.grounds != "unknown":
                yield from self._branched(other, decision, prefix, run.state.trace.keys())
                continue
            same_way = self._same_way(run, decision)
            for found in (same_way, other) if same_way else (other,):
                yield from self._branched(found, decision, prefix, settled)

    def _branched(
        self, run: Run, decision: Decision, prefix: str, known: Collection[Key]
    ) -> Iterator[Branch]:
        if run.stopped:
            return
        text = prefix + condition(decision, side=run.state.trace[decision.key].side)
        yield Branch(text, decision, run)
        yield from self._explored(run, f"{text} and ", {*known, *run.assumption.forced})

    def _same_way(self, run: Run, decision: Decision) -> Run | None:
        """The run that takes an open decision the same way, for sure."""
        if self.runs >= MAX_RUNS:
            return None
        forced = {**run.assumption.forced, decision.key: decision.side}
        return self.run(Assumption(run.assumption.environ, forced))

    def _merge(self) -> None:
        """Find the settings of the primary run that hang on what can't be told."""
        if all(each.grounds != "unknown" for each in self.primary.state.trace.values()):
            return
        runs = (self.primary, *(branch.run for branch in self.branches))
        names = {name for run in runs for name in run.frame.names}
        by_key: dict[Key, list[Branch]] = {}
        for branch in self.branches:
            if branch.decision.grounds == "unknown" and self._is_primary(branch.run):
                by_key.setdefault(branch.decision.key, []).append(branch)
        for branches in by_key.values():
            for name in sorted(names):
                values = [branch.run.value(name) for branch in branches]
                if not all(same(self.primary.value(name), value) for value in values):
                    self._lose(name, branches[0].decision)
        self._lose_marked(names, by_key)

    def _is_primary(self, run: Run) -> bool:
        """Whether a run has the environment of the primary one, and takes for granted no more."""
        primary, trace = self.primary.assumption, self.primary.state.trace
        return run.assumption.environ == primary.environ and all(
            primary.forced.get(key) is side or trace[key].grounds == "unknown"
            for key, side in run.assumption.forced.items()
            if key in trace
        )

    def _lose_marked(self, names: set[str], by_key: dict[Key, list[Branch]]) -> None:
        """What hangs on several open conditions, or on one whose other side was not seen."""
        decisions = [*self.primary.state.trace.values()]
        for name in sorted(names & self.primary.frame.names.keys()):
            marks = _marks(self.primary.depends(self.primary.frame.names[name]))
            unseen = [mark for mark in marks if decisions[mark].key not in by_key]
            if (len(marks) > 1 or unseen) and name not in self.lost:
                self._lose(name, decisions[(unseen or marks)[0]])

    def _lose(self, name: str, decision: Decision) -> None:
        self.lost.setdefault(name, Unknown(f"depends on {told(decision)}, which can't be told"))


def _is_open(decision: Decision) -> bool:
    return decision.grounds != "settled"


def _marks(depends: frozenset[str]) -> list[int]:
    """The numbers of the open decisions in what a name depends on."""
    return sorted(int(each[1:]) for each in depends if each.startswith("?"))


def hangs_on(run: Run, binding: Binding) -> Unknown | None:
    """That a name of a branch hangs on a condition that this branch leaves open."""
    if marks := _marks(run.depends(binding)):
        decision = [*run.state.trace.values()][marks[0]]
        return Unknown(f"depends on {told(decision)}, which can't be told")
    return None


def _entangled(run: Run, index: int) -> set[int]:
    """The later open decisions that a name hangs on together with this one."""
    found: set[int] = set()
    for depends in (
        *(run.depends(binding) for binding in run.frame.names.values()),
        *run.frame.missing.values(),
    ):
        marks = _marks(depends)
        if index in marks:
            found |= {mark for mark in marks if mark > index}
    return found


def _turned(run: Run, decision: Decision) -> Iterator[Assumption]:
    """Assumptions under which a decision may go the other way: telling values first."""
    before = run.assumption
    forced = {**before.forced, decision.key: not decision.side}
    if decision.grounds != "environment":
        yield Assumption(before.environ, forced)
        return
    names = sorted(each[4:] for each in decision.depends if each.startswith("env:"))
    if len(names) == 1:
        given = run.state.environ.given
        tried: list[str | None] = [None] if names[0] in given else []
        if texts := _texts(decision.test):
            tried += [*texts[: _MAX_TRIED - 1], OTHER]
        for value in tried:
            yield Assumption({**before.environ, names[0]: value}, before.forced)
    lost = {name: required(name) for name in names}
    yield Assumption({**before.environ, **lost}, forced)


def _texts(test: ast.AST) -> list[str]:
    """The texts that a condition compares with."""
    if not isinstance(test, ast.expr):
        return []
    compared = [
        side
        for node in outside_functions([test])
        if isinstance(node, ast.Compare)
        for comparator in node.comparators
        for side in outside_functions([comparator])
    ]
    return [
        node.value
        for node in compared
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
