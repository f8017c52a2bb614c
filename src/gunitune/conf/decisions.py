"""Which way a config file goes at a condition, and what hangs on it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gunitune.bounds import EvaluationError
from gunitune.conf.names import bound
from gunitune.conf.statements import Statements
from gunitune.conf.values import NOTHING, Binding, Raised
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Key = tuple[tuple[Any, ...], str]
Grounds = Literal["environment", "unknown", "assumed", "settled"]


class Decision(NamedTuple):
    """One way that the file went: by the environment, by what can't be told, or by assumption.

    `test` is the condition, or the statement that may fail; `side` whether it held, or went well.
    """

    key: Key
    test: ast.AST
    side: bool
    depends: frozenset[str]
    grounds: Grounds


class Decisions(Statements):
    """`if` and `match`. `forced` says which way to go where that can't be told."""

    def __init__(self, *given: Any, forced: Mapping[Key, bool]) -> None:
        super().__init__(*given)
        self.forced = forced
        self.trace: dict[Key, Decision] = {}
        self.context: tuple[Any, ...] = ()

    def tested(self, node: ast.expr) -> tuple[Any, set[str]]:
        """What a condition gives; in a module one that raises is unknown."""
        try:
            value, deps = self.recorded(node)
        except (Raised, EvaluationError) as error:
            if isinstance(error, Raised) and (self.frame.kind == "function" or self._caught(error)):
                raise
            deps, self.failed = self.failed, set()
            return self.why(error, deps), deps
        return self.plain(value), deps

    def decide(self, test: ast.expr, value: Any, deps: set[str]) -> tuple[bool, frozenset[str]]:
        """Which way to go, and what that depends on."""
        depends = frozenset(deps)
        if isinstance(value, Unknown):
            key = self._key(test)
            side = self.forced.get(key, False)
            return side, self.note(Decision(key, test, side, depends, "unknown"))
        side = bool(value)
        if any(dep.startswith("env:") for dep in deps):
            self.note(Decision(self._key(test), test, side, depends, "environment"))
        return side, depends

    def note(self, decision: Decision) -> frozenset[str]:
        """Keep a decision; what hangs on one that is open is marked with its number."""
        self.trace.setdefault(decision.key, decision)
        if decision.grounds == "unknown" and decision.key not in self.forced:
            return decision.depends | {f"?{list(self.trace).index(decision.key)}"}
        return decision.depends

    def _key(self, test: ast.AST) -> Key:
        return self.context, ast.dump(test)

    def conditional(self, node: ast.IfExp) -> Any:
        """`x if test else y`."""
        value, deps = self.recorded(node.test)
        side, depends = self.decide(node.test, self.plain(value), deps)
        self.deps |= depends
        return self.raw(node.body if side else node.orelse)

    def under(
        self, deps: frozenset[str], nodes: Sequence[ast.stmt], others: Sequence[ast.stmt] = ()
    ) -> str | None:
        """Carry out statements that hang on a condition; `others` are those of its other side."""
        before, self.control = self.control, self.control | deps if deps else self.control
        self.nesting += 1
        try:
            return self.body(nodes)
        finally:
            self.nesting -= 1
            self.control = before
            if deps:
                self.frame.tests |= deps
                self.spread(others, deps)

    def spread(self, nodes: Sequence[ast.stmt], deps: frozenset[str]) -> None:
        """Note that names depend on a condition whose other side would bind them."""
        if not nodes:
            return
        frame = self.frame
        for name in bound(nodes):
            where = frame.declared.get(name, frame)
            if (binding := where.names.get(name)) is not None:
                where.names[name] = binding._replace(depends=binding.depends | deps)
            else:
                where.missing[name] = where.missing.get(name, NOTHING) | deps

    def branch(self, node: ast.If) -> str | None:
        """`if`, `elif`, `else`."""
        value, deps = self.tested(node.test)
        side, depends = self.decide(node.test, value, deps)
        taken, others = (node.body, node.orelse) if side else (node.orelse, node.body)
        return self.under(depends, taken, others)

    def match(self, node: ast.Match) -> str | None:
        """`match` over values: its cases, as a chain of conditions."""
        depends: frozenset[str] = NOTHING
        for index, case in enumerate(node.cases):
            test = _case_test(node.subject, case)
            if test is None:
                self.lose_names([node], Unknown("a match on what it holds"), depends)
                return None
            self._capture(case, node.subject)
            value, deps = self.tested(test)
            side, more = self.decide(test, value, deps)
            depends |= more
            if side:
                others = [each for other in node.cases[index + 1 :] for each in other.body]
                return self.under(depends, case.body, others)
            self.spread(case.body, depends)
        self.frame.tests |= depends
        return None

    def _capture(self, case: ast.match_case, subject: ast.expr) -> None:
        if isinstance(case.pattern, ast.MatchAs) and case.pattern.name:
            value, deps = self.recorded(subject)
            site = self.site(case.pattern, case.pattern, subject)
            self.put(case.pattern.name, Binding(value, frozenset(deps) | self.control, site))


def _case_test(subject: ast.expr, case: ast.match_case) -> ast.expr | None:
    """The condition that a case stands for; None for a pattern that looks into the value."""
    pattern = case.pattern
    test: ast.expr
    match pattern:
        case ast.MatchValue(value=value):
            test = ast.Compare(subject, [ast.Eq()], [value])
        case ast.MatchSingleton(value=single):
            test = ast.Compare(subject, [ast.Is()], [ast.Constant(single)])
        case ast.MatchOr(patterns=patterns) if all(
            isinstance(each, ast.MatchValue) for each in patterns
        ):
            values = [each.value for each in patterns if isinstance(each, ast.MatchValue)]
            test = ast.Compare(subject, [ast.In()], [ast.Tuple(values, ast.Load())])
        case ast.MatchAs(pattern=None):
            test = ast.Constant(True)
        case _:
            return None
    return ast.BoolOp(ast.And(), [test, case.guard]) if case.guard else test


Decisions.kinds = {**Statements.kinds, ast.IfExp: Decisions.conditional}
Decisions.acts = {
    **Statements.acts,
    ast.If: Decisions.branch,
    ast.Match: Decisions.match,
}
