"""The recommendation as command-line flags, one line, quoted for a shell."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.facts import known_settings

if TYPE_CHECKING:
    from gunitune.model import Recommendation


def flags(advice: Recommendation) -> list[str]:
    """`--workers=5`, `--preload`: a flag per setting, a switch only where it is on."""
    found = []
    for item in advice.settings:
        known = known_settings()[item.name]
        if known["flag"] is None:
            raise UsageError(f"{item.name} has no command-line flag", "write a conf: -f conf")
        if isinstance(item.value, str) and not item.value.isprintable():
            raise UsageError(f"{item.name} has control characters in it", "write a conf: -f conf")
        if known["type"] != "bool":
            found.append(f"{known['flag']}={item.value}")
        elif item.value:
            found.append(known["flag"])
    return found


def render(advice: Recommendation, **_: object) -> str:
    """The flags on one line."""
    return " ".join(quote(flag) for flag in flags(advice)) + "\n"
