"""GT7xx: what is wrong with a logging configuration, as Gunicorn completes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.checks.look import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunitune.checks.look import Look

SETTING = "logconfig_dict"
# Gunicorn's own, whose top-level keys those of the dict replace: glogging.CONFIG_DEFAULTS.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "root": {"handlers": ("console",)},
    "loggers": {
        "gunicorn.error": {"handlers": ("error_console",)},
        "gunicorn.access": {"handlers": ("console",)},
    },
    "handlers": {"console": {"formatter": "generic"}, "error_console": {"formatter": "generic"}},
    "formatters": {"generic": {}},
}


def silenced(look: Look) -> Iterator[Hit]:
    """The dict, where it switches off Gunicorn's own loggers, which are there before it."""
    given = _given(look)
    loggers = given.get("loggers")
    if given.get("disable_existing_loggers") is not True or not isinstance(loggers, dict):
        return
    if _names(loggers) and not {"gunicorn.error", "gunicorn"} & set(loggers):
        yield Hit(look.settings[SETTING].span, SETTING)


def missing_parts(look: Look) -> Iterator[Hit]:
    """The dict, at the first part it refers to that is not there: `kind`, `missing`, `user`."""
    given = _given(look)
    if not given or given.get("incremental"):
        return
    for kind, missing, user, top in _gaps({**DEFAULTS, **given}):
        facts = {"kind": kind, "missing": missing, "user": user, "top": top}
        yield Hit(look.settings[SETTING].span, SETTING, facts)
        return


def _given(look: Look) -> dict[Any, Any]:
    """The dict as the file writes it; empty where it is unknown."""
    found = look.settings.get(SETTING)
    return found.value if found is not None and isinstance(found.value, dict) else {}


def _gaps(whole: Mapping[Any, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Kind and name of what is missing, what uses it, and the key that has the user."""
    loggers = whole.get("loggers")
    users = {"the logger " + str(name): part for name, part in _entries(loggers)}
    for user, part in {"the root logger": whole.get("root"), **users}.items():
        top = "root" if user == "the root logger" else "loggers"
        for name in _missing(_list(part, "handlers"), whole.get("handlers")):
            yield "handler", name, user, top
    for name, part in _entries(whole.get("handlers")):
        formatter = part.get("formatter") if isinstance(part, dict) else None
        for missing in _missing([formatter], whole.get("formatters")):
            yield "formatter", missing, f"the handler {name}", "handlers"


def _entries(part: Any) -> list[tuple[Any, Any]]:
    return list(part.items()) if isinstance(part, dict) else []


def _list(part: Any, key: str) -> list[Any]:
    found = part.get(key) if isinstance(part, dict) else None
    return list(found) if isinstance(found, (list, tuple)) else []


def _missing(names: list[Any], there: Any) -> list[str]:
    """Those of the names that are not there; none where what is there is not wholly known."""
    if not _names(there):
        return []
    return [name for name in names if isinstance(name, str) and name not in there]


def _names(part: Any) -> bool:
    """Whether this is a dict with nothing but plain names for keys."""
    return isinstance(part, dict) and all(isinstance(name, str) for name in part)
