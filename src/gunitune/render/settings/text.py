"""gunitune's own options as a page: each with its value and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.mask import mask
from gunitune.options import OPTIONS
from gunitune.render.layout import Page

if TYPE_CHECKING:
    from gunitune.settings import Settings


def render(settings: Settings, *, color: bool = False, width: int = 80, **_: object) -> str:
    """One row per option, those that nobody gave included."""
    page = Page(width)
    for option in OPTIONS:
        given = settings.values.get(option.name)
        value = mask(given.text) if given else "-"
        source = given.source if given else "default"
        page.row([(option.key, 18, "cyan"), (value, 24, "bold"), (source, 0, "")])
    for folder in settings.rules:
        page.row([("rules", 18, "cyan"), (str(folder), 24, "bold"), ("rules", 0, "")])
    return page.coloured() if color else page.plain()
