"""The recommendation as an environment: one GUNICORN_CMD_ARGS line for a shell or an .env file."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from gunitune.render.emit.args import flags

if TYPE_CHECKING:
    from gunitune.model import Recommendation


def render(advice: Recommendation, **_: object) -> str:
    """`GUNICORN_CMD_ARGS='…'`; Gunicorn splits the value as a shell would."""
    value = " ".join(quote(flag) for flag in flags(advice))
    return f"GUNICORN_CMD_ARGS={quote(value)}\n"
