"""The recommendation as a gunicorn.conf.py: the reason as a comment beside each setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.render.comments import comment, header

if TYPE_CHECKING:
    from gunitune.model import Recommendation


def render(advice: Recommendation, **_: object) -> str:
    """A file that Gunicorn 20.1 and later load under Python 3.7 and later; no timestamp in it."""
    blocks = [header(advice)]
    for item in advice.settings:
        lines = [comment(f"{item.reason} [{item.basis}, {item.rule}]")]
        lines += [comment(f"was {step.value}: {step.reason}") for step in item.trail[-2::-1]]
        blocks.append("\n".join([*lines, f"{item.name} = {item.value!r}"]))
    return "\n\n".join(blocks) + "\n"
