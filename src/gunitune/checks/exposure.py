"""GT6xx: secrets, ciphers, headers and releases that leave a hole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.checks.look import Hit
from gunitune.conf.model import START
from gunitune.mask import is_secret, secrets
from gunitune.model import Unknown
from gunitune.units import release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look

_BROKEN = re.compile(
    r"RC4|3DES|DES-?CBC|(?<!E)NULL|ENULL|EXP(?:ORT)?\b|EXP-|MD5|\bADH|AECDH|\bLOW\b|\bDES\b|SSLV[23]\b"
)
_STRUCK_OUT = ("!", "-")
_STAND_IN = re.compile(r"[\s*x.<]|changeme|change-me|\$\{?\w|%\(|your[-_]", re.IGNORECASE)


def secrets_in_raw_env(look: Look) -> Iterator[Hit]:
    """raw_env, where it gives a secret its value in plain text: `names`, never the values."""
    found = look.settings.get("raw_env")
    if found is None or any(name.startswith("env:") for name in found.depends_on):
        return
    items = found.value if isinstance(found.value, (list, tuple)) else [found.value]
    names = [item.partition("=")[0] for item in items if isinstance(item, str) and _tells(item)]
    if names:
        yield Hit(found.span, "raw_env", {"names": ", ".join(dict.fromkeys(names))})


def _tells(item: str) -> bool:
    """Whether an entry NAME=value holds a secret."""
    name, _, value = item.partition("=")
    if not value or _STAND_IN.match(value):
        return False
    return is_secret(name) or bool(secrets(value))


def weak_ciphers(look: Look) -> Iterator[Hit]:
    """The ciphers, where broken ones are asked for: `weak`."""
    found = look.settings.get("ciphers")
    value = look.scope["conf.ciphers"] if found is not None else None
    if found is None or not isinstance(value, str):
        return
    words = [word for word in re.split(r"[:, ]+", value) if not word.startswith(_STRUCK_OUT)]
    weak = [word for word in words if _BROKEN.search(word.upper())]
    if weak:
        yield Hit(found.span, "ciphers", {"weak": ", ".join(weak)})


def headers_never_match(look: Look) -> Iterator[Hit]:
    """Each setting whose headers are not in upper case: `setting`, `name`, `upper`."""
    if look.scope["effective.worker_class"] in ("uvicorn", "tornado"):
        return
    for setting in ("secure_scheme_headers", "forwarder_headers"):
        found = look.settings.get(setting)
        value = look.scope[f"conf.{setting}"] if found is not None else None
        if found is None or not isinstance(value, (dict, list, tuple)):
            continue
        wrong = [name for name in value if isinstance(name, str) and name != name.upper()]
        if wrong:
            facts = {"setting": setting, "name": wrong[0], "upper": wrong[0].upper()}
            yield Hit(found.span, setting, facts)


def smuggling_release(look: Look) -> Iterator[Hit]:
    """The file's start, where the release is one before 22.0: `version`."""
    if look.catalog.release < release("22"):
        yield Hit(START, None, {"version": look.catalog.version})


def user_alone(look: Look) -> Iterator[Hit]:
    """The user, where the workers change to one and no group goes with it."""
    if "group" not in look.settings and _changes(look, "user"):
        yield Hit(look.settings["user"].span, "user")


def user_on_heroku(look: Look) -> Iterator[Hit]:
    """The user and the group, where the target is Heroku, which has no root: `setting`."""
    names = [name for name in ("user", "group") if _changes(look, name)]
    if names and look.scope["host.platform"] == "heroku":
        for name in names:
            yield Hit(look.settings[name].span, name, {"setting": name})


def _changes(look: Look, name: str) -> bool:
    """Whether the setting names another user or group than root."""
    found = look.settings.get(name)
    if found is None or isinstance(found.value, Unknown):
        return False
    return found.value is not None and found.value not in ("root", "0", 0)
