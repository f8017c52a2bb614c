"""What a file sets when the conditions that it leaves open go one way or the other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from gunitune.conf.environ import OTHER, Environ, required
from gunitune.conf.imports import Imports, Project
from gunitune.conf.merging import Branch, lost_names
from gunitune.conf.names import outside_functions
from gunitune.conf.runs import Assumption, Run, marks_in
from gunitune.conf.values import Exhausted, Frame, Stopped
from gunitune.conf.wording import condition
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator

    from gunitune.conf.decisions import Decision, Key
    from gunitune.conf.machine import Machine

MAX_RUNS = 24
MAX_RUN_STEPS = 40_000
MAX_STEPS = 120_000
_MAX_STOPS = 8
_MAX_TRIED = 3
_MAX_WAYS = 8
_LISTS = (ast.Tuple, ast.List, ast.Set)


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
        self.primary = self._primary()
        self.branches = list(self._explored(self.primary, "", frozenset()))
        self.lost = lost_names(self.primary, self.branches)

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
            latest = [each for each in run.state.trace.values() if _is_open(each)][::-1]
            other = next((found for each in latest if (found := self._other(run, each))), None)
            if other is None:
                break
            run = other
        return run

    def _other(self, run: Run, decision: Decision) -> Run | None:
        """The run that goes the other way at a decision; None where there is none to be had."""
        ways = list(_turned(run, decision))
        for assumption in ways:
            if self.runs >= MAX_RUNS or self.steps >= MAX_STEPS:
                return None
            other = self.run(assumption)
            found = other.state.trace.get(decision.key)
            if found is not None and found.side is not decision.side:
                return other
            if assumption is ways[-1] and found is not None and len(ways) < _MAX_WAYS:
                ways += _wider(assumption, found)
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


def _is_open(decision: Decision) -> bool:
    """Whether to go the other way too; not for what a function can't tell, too deep to be said."""
    if decision.grounds == "unknown":
        return not any(isinstance(place, tuple) for place in decision.key[0])
    return decision.grounds != "settled"


def _entangled(run: Run, index: int) -> set[int]:
    """The later open decisions that a name hangs on together with this one."""
    found: set[int] = set()
    for depends in (
        *(run.depends(binding) for binding in run.frame.names.values()),
        *run.frame.missing.values(),
    ):
        marks = marks_in(depends)
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


def _wider(assumption: Assumption, decision: Decision) -> Iterator[Assumption]:
    """The assumption with the variables that a condition came to ask for under it."""
    names = {each[4:] for each in decision.depends if each.startswith("env:")}
    if more := names - assumption.environ.keys():
        lost = {name: required(name) for name in sorted(more)}
        yield Assumption({**assumption.environ, **lost}, assumption.forced)


def _texts(test: ast.AST) -> list[str]:
    """The texts that a condition compares with."""
    if not isinstance(test, ast.expr):
        return []
    compared = [
        side
        for node in outside_functions([test])
        if isinstance(node, ast.Compare)
        for comparator in node.comparators
        for side in (comparator.elts if isinstance(comparator, _LISTS) else [comparator])
    ]
    return [
        node.value
        for node in compared
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
