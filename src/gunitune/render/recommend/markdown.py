"""The recommendation as Markdown, for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune import __version__
from gunitune.render import describe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.model import Recommendation


def render(advice: Recommendation, **_: object) -> str:
    """A table of settings with their reasons, and the inputs they come from."""
    rows = [
        f"| {code(item.name)} | {code(str(item.value))} | {escape(item.reason)} | {item.basis}"
        f" | {escape(item.rule)} |"
        for item in advice.settings
    ]
    sections = [
        "### Gunicorn settings recommended by gunitune",
        "\n".join(["| setting | value | why | basis | rule |", "|---|---|---|---|---|", *rows]),
        _bullets([f"**Limit:** {escape(advice.constraint)}"]
                 + [f"**Carries:** {escape(text)}" for text in describe.capacity(advice.capacity)]
                 + [f"**App:** {escape(text)}" for text in describe.app(advice.app)]
                 + [f"**Machine:** {escape(text)}" for text in describe.machine(advice.host)]
                 + [f"**Gunicorn:** {escape(describe.gunicorn(advice.installed))}"]),
        _section("Evidence", [describe.evidence(item) for item in advice.app.evidence[:10]]),
        _section("Warnings", advice.warnings),
        _section("Next", (*advice.next, describe.steps(advice))),
        _section("Not chosen", advice.alternatives),
        f"<sub>gunitune {__version__}</sub>",
    ]  # fmt: skip
    return "\n\n".join(section for section in sections if section) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no table breaks, no line ends, no mentions."""
    text = describe.plain(text)
    for char in "\\`*_[]<>|#@":
        text = text.replace(char, f"&#{ord(char)};" if char in "<>|@" else f"\\{char}")
    return text


def code(text: str) -> str:
    """Text as code within a table's cell: what would end either is replaced."""
    return "`" + describe.plain(text).replace("`", "'").replace("|", "\\|") + "`"


def _section(title: str, texts: Iterable[str]) -> str:
    bullets = _bullets([escape(text) for text in texts])
    return f"**{title}**\n\n{bullets}" if bullets else ""


def _bullets(texts: list[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)
