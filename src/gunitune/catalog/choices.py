"""What Gunicorn's validators of settings with a few fixed words take, and what they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from gunitune.catalog.refusal import formatted, refused, unhashable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CASTING = "Invalid type for casting: %s"


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting that takes one of a few words, in any case; `others` are further values."""

    words: tuple[str, ...]
    error: str
    none: str | None
    type_error: str = _CASTING
    others: Mapping[str, str] = field(default_factory=dict)
    booleans: tuple[str, str] | None = None  # what False and True stand for

    def __call__(self, value: Any) -> str | None:
        """The word that Gunicorn holds. Raises Refused."""
        if value is None:
            return self.none
        if isinstance(value, bool) and self.booleans:
            return self.booleans[value]
        if not isinstance(value, str):
            raise refused(self._wanted(), value, formatted(self.type_error, value))
        word = value.lower().strip()
        if word not in self.words and word not in self.others:
            raise refused(self._wanted(), value, self.error)
        return self.others.get(word, word)

    def _wanted(self) -> str:
        return f"{', '.join(self.words[:-1])} or {self.words[-1]}"


def reload_engine(value: Any) -> str:
    """As `validate_reload_engine`, which wants the word as it is."""
    if isinstance(value, str) and value in ("auto", "poll", "inotify"):
        return value
    error = unhashable(value) or formatted("Invalid reload_engine: %s", value)
    raise refused("auto, poll or inotify", value, error)


def http_protocols(known: tuple[str, ...], value: Any) -> tuple[str, ...]:
    """As `validate_http_protocols`: one string with commas, no list."""
    wanted = f"a string of {' and '.join(known)} with commas between them"
    if value is not None and not isinstance(value, str):
        raise refused(wanted, value, "http_protocols must be a string")
    items = (item.strip().lower() for item in (value or "").split(","))
    found = tuple(item for item in items if item) or ("h1",)
    if bad := next((item for item in found if item not in known), None):
        raise refused(wanted, value, f"Invalid protocol '{bad[:20]}")
    if len(set(found)) < len(found):
        raise refused(wanted, value, "Duplicate protocols specified")
    return found


CHOICES: dict[str, Callable[[Any], Any]] = {
    "asgi_lifespan": Choice(("auto", "on", "off"), "Invalid ASGI lifespan", "auto"),
    "asgi_loop": Choice(("auto", "asyncio", "uvloop"), "Invalid ASGI loop", "auto"),
    "header_map": Choice(
        ("drop", "refuse", "dangerous"), "Invalid header map behaviour", none=None
    ),
    "http2_cleartext": Choice(
        ("off", "prior-knowledge", "upgrade", "both"),
        "Invalid http2_cleartext",
        none="off",
        booleans=("off", "prior-knowledge"),
    ),
    "http_parser": Choice(
        ("auto", "fast", "python"),
        "http_parser must be one of: auto, fast, python",
        none="auto",
        type_error="http_parser must be a string",
    ),
    "http_protocols": partial(http_protocols, ("h1", "h2")),
    "http_protocols_h3": partial(http_protocols, ("h1", "h2", "h3")),
    "proxy_protocol": Choice(
        ("off", "v1", "v2", "auto"),
        "proxy_protocol must be: off, v1, v2, or auto",
        none="off",
        type_error="proxy_protocol must be string or bool",
        others={"false": "off", "0": "off", "none": "off", "true": "auto", "1": "auto"},
        booleans=("off", "auto"),
    ),
    "reload_engine": reload_engine,
}
