"""A rule explained, or all rules as a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.checkrule import CheckRule
from gunitune.render.layout import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.rulebook import AdviceRule

_STYLES = {"error": "red", "warning": "yellow"}


def render(
    rules: Sequence[AdviceRule | CheckRule], *, whole: bool, color: bool = False, width: int = 80
) -> str:
    """The list, or with `whole` everything that a rule's file says."""
    page = Page(width)
    for rule in rules:
        if whole:
            _explain(page, rule)
        else:
            kind = _kind(rule)
            style = _STYLES.get(kind, "cyan")
            page.row([(rule.id, 7, "bold"), (kind, 11, style), (rule.summary, 0, "")])
    return page.coloured() if color else page.plain()


def _kind(rule: AdviceRule | CheckRule) -> str:
    return rule.severity if isinstance(rule, CheckRule) else rule.layer


def _readable(template: str) -> str:
    """A sentence with `<workers>` where a finding has a value."""
    return re.sub(r"\{(?:hit|conf)?\.?([^{}:]+)(?::\w+)?\}", r"<\1>", template)


def _explain(page: Page, rule: AdviceRule | CheckRule) -> None:
    page.title(f"{rule.id} {rule.name} ({_kind(rule)}, since {rule.since})")
    page.gap()
    page.labelled("what", [rule.summary])
    page.labelled("why", [" ".join(rule.why.split())])
    if isinstance(rule, CheckRule):
        page.labelled("to fix", [_readable(rule.help.text)])
    if rule.unless:
        page.labelled("unless", [" ".join(rule.unless.split())])
    page.labelled("when", [rule.when] if rule.when else [])
    page.labelled("where", [f"{name} = {text}" for name, text in rule.let])
    if isinstance(rule, CheckRule):
        page.labelled("settings", [", ".join(rule.settings)] if rule.settings else [])
        page.labelled("confidence", [rule.confidence])
        page.labelled("says", [_readable(rule.message.text)])
    else:
        page.labelled("sets", [f"{item.setting} = {item.value}" for item in rule.assignments])
    page.labelled("examples", [str(case["name"]) for case in rule.cases])
    page.labelled("see", list(rule.refs))
