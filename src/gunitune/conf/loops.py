"""What a config file's loops do, as long as what they go through is known."""

from __future__ import annotations

import ast
from typing import Any

from gunitune.bounds import EvaluationError
from gunitune.conf.decisions import Decisions
from gunitune.conf.names import holds
from gunitune.conf.statements import BREAK, RETURN
from gunitune.conf.values import NOTHING, Binding, Exhausted
from gunitune.model import Unknown

MAX_STEPS = 5_000  # of a loop, a call or an import


class Loops(Decisions):
    """`for` and `while`."""

    def loop(self, node: ast.For | ast.AsyncFor) -> str | None:
        """`for` over what is known."""
        value, deps = self.tested(node.iter)
        items = self.items(value)
        depends = frozenset(deps)
        if isinstance(items, Unknown) or isinstance(node, ast.AsyncFor):
            return self._given_up(node, items, depends)
        granted, self.limit = self.limit, min(self.limit, self.steps + MAX_STEPS)
        context = self.context
        signal: str | None = None
        try:
            for index, item in enumerate(items):
                self.context = (*context, index)
                site = self.site(node.target, node, node.iter, "loop")
                binding = Binding(item, depends | self.control, site)
                self.nesting += 1
                self.store(node.target, binding, node, "loop")
                self.nesting -= 1
                signal = self.under(depends, node.body)
                if isinstance(value, (list, dict, set)) and len(value) != len(items):
                    why = Unknown("goes through what it changes")
                    return self._given_up(node, why, depends)
                if signal in {BREAK, RETURN}:
                    break
            else:
                return self.under(depends, node.orelse)
        except Exhausted:
            if self.steps > granted:
                raise
            return self._given_up(node, Unknown("a loop that takes too long"), depends)
        finally:
            self.limit, self.context = granted, context
        return signal if signal == RETURN else None

    def _given_up(
        self, node: ast.For | ast.AsyncFor | ast.While, why: Any, deps: frozenset[str]
    ) -> str | None:
        unknown = why if isinstance(why, Unknown) else Unknown("an async loop")
        if self.frame.kind == "function" and holds([node], (ast.Return, ast.Raise)):
            raise EvaluationError(unknown.reason)
        self.nesting += 1
        self.lose_names([node], unknown, deps)
        self.nesting -= 1
        return None

    def repeat(self, node: ast.While) -> str | None:
        """`while`, as long as its condition is known."""
        granted, self.limit = self.limit, min(self.limit, self.steps + MAX_STEPS)
        context, index = self.context, 0
        try:
            while True:
                index += 1
                self.context = (*context, index)
                value, deps = self.tested(node.test)
                if isinstance(value, Unknown):
                    return self._given_up(node, value, frozenset(deps))
                if not value:
                    return self.under(frozenset(deps), node.orelse)
                signal = self.under(frozenset(deps), node.body)
                if signal in {BREAK, RETURN}:
                    return signal if signal == RETURN else None
        except Exhausted:
            if self.steps > granted:
                raise
            return self._given_up(node, Unknown("a loop that takes too long"), NOTHING)
        finally:
            self.limit, self.context = granted, context


Loops.acts = {
    **Decisions.acts,
    ast.For: Loops.loop,
    ast.AsyncFor: Loops.loop,
    ast.While: Loops.repeat,
}
