"""Which changes to an assignment in a config file are safe: its removal, another name or value."""

from __future__ import annotations

import ast
import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunitune.conf.lines import Lines
from gunitune.conf.model import Span
from gunitune.conf.text import Places
from gunitune.conf.uses import SIMPLE, uses_of
from gunitune.report import Edit, Fix

if TYPE_CHECKING:
    from gunitune.conf.model import Assigned, Conf
    from gunitune.conf.uses import Uses

_REST = re.compile(r"[ \t\f]*(?:#.*)?")
_SEES_ALL = frozenset(("compile", "eval", "exec", "globals", "locals", "vars"))
_HARMLESS = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare),
    *(ast.IfExp, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.JoinedStr, ast.FormattedValue),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.Call, ast.keyword),
)
_BUILTINS = frozenset(("bool", "float", "int", "len", "max", "min", "round", "str"))
_FUNCTIONS = frozenset(
    (
        *("cpu_count", "environ.get", "getenv", "multiprocessing.cpu_count", "os.cpu_count"),
        *("os.environ.get", "os.getenv", "os.path.abspath", "os.path.dirname", "os.path.join"),
    )
)
_METHODS = frozenset(("format", "lower", "strip", "upper"))


def delete(conf: Conf, assigned: Assigned) -> Fix | None:
    """Remove an assignment's whole lines; None where that could do more than unset the name."""
    found = _found(conf, assigned)
    if found is None or found.single is None or assigned.name in found.uses.read:
        return None
    if not _harmless(found.single, found.uses) or found.holds_comment():
        return None
    first, last = found.start.line, found.end_line
    if last == len(found.lines):
        span = Span(first, found.start.column, last, len(found.lines[last]) + 1)
    else:
        span = Span(first, found.start.column, last + 1, 1)
    return Fix(f"delete {assigned.name}", (Edit(span, ""),))


def rename(conf: Conf, assigned: Assigned, new: str) -> Fix | None:
    """Give a name that is bound once, and never read, another that the file does not have."""
    uses = uses_of(conf.text)
    if uses is None or _hidden(conf, uses) or not _is_new(conf, uses, new):
        return None
    name = assigned.name
    if uses.bound[name] != 1 or name in uses.read or not assigned.top_level:
        return None
    if uses.places.get(name) != assigned.span.line or Lines(conf.text).slice(assigned.span) != name:
        return None
    return Fix(f"rename {name} to {new}", (Edit(assigned.span, new),))


def set_value(conf: Conf, assigned: Assigned, value: Any) -> Fix | None:
    """Put another constant in a constant's place; None where something else hangs on it."""
    found, new = _found(conf, assigned), _literal(value)
    if found is None or found.single is None or new is None or assigned.name in found.uses.read:
        return None
    node = found.single.operand if isinstance(found.single, ast.UnaryOp) else found.single
    if not isinstance(node, ast.Constant) or node.lineno != node.end_lineno:
        return None
    span = found.span(found.single)
    if found.lines.slice(span) == new:
        return None
    return Fix(f"set {assigned.name} to {new}", (Edit(span, new),))


def add_after(conf: Conf, assigned: Assigned, name: str, value: Any) -> Fix | None:
    """Set a name that the file does not have to a constant, on a line of its own below."""
    found, new = _found(conf, assigned), _literal(value)
    if found is None or new is None or not _is_new(conf, found.uses, name):
        return None
    line, lines = found.end_line, found.lines
    ending = lines.ending(line) or (lines.ending(line - 1) if line > 1 else "") or "\n"
    column = len(lines[line]) + 1
    edit = Edit(Span(line, column, line, column), f"{ending}{name} = {new}")
    return Fix(f"add {name} = {new}", (edit,))


@dataclass(frozen=True, slots=True)
class _Statement:
    """An assignment of the module itself that is alone on its lines."""

    node: ast.stmt
    single: ast.expr | None  # the value, where it has one target that is a name
    lines: Lines
    uses: Uses

    @property
    def start(self) -> Span:
        return self.span(self.node)

    @property
    def end_line(self) -> int:
        return self.start.end_line

    def span(self, node: ast.stmt | ast.expr) -> Span:
        return Places(self.lines.text).of(node)

    def holds_comment(self) -> bool:
        """Whether it may hold a comment on a line other than its last."""
        return self.start.line != self.end_line and "#" in (self.lines.slice(self.start) or "#")

    def alone(self) -> bool:
        """Whether nothing but a comment shares its lines."""
        before = self.lines[self.start.line][: self.start.column - 1]
        rest = self.lines[self.end_line][self.start.end_column - 1 :]
        joined = self.start.line > 1 and self.lines[self.start.line - 1].endswith("\\")
        return not before and not joined and _REST.fullmatch(rest) is not None


def _found(conf: Conf, assigned: Assigned) -> _Statement | None:
    uses = uses_of(conf.text)
    if uses is None or _hidden(conf, uses) or not assigned.top_level:
        return None
    node = uses.body.get(assigned.statement.line)
    if not isinstance(node, (*SIMPLE, ast.AugAssign)):
        return None
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if assigned.name not in names:
        return None
    single = node.value if isinstance(node, SIMPLE) and len(targets) == 1 else None
    found = _Statement(node, single, Lines(conf.text), uses)
    return found if found.alone() else None


def _hidden(conf: Conf, uses: Uses) -> bool:
    """Whether the file may read or bind names that can't be seen in it."""
    return bool(conf.dynamic) or "*" in uses.bound or not uses.read.isdisjoint(_SEES_ALL)


def _is_new(conf: Conf, uses: Uses, name: str) -> bool:
    """Whether a name can be bound without anything in the file that knows it."""
    worlds = (world.settings for world in conf.worlds)
    known = any(name in names for names in (uses.read, uses.bound, conf.settings, *worlds))
    return name.isidentifier() and not keyword.iskeyword(name) and not known


def _harmless(value: ast.expr, uses: Uses) -> bool:
    """Whether working a value out changes nothing elsewhere."""
    for node in ast.walk(value):
        if not isinstance(node, _HARMLESS):
            return False
        if isinstance(node, ast.Call) and not _is_known(node.func, uses):
            return False
    return True


def _is_known(function: ast.expr, uses: Uses) -> bool:
    if isinstance(function, ast.Attribute) and function.attr in _METHODS:
        return isinstance(function.value, (ast.Constant, ast.Call, ast.Name))
    name = ast.unparse(function)
    root = name.partition(".")[0]
    if name in _BUILTINS:
        return root not in uses.bound
    return name in _FUNCTIONS and root in uses.imported and uses.bound[root] == 1


def _literal(value: Any) -> str | None:
    """A plain constant as Python writes it; None for anything else."""
    if type(value) not in {bool, int, float, str, type(None)}:
        return None
    try:
        text = repr(value)
        return text if ast.literal_eval(text) == value else None
    except (ValueError, SyntaxError):  # inf, or more digits than Python writes
        return None
