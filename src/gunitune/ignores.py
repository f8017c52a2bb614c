"""Which findings the comments in a file take back, and which of those comments take back none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunitune.conf.lines import Comment, statements
from gunitune.conf.model import Ignore, Span
from gunitune.report import Ignored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from gunitune.report import Finding

# The rule for an ignore that takes back nothing: one that names it may be idle.
UNUSED = "GT001"
# As output says how to write it.
FORM = "# gunitune: ignore[GT203] reason"
# A file in which comments name more rules than this was made to take long: the rest is not heeded.
MAX_RULES = 250

_START = re.compile(r"#\s*gunitune\s*:\s*", re.IGNORECASE)
_RULES = re.compile(
    r"(?P<what>ignore(?P<file>-file)?)\s*\[(?P<rules>[^\[\]]*)\]\W*?(?P<reason>[\w\[(\"'`<].*)?",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = re.compile(r"[a-z]+\d+", re.IGNORECASE)


class Applied(NamedTuple):
    """What is left of the findings, and what there is to say of the comments.

    `unused` names each rule of a comment that took back nothing though every rule it stands for was
    looked at, `unknown` each that stands for no rule.
    """

    kept: tuple[Finding, ...]
    ignored: tuple[Ignored, ...]
    unused: tuple[tuple[Ignore, str], ...]
    unknown: tuple[tuple[Ignore, str], ...]


def read_ignores(text: str) -> tuple[Ignore, ...]:
    """The comments of a file that speak to gunitune, in order; it may be broken in any way.

    One that is not understood has no rules, and what it says as its reason.
    """
    if _START.search(text) is None:
        return ()
    found, named_rules = [], 0
    for ignore in _ignores(text):
        named_rules += max(1, len(ignore.rules))
        if named_rules > MAX_RULES:
            break
        found.append(ignore)
    return tuple(found)


def _ignores(text: str) -> Iterator[Ignore]:
    waiting: list[Comment] = []
    for statement in statements(text):
        if not statement.code:
            waiting += statement.comments
            continue
        lines = tuple(range(statement.line, statement.end_line + 1))
        for comment in (*waiting, *statement.comments):
            yield from _read(comment, lines)
        waiting = []
    for comment in waiting:
        yield from _read(comment, ())


def _read(comment: Comment, lines: tuple[int, ...]) -> Iterator[Ignore]:
    """What one comment says; it may say several things, each behind its own `#`."""
    starts = list(_START.finditer(comment.text))
    ends = [start.start() for start in starts[1:]]
    for start, end in zip(starts, [*ends, len(comment.text)], strict=False):
        said = comment.text[start.end() : end].rstrip()
        column = comment.column + start.start()
        last = comment.column + start.end() + len(said)
        span = Span(comment.line, column, comment.line, last)
        rules, reason, everywhere = _parsed(said)
        yield Ignore(rules, reason, span, None if everywhere else lines)


def _parsed(said: str) -> tuple[tuple[str, ...], str, bool]:
    """The rules, the reason, and whether it speaks for the whole file."""
    match = _RULES.fullmatch(said)
    rules = tuple(filter(None, map(str.strip, match["rules"].split(",")))) if match else ()
    if match is None or not rules:
        return (), said, False
    return rules, (match["reason"] or "").strip(), match["file"] is not None


def named(token: str, rules: Mapping[str, str]) -> frozenset[str]:
    """Ids of the rules that a token stands for: an id, a name, or the beginning of ids (`GT2`).

    `rules` gives each rule's name by its id. Case does not matter.
    """
    said = token.casefold()
    if exact := {rule for rule, name in rules.items() if said in {rule.casefold(), name}}:
        return frozenset(exact)
    if not _PREFIX.fullmatch(token):
        return frozenset()
    return frozenset(rule for rule in rules if rule.casefold().startswith(said))


def apply(
    findings: Iterable[Finding],
    ignores: Sequence[Ignore],
    rules: Mapping[str, str],
    looked: Collection[str] | None = None,
) -> Applied:
    """Part the findings of one file into those that stay and those that a comment takes back.

    `rules` gives the name of every rule by its id; `looked` has the ids of those that were looked
    at in this file, None is all.
    """
    found = list(findings)
    rules = {**rules, **{finding.rule: finding.name for finding in found}}
    tokens = [(ignore, token, named(token, rules)) for ignore in ignores for token in ignore.rules]
    kept: list[Finding] = []
    ignored: list[Ignored] = []
    used: set[int] = set()
    for finding in found:
        hits = [at for at, (ignore, _, ids) in enumerate(tokens) if _takes(ignore, ids, finding)]
        used.update(hits)
        if hits:
            by = tokens[hits[0]][0]
            ignored.append(Ignored(finding, by.span.line, by.reason))
        else:
            kept.append(finding)
    idle = [token for at, token in enumerate(tokens) if at not in used]
    unknown = tuple((ignore, token) for ignore, token, ids in idle if not ids)
    unused = tuple(_unused(idle, _tolerant(tokens), looked))
    return Applied(tuple(kept), tuple(ignored), unused, unknown)


def _takes(ignore: Ignore, ids: frozenset[str], finding: Finding) -> bool:
    return finding.rule in ids and (ignore.lines is None or finding.span.line in ignore.lines)


_Token = tuple[Ignore, str, frozenset[str]]


def _tolerant(tokens: Iterable[_Token]) -> list[Ignore]:
    """The comments that ask to be left alone where they take back nothing."""
    return [ignore for ignore, _, ids in tokens if UNUSED in ids]


def _unused(
    idle: Iterable[_Token], tolerant: Sequence[Ignore], looked: Collection[str] | None
) -> Iterator[tuple[Ignore, str]]:
    if any(ignore.lines is None for ignore in tolerant):
        return
    for ignore, token, ids in idle:
        asked = looked is None or ids.issubset(looked)
        if ids and asked and ignore not in tolerant:
            yield ignore, token
