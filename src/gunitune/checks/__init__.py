"""The functions that gunitune's own check rules may name, where an expression can't do it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gunitune.checks.look import Hit, Look

# Name in a rule file -> module of this package; the function has the rule's word for it.
FUNCTIONS: dict[str, str] = {
    "always_true": "variables",
    "any_text_is_true": "variables",
    "broken_format": "formats",
    "class_gone": "workerclass",
    "class_too_new": "workerclass",
    "dead_assignment": "repeats",
    "decimal_mode": "values",
    "duplicate_bind": "bind",
    "faults": "itself",
    "headers_never_match": "exposure",
    "ignores": "itself",
    "invalid_bind": "bind",
    "joined_raw_env": "values",
    "malformed_raw_env": "values",
    "missing_parts": "logs",
    "misspelt_hook": "names",
    "misspelt_setting": "names",
    "name_collision": "names",
    "no_duration": "formats",
    "personal_paths": "binds",
    "port_unset": "bind",
    "preloads_before_patching": "classes",
    "privileged_port": "binds",
    "raises": "values",
    "refused_value": "values",
    "removed": "names",
    "repeated_assignment": "repeats",
    "secrets_in_raw_env": "exposure",
    "silenced": "logs",
    "smuggling_release": "exposure",
    "too_new": "names",
    "uncast_boolean": "variables",
    "uncast_number": "variables",
    "unknown_class": "workerclass",
    "unknown_fields": "formats",
    "unknown_setting": "names",
    "unset_variable": "variables",
    "user_alone": "exposure",
    "user_on_heroku": "exposure",
    "weak_ciphers": "exposure",
    "without_effect": "classes",
    "wrong_case": "names",
}


@cache
def function(name: str) -> Callable[[Look], Iterator[Hit]]:
    """The function that a rule names; KeyError where there is none."""
    module = import_module(f"gunitune.checks.{FUNCTIONS[name]}")
    found: Callable[[Look], Iterator[Hit]] = getattr(module, name)
    return found
