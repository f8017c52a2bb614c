"""A rule explained, or all rules as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.render.layout import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.rulebook import AdviceRule


def render(rules: Sequence[AdviceRule], *, whole: bool, color: bool = False) -> str:
    """The list, or with `whole` everything that a rule's file says."""
    page = Page(80)
    for rule in rules:
        if whole:
            _explain(page, rule)
        else:
            page.row([(rule.id, 7, "bold"), (rule.layer, 11, "cyan"), (rule.summary, 0, "")])
    return page.coloured() if color else page.plain()


def _explain(page: Page, rule: AdviceRule) -> None:
    page.title(f"{rule.id} {rule.name} ({rule.layer}, since {rule.since})")
    page.gap()
    page.labelled("what", [rule.summary])
    page.labelled("why", [" ".join(rule.why.split())])
    if rule.unless:
        page.labelled("unless", [" ".join(rule.unless.split())])
    page.labelled("when", [rule.when])
    page.labelled("where", [f"{name} = {text}" for name, text in rule.let])
    page.labelled("sets", [f"{item.setting} = {item.value}" for item in rule.assignments])
    page.labelled("examples", [str(case["name"]) for case in rule.cases])
    page.labelled("see", list(rule.refs))
