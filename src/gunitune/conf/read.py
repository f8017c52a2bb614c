"""Reads one config file, without running it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunitune.conf.imports import MAX_BYTES, Project
from gunitune.conf.model import START, Assigned, Conf, Fault, Span, World
from gunitune.conf.names import names_read
from gunitune.conf.runs import Run, hangs_on
from gunitune.conf.syntax import parsed
from gunitune.conf.text import Places, decode
from gunitune.conf.values import Binding, same
from gunitune.conf.worlds import Exploration
from gunitune.model import Unknown
from gunitune.project.files import read_bounded
from gunitune.units import format_size

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator
    from pathlib import Path

    from gunitune.conf.machine import Machine
    from gunitune.conf.merging import Branch
    from gunitune.conf.model import Ignore


def read_conf(
    path: Path, shown: str, machine: Machine, *, names: frozenset[str], data: bytes | None = None
) -> Conf:
    """Read the config at `path`, or `data` as if it were there, for a declared machine.

    `names` are the settings of every release. Nothing of the file is run; what is wrong with it is
    in the Conf's faults, and nothing is raised.
    """
    text = _text(path, data)
    if isinstance(text, Fault):
        return Conf(shown, "" if data is None else data.decode(errors="replace"), faults=(text,))
    tree = parsed(text)
    if isinstance(tree, Fault):
        return Conf(shown, text, faults=(tree,), ignores=_ignores(text))
    if (reads := names_read(tree)) is None:
        fault = Fault("too-complex", "it has too many parts to be read")
        return Conf(shown, text, faults=(fault,), ignores=_ignores(text))
    where = posixpath.abspath(path)
    project = Project(machine.root, posixpath.dirname(where))
    return _Reading(shown, text, Exploration(tree, machine, names, where, project), reads).conf()


def _text(path: Path, data: bytes | None) -> str | Fault:
    if data is None:
        found = read_bounded(path, MAX_BYTES)
        if isinstance(found, Unknown):
            kind = "too-large" if found.reason.startswith("larger") else "unreadable"
            return Fault("too-large" if kind == "too-large" else "unreadable", found.reason)
        data = found
    if len(data) > MAX_BYTES:
        return Fault("too-large", f"larger than {format_size(MAX_BYTES)}")
    return decode(data)


def _ignores(text: str) -> tuple[Ignore, ...]:
    if "gunitune:" not in text:
        return ()
    from gunitune.ignores import read_ignores

    return read_ignores(text)


class _Reading:
    """What an exploration found, put in terms of the file's text."""

    def __init__(self, shown: str, text: str, found: Exploration, reads: frozenset[str]) -> None:
        self.shown = shown
        self.text = text
        self.found = found
        self.reads = reads
        self.places = Places(text)
        self._made: dict[int, Assigned] = {}

    def conf(self) -> Conf:
        run, known = self.found.primary, self.found.names
        bindings = {name: each for name, each in run.frame.names.items() if each.site is not None}
        made = {
            name: self._assigned(name, binding, run, self.found.lost.get(name))
            for name, binding in bindings.items()
        }
        made |= dict(self._open(made))
        return Conf(
            self.shown,
            self.text,
            settings={name: each for name, each in made.items() if name in known},
            others={name: each for name, each in made.items() if name not in known},
            assignments=tuple(self._assigned(name, each, run) for name, each in run.state.assigned),
            reads=self.reads | run.state.reads,
            worlds=tuple(self._worlds(made)),
            faults=tuple(self._faults(run)),
            ignores=_ignores(self.text),
            dynamic=self._dynamic(),
        )

    def _dynamic(self) -> str:
        runs = (self.found.primary, *(branch.run for branch in self.found.branches))
        return next((run.state.dynamic for run in runs if run.state.dynamic), "")

    def _open(self, made: dict[str, Assigned]) -> Iterator[tuple[str, Assigned]]:
        """Names that only one side of a condition sets that can't be told."""
        for name, unknown in self.found.lost.items():
            if name not in made:
                for branch in self.found.branches:
                    binding = branch.run.frame.names.get(name)
                    if binding is not None and binding.site is not None:
                        yield name, self._assigned(name, binding, branch.run, unknown)
                        break

    def _assigned(
        self, name: str, binding: Binding, run: Run, unknown: Unknown | None = None
    ) -> Assigned:
        site = binding.site
        assert site is not None
        key = id(binding)
        if unknown is None and key in self._made:
            return self._made[key]
        depends = run.depends(binding)
        made = Assigned(
            name,
            unknown or run.exported(binding),
            self._span(site.name, site.means),
            self._span(site.statement),
            self._span(site.expression) if site.expression is not None else None,
            tuple(sorted(each for each in depends if not each.startswith("?"))),
            site.means,
            site.top_level,
        )
        if unknown is None:
            self._made[key] = made
        return made

    def _span(self, node: ast.expr | ast.stmt | ast.alias | None, means: str = "") -> Span:
        if not hasattr(node, "lineno") or node is None:
            return START
        if means in {"function", "class"}:
            return self.places.name(node)  # type: ignore[arg-type]  # it is a definition
        return self.places.of(node)

    def _worlds(self, made: dict[str, Assigned]) -> Iterator[World]:
        seen: list[dict[str, Assigned]] = []
        for branch in self.found.branches:
            differing = dict(self._differing(branch, made))
            if all(isinstance(each.value, Unknown) for each in differing.values()):
                continue
            if any(_alike(differing, other) for other in seen):
                continue
            seen.append(differing)
            depends = tuple(sorted(d for d in branch.decision.depends if not d.startswith("?")))
            yield World(branch.condition, depends, differing)

    def _differing(
        self, branch: Branch, made: dict[str, Assigned]
    ) -> Iterator[tuple[str, Assigned]]:
        for name, binding in branch.run.frame.names.items():
            if binding.site is None or name not in self.found.names:
                continue
            other = self._assigned(name, binding, branch.run, hangs_on(branch.run, binding))
            if name not in made or not same(made[name].value, other.value):
                yield name, other

    def _faults(self, run: Run) -> Iterator[Fault]:
        if run.state.misplaced is not None and run.frame is run.state.frame:
            yield Fault("syntax", "'return' outside function", self._span(run.state.misplaced))
        if run.spent is not None:
            message = "it takes too long to work out: the rest is not judged"
            yield Fault("too-complex", message, self._span(run.spent))


def _alike(one: dict[str, Assigned], other: dict[str, Assigned]) -> bool:
    return one.keys() == other.keys() and all(
        same(one[name].value, other[name].value) and one[name].span == other[name].span
        for name in one
    )
