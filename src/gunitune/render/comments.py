"""Comments of emitted files: the inputs at the top, wrapped, and nothing that ends a line."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from gunitune import __version__
from gunitune.render import describe

if TYPE_CHECKING:
    from gunitune.model import Recommendation

SHOWN_EVIDENCE = 5


def comment(text: str, lead: str = "") -> str:
    """Comment lines of at most 88 columns; a line end or control character is written out."""
    lines = wrap(lead + describe.plain(text), 86, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines or [""]).replace("# \n", "#\n")


def header(advice: Recommendation) -> str:
    """What wrote the file and from which inputs; the same inputs give the same bytes."""
    lines = [
        *app_header(advice, f"Gunicorn configuration, written by gunitune {__version__}."),
        *(comment(f"Machine: {text}") for text in describe.machine(advice.host)[:2]),
        comment(f"Limit: {advice.constraint}"),
        *(comment(f"Carries: {text}") for text in describe.capacity(advice.capacity)),
        *(comment(f"Warning: {text}") for text in advice.warnings),
        *(comment(f"Next: {text}") for text in advice.next),
        comment(f"Start: {describe.start(advice.app)}"),
    ]
    return "\n".join(lines)


def app_header(advice: Recommendation, title: str) -> list[str]:
    """The title and what does not depend on the machine: the app, its evidence, the release."""
    evidence = advice.app.evidence[:SHOWN_EVIDENCE]
    return [
        comment(title),
        "#",
        *(comment(f"App: {text}") for text in describe.app(advice.app)),
        *(comment(describe.evidence(item), "- ") for item in evidence),
        comment(describe.gunicorn(advice.installed)),
    ]
