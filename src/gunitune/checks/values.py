"""Which values Gunicorn refuses, and which it takes and then stops or stumbles over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gunitune.checks.look import Hit
from gunitune.checks.names import collides
from gunitune.checks.source import slice_of
from gunitune.conf.model import Defined
from gunitune.model import Unknown
from gunitune.report import Edit, Fix
from gunitune.units import release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.catalog import Catalog
    from gunitune.checks.look import Look
    from gunitune.conf.model import Assigned

# Modes as people write them without the 0o; 23, 31, 54, 63, 73 and 127 are decimals of usual ones.
_UMASKS = frozenset(("22", "26", "27", "37", "66", "67", "77", "113", "117", "133", "137", "177"))
_UMASKS |= {"222", "227", "277", "377", "777"}
_MODES = frozenset(("600", "640", "644", "660", "664", "666", "700", "750", "755", "770", "775"))
_MODES |= {"777", "400", "440", "444"}
_OTHERWISE = "write a value that Gunicorn takes, or delete the line"
_NOT_NONE = frozenset(("logger_class", "loglevel", "worker_class"))
_TWO = re.compile(r"([A-Z_][A-Z0-9_]*)=[^=,]*,\s*([A-Z_][A-Z0-9_]*)=")


def refused_value(look: Look) -> Iterator[Hit]:
    """Values that Gunicorn's validators refuse: it does not start."""
    for name, assigned, fault in faults(look):
        if not unset(assigned):
            facts = {"name": name, "fault": fault, "version": look.catalog.version}
            facts["do"] = _remedy(look, assigned, fault)
            yield Hit(assigned.span, name, facts)


def raises(look: Look) -> Iterator[Hit]:
    """Values whose expression raises, whatever the environment and the machine."""
    for name, assigned in {**look.conf.others, **look.settings}.items():
        value = assigned.value
        if not isinstance(value, Unknown) or not value.reason.startswith("raises "):
            continue
        if assigned.top_level and not assigned.depends_on:
            facts = {"name": name, "error": value.reason.removeprefix("raises ")}
            yield Hit(assigned.expression or assigned.span, name, facts)


def decimal_mode(look: Look) -> Iterator[Hit]:
    """`umask = 22`: the digits of an octal mode, written as a decimal number."""
    for name, modes in (("umask", _UMASKS), ("control_socket_mode", _MODES)):
        assigned = look.settings.get(name)
        text = slice_of(look.conf, assigned.expression) if assigned else ""
        if assigned and assigned.expression and text in modes and name in look.catalog.names:
            fix = Fix(f"write {name} in octal", (Edit(assigned.expression, f"0o{text}"),))
            facts = {"name": name, "digits": text, "octal": f"{int(text):o}"}
            yield Hit(assigned.span, name, facts, fix)


def malformed_raw_env(look: Look) -> Iterator[Hit]:
    """Items of raw_env that are no NAME=VALUE."""
    for number, item in enumerate(_raw_env(look), 1):
        if isinstance(item, str) and "=" not in item:
            yield Hit(look.settings["raw_env"].span, "raw_env", {"number": number})
            return


def joined_raw_env(look: Look) -> Iterator[Hit]:
    """A raw_env that has several variables in one string, with commas between them."""
    for item in _raw_env(look):
        if isinstance(item, str) and (match := _TWO.match(item.strip())):
            facts = {"first": match[1], "second": match[2]}
            yield Hit(look.settings["raw_env"].span, "raw_env", facts)
            return


def ours(look: Look) -> Iterator[tuple[str, Assigned]]:
    """The settings of the file that this release has."""
    return (item for item in look.settings.items() if item[0] in look.catalog.names)


def faults(look: Look) -> Iterator[tuple[str, Assigned, str]]:
    """The settings whose value Gunicorn refuses, and why; not names that are taken by accident."""
    for name, assigned in ours(look):
        fault = look.catalog.fault(name, assigned.value)
        if assigned.value is None and name in _NOT_NONE:
            fault = "a value is wanted, not None"
        if fault and not collides(look, assigned):
            yield name, assigned, fault


def unset(assigned: Assigned) -> bool:
    """Whether the value is None for want of an environment variable."""
    return assigned.value is None and any(each.startswith("env:") for each in assigned.depends_on)


def is_boolean(known: Catalog, name: str) -> bool:
    """Whether the setting is a boolean: of text it takes true and false alone."""
    return bool(known.fault(name, "1")) and not known.fault(name, "true")


def takes_numbers(known: Catalog, name: str) -> bool:
    """Whether the setting is a number: of text it takes digits alone."""
    return bool(known.fault(name, "x")) and not known.fault(name, "20000")


def _remedy(look: Look, assigned: Assigned, fault: str) -> str:
    """What to do about a refused value, as an imperative."""
    known, name, value = look.catalog, assigned.name, assigned.value
    if isinstance(value, float):
        return "make it a whole number: int(...)"
    if is_boolean(known, name):
        return "write True or False"
    if isinstance(value, str):
        return _remedy_for_text(known, name, value)
    if isinstance(value, (list, tuple)) and "commas" in fault:
        return "write one string with commas between the items"
    if isinstance(value, Defined) and "argument" in fault:
        return "give it the arguments that Gunicorn passes"
    bare_port = name == "bind" and type(value) is int
    return f"write it as a string, ':{value}' for every interface" if bare_port else _OTHERWISE


def _remedy_for_text(known: Catalog, name: str, value: str) -> str:
    if takes_numbers(known, name):
        return "write a whole number"
    if name.endswith("_allow_ips") and "/" in value and known.release < release("24.1"):
        return "name single addresses: networks such as 10.0.0.0/8 came with Gunicorn 24.1"
    return _OTHERWISE


def _raw_env(look: Look) -> tuple[Any, ...]:
    """What Gunicorn goes through: a string is one item, of a dict it takes the keys."""
    assigned = look.settings.get("raw_env")
    value = assigned.value if assigned else None
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value) if isinstance(value, (list, tuple, dict)) else ()
