"""The recommendation as a page that someone new to Gunicorn understands in half a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.render import describe
from gunitune.render.layout import Page

if TYPE_CHECKING:
    from gunitune.model import Recommendation, Setting

SHOWN_EVIDENCE = 5


def render(advice: Recommendation, *, width: int = 80, color: bool = False) -> str:
    """The page, `width` columns wide."""
    page = Page(width)
    _inputs(page, advice)
    _settings(page, advice)
    _limits(page, advice)
    _remarks(page, advice)
    return page.coloured() if color else page.plain()


def _inputs(page: Page, advice: Recommendation) -> None:
    page.labelled("app", describe.app(advice.app))
    found = [describe.evidence(item) for item in advice.app.evidence[:SHOWN_EVIDENCE]]
    if more := len(advice.app.evidence) - len(found):
        found.append(f"and {more} more: -f json lists all")
    for text in [*found, *map(describe.plain, advice.app.notes)]:
        page.row([("", 11, ""), ("-", 2, ""), (text, 0, "dim")])
    page.labelled("machine", describe.machine(advice.host))
    page.labelled("gunicorn", [describe.gunicorn(advice.installed)])
    page.gap()


def _settings(page: Page, advice: Recommendation) -> None:
    names = max([len(item.name) for item in advice.settings] + [7]) + 2
    values = max([len(_value(item)) for item in advice.settings] + [5]) + 2
    page.row([("SETTING", names, "bold"), ("VALUE", values, "bold"), ("WHY", 0, "bold")])
    for item in advice.settings:
        why = f"{item.reason} [{item.basis}, {item.rule}]"
        cells = [(item.name, names, "bold"), (_value(item), values, "green bold"), (why, 0, "")]
        page.row([(describe.plain(text), size, style) for text, size, style in cells])
        for step in item.trail[-2::-1]:
            before = describe.plain(f"was {step.value}: {step.reason} [{step.basis}, {step.rule}]")
            page.row([("", names + values, ""), (before, 0, "dim")])
    page.gap()


def _limits(page: Page, advice: Recommendation) -> None:
    page.labelled("limit", [describe.plain(advice.constraint)])
    page.labelled("carries", describe.capacity(advice.capacity))


def _remarks(page: Page, advice: Recommendation) -> None:
    lists = [
        ("warning", advice.warnings, "yellow"),
        ("next", (*advice.next, describe.steps(advice)), ""),
        ("not chosen", advice.alternatives, "dim"),
        ("not judged", _skipped(advice), "dim"),
    ]
    for label, texts, style in lists:
        if texts:
            page.gap()
            page.labelled(label, [describe.plain(text) for text in texts], style)


def _skipped(advice: Recommendation) -> tuple[str, ...]:
    """The rules that lacked a fact, by the fact."""
    reasons: dict[str, list[str]] = {}
    for item in advice.skipped:
        reasons.setdefault(item.reason, []).append(item.rule)
    return tuple(
        f"{', '.join(dict.fromkeys(rules))}: {reason}" for reason, rules in reasons.items()
    )


def _value(setting: Setting) -> str:
    return describe.plain(str(setting.value))
