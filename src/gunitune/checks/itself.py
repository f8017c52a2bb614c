"""GT0xx: what gunitune says of its own work: files it can't read, comments that ignore nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.advise import text
from gunitune.checks.look import Hit
from gunitune.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunitune.checkrule import CheckRule
    from gunitune.checks.look import Look
    from gunitune.conf.model import Conf, Ignore
    from gunitune.ignores import Applied


def faults(look: Look) -> Iterator[Hit]:
    """What kept the file, or a part of it, from being read; each rule has one kind's name."""
    for fault in look.conf.faults:
        if fault.kind == look.rule.name:
            yield Hit(fault.span, facts={"message": fault.message})


def ignores(_: Look) -> Iterator[Hit]:
    """Nothing by themselves: whether a comment takes something back shows after all rules."""
    yield from ()


def of_ignores(conf: Conf, applied: Applied, selected: Iterable[CheckRule]) -> Iterator[Finding]:
    """What there is to say of the comments: that they take nothing back, or name no rule."""
    nameless = [(ignore, "") for ignore in conf.ignores if not ignore.rules]
    said = {
        "unused-ignore": applied.unused,
        "unknown-ignore": applied.unknown,
        "blanket-ignore": nameless,
    }
    for rule in selected:
        for ignore, word in said.get(rule.name, ()):
            yield _of_ignore(conf, rule, ignore, word)


def _of_ignore(conf: Conf, rule: CheckRule, ignore: Ignore, word: str) -> Finding:
    facts = {"hit.word": word}
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=rule.severity,
        message=text(rule.message, facts),
        path=conf.path,
        span=ignore.span,
        help=text(rule.help, facts),
        confidence=rule.confidence,
    )
