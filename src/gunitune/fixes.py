"""What a config file's text is once the safe fixes of its findings are made."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from gunitune.changes import add_after, delete, rename, set_value
from gunitune.conf.lines import Lines
from gunitune.conf.model import Fault
from gunitune.conf.syntax import parsed
from gunitune.patch import difference, write_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gunitune.report import Finding

__all__ = [
    "add_after",
    "delete",
    "difference",
    "fix_all",
    "fixed",
    "rename",
    "set_value",
    "write_fixed",
]

MAX_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class _Change:
    """One finding's edits, in order, as (start, end, text): offsets, and what takes their place."""

    finding: Finding
    edits: tuple[tuple[int, int, str], ...]


def fix_all(
    text: str, check: Callable[[str], Sequence[Finding]]
) -> tuple[str, tuple[Finding, ...]]:
    """Check and fix in turn until nothing is left to fix, at most MAX_ROUNDS times.

    The spans of the findings given back are those of the round that fixed them.
    """
    done: list[Finding] = []
    seen = {text}
    for _ in range(MAX_ROUNDS):
        text, found = fixed(text, check(text))
        done += found
        if not found or text in seen:
            break
        seen.add(text)
    return text, tuple(done)


def fixed(text: str, findings: Sequence[Finding]) -> tuple[str, tuple[Finding, ...]]:
    """The text with every fix made that can be, and the findings whose fix was made, in order.

    Of two fixes that overlap the first by position is made, the other left for another round. A
    fix is dropped where the text would not parse afterwards, or say something else outside of it.
    """
    chosen: list[_Change] = []
    reach, inserted = 0, False
    for change in sorted(_changes(text, findings), key=lambda change: change.edits[0][:2]):
        start, end, _ = change.edits[0]
        touches = start == reach and (inserted or start == end)
        if not chosen or (start >= reach and not touches):
            chosen.append(change)
            last, reach, _ = change.edits[-1]
            inserted = last == reach
    tree = parsed(text) if chosen else Fault("syntax", "not read")
    kept = [] if isinstance(tree, Fault) else _sound(text, tree, chosen)
    return _applied(text, kept), tuple(change.finding for change in kept)


def _changes(text: str, findings: Sequence[Finding]) -> Iterator[_Change]:
    """The fixes whose spans the text has."""
    lines = Lines(text)
    for finding in findings:
        edits = finding.fix.edits if finding.fix else ()
        spans = [(lines.range(edit.span), edit.text) for edit in edits]
        places = sorted((*span, new) for span, new in spans if span is not None)
        apart = all(one[1] <= two[0] for one, two in pairwise(places))
        if places and len(places) == len(edits) and apart:
            yield _Change(finding, tuple(places))


def _applied(text: str, changes: Sequence[_Change]) -> str:
    pieces, at = [], 0
    for start, end, new in sorted(edit for change in changes for edit in change.edits):
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])


def _sound(text: str, tree: ast.Module, changes: list[_Change]) -> list[_Change]:
    """The changes after which the text still says the same elsewhere."""
    if not changes or _says_the_same(text, tree, changes):
        return changes
    if len(changes) == 1:
        return []
    half = len(changes) // 2
    halves = [_sound(text, tree, part) for part in (changes[:half], changes[half:])]
    both = [*halves[0], *halves[1]]
    return both if _says_the_same(text, tree, both) else halves[0]


def _says_the_same(text: str, tree: ast.Module, changes: list[_Change]) -> bool:
    """Whether every statement that no change touches is still there, in order."""
    after = parsed(_applied(text, changes))
    if isinstance(after, Fault):
        return False
    lines = Lines(text)
    touched = {
        line
        for change in changes
        for start, end, _ in change.edits
        for line in range(lines.at(start), lines.at(max(start, end - 1)) + 1)
    }
    kept = [node for node in tree.body if touched.isdisjoint(range(node.lineno, _end(node) + 1))]
    try:
        left = (ast.dump(node) for node in after.body)
        return all(ast.dump(node) in left for node in kept)
    except RecursionError:
        return False


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
