"""What a config file's `try` and `with` do: whether their bodies raise, and who catches it."""

from __future__ import annotations

import ast

from gunitune.conf.decisions import Decision, Grounds, Key
from gunitune.conf.loops import Loops
from gunitune.conf.names import outside_functions
from gunitune.conf.values import NOTHING, Binding, Raised
from gunitune.model import Unknown


class Attempts(Loops):
    """`try` and `with`. An import from outside is taken to succeed."""

    def within(self, node: ast.With | ast.AsyncWith) -> str | None:
        """`with`: its body; `contextlib.suppress` is a `try`."""
        for item in node.items:
            value, deps = self.recorded(item.context_expr)
            if item.optional_vars is not None:
                unknown = value if isinstance(value, Unknown) else Unknown("a context manager's")
                site = self.site(item.optional_vars, node, item.context_expr, "with")
                binding = Binding(unknown, frozenset(deps) | self.control, site)
                self.store(item.optional_vars, binding, node, "with")
        suppressed = [each for item in node.items for each in _suppressed(item.context_expr)]
        if suppressed:
            names = ast.Tuple([*suppressed], ast.Load())
            handler = ast.ExceptHandler(names, None, [])
            return self.attempt(ast.Try(node.body, [handler], [], []))
        return self.under(NOTHING, node.body)

    def attempt(self, node: ast.Try | ast.TryStar) -> str | None:
        """`try`: its body, or the handler of what it raises; then `else` and `finally`."""
        try:
            signal = self._attempted(node)
        except Raised:
            self.under(NOTHING, node.finalbody)
            raise
        last = self.under(NOTHING, node.finalbody)
        return last or signal

    def _attempted(self, node: ast.Try | ast.TryStar) -> str | None:
        kinds = tuple(name for handler in node.handlers for name in _caught_names(handler.type))
        key = self.context, f"try at {node.body[0].lineno}"
        imported = self._foreign_import(node, kinds)
        if self.forced.get(key) is False:
            grounds: Grounds = "assumed" if imported else "unknown"
            depends = self.note(Decision(key, node.body[0], False, NOTHING, grounds))
            return self._handled(node, _first(node, imported), depends)
        doubts = self.doubts
        before, self.failed = self.failed, set()
        self.tries.append(kinds)
        signal, raised = None, None
        try:
            signal = self.under(NOTHING, node.body)
        except Raised as error:
            raised = error
        finally:
            self.tries.pop()
            why, self.failed = self.failed, before
        if raised is None:
            return self._succeeded(node, key, signal, self._grounds(kinds, imported, doubts))
        if self.doubts > doubts:
            self.lose_names(node.body, Unknown("set beside what may raise"), frozenset(why))
        return self._recovered(node, key, raised, why)

    def _recovered(
        self, node: ast.Try | ast.TryStar, key: Key, raised: Raised, why: set[str]
    ) -> str | None:
        for handler in node.handlers:
            if raised.caught_by(_caught_names(handler.type)):
                decision = Decision(key, node.body[0], False, frozenset(why), "environment")
                return self._handled(node, handler, self.note(decision))
        self.failed |= why
        raise raised

    def _grounds(self, kinds: tuple[str, ...], imported: ast.stmt | None, doubts: int) -> Grounds:
        if imported is not None:
            return "assumed"
        only_imports = all(kind in {"ImportError", "ModuleNotFoundError"} for kind in kinds)
        return "unknown" if self.doubts > doubts and not only_imports else "settled"

    def _succeeded(
        self, node: ast.Try | ast.TryStar, key: Key, signal: str | None, grounds: Grounds
    ) -> str | None:
        depends = self.note(Decision(key, node.body[0], True, NOTHING, grounds))
        if depends:
            self.spread(node.body, depends)
            self.spread([each for handler in node.handlers for each in handler.body], depends)
            self.frame.tests |= depends
        return signal or self.under(depends, node.orelse)

    def _handled(
        self,
        node: ast.Try | ast.TryStar,
        handler: ast.ExceptHandler | None,
        depends: frozenset[str],
    ) -> str | None:
        if handler is None:
            return None
        if handler.name:
            unknown = Unknown("an exception")
            self.put(handler.name, Binding(unknown, depends, self.site(handler, handler, None)))
        others = [*node.body, *node.orelse]
        others += [each for other in node.handlers if other is not handler for each in other.body]
        return self.under(depends, handler.body, others)

    def _foreign_import(
        self, node: ast.Try | ast.TryStar, kinds: tuple[str, ...]
    ) -> ast.stmt | None:
        """An import from outside that a handler is for: it is taken to succeed."""
        if not Raised(ImportError).caught_by(kinds):
            return None
        return next(
            (
                each
                for each in outside_functions(node.body)
                if isinstance(each, (ast.Import, ast.ImportFrom)) and self.is_foreign(each)
            ),
            None,
        )

    def is_foreign(self, node: ast.Import | ast.ImportFrom) -> bool:
        """Whether an import is of a module that may not be installed."""
        raise NotImplementedError


def _first(node: ast.Try | ast.TryStar, imported: ast.stmt | None) -> ast.ExceptHandler | None:
    """The handler of an import that fails, or the first."""
    for handler in node.handlers:
        if imported is None or Raised(ImportError).caught_by(_caught_names(handler.type)):
            return handler
    return None


def _caught_names(node: ast.expr | None) -> tuple[str, ...]:
    """The names of the exceptions that a handler is for; a bare one is for all."""
    if node is None:
        return ("BaseException",)
    if isinstance(node, ast.Tuple):
        return tuple(name for each in node.elts for name in _caught_names(each))
    if isinstance(node, ast.Attribute):
        return (node.attr,)
    return (node.id,) if isinstance(node, ast.Name) else ()


def _suppressed(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Call) and _caught_names(node.func) == ("suppress",):
        return node.args
    return []


Attempts.acts = {
    **Loops.acts,
    ast.With: Attempts.within,
    ast.AsyncWith: Attempts.within,
    ast.Try: Attempts.attempt,
    ast.TryStar: Attempts.attempt,
}
