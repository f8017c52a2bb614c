"""What one release of Gunicorn knows: its settings, their defaults, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gunitune.catalog.kinds import validator
from gunitune.catalog.refusal import Refused, hidden, unknown
from gunitune.catalog.stored import Release, at, nearest, numbers, stored, surveyed
from gunitune.model import Unknown
from gunitune.units import release as release_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EMPTY: Mapping[str, str] = MappingProxyType({})
FROM_ENVIRONMENT: Mapping[str, Callable[[str], Any]] = {
    "bind": lambda port: [f"0.0.0.0:{port}"],
    "forwarded_allow_ips": str,
    "workers": int,
}


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a release knows.

    `version` and `release` are those asked for, `surveyed` the release whose code was read for it:
    the same, or the nearest before. `names` are its settings, `worker_classes` the aliases it has.
    Every method that takes a name raises KeyError for what is no setting of any release, and
    `default`, `fault` and `convert` for one that this release does not have.
    """

    version: str
    release: Release
    surveyed: str
    names: frozenset[str]
    worker_classes: frozenset[str]
    _validators: Mapping[str, Callable[[Any], Any]] = field(repr=False)

    @property
    def python(self) -> str | None:
        """The Python versions that the release asks for, as `>=3.10`; None where it names none."""
        asked: str | None = at(stored()["python"], numbers(self.surveyed))
        return asked

    def default(self, name: str, environ: Mapping[str, str] = EMPTY) -> Any:
        """What Gunicorn holds when nobody sets it; `Unknown` where that hangs on the machine.

        `environ` is the environment it is started with, for WEB_CONCURRENCY and the like.
        """
        found = at(_setting(name)["default"], numbers(self.surveyed))
        if "unknown" in found:
            return Unknown(found["unknown"])
        variable = found.get("env", "")
        if variable not in environ:
            return self._validators[name](found["value"])
        try:
            return self._validators[name](FROM_ENVIRONMENT[name](environ[variable]))
        except (Refused, ValueError):
            return Unknown(f"Gunicorn refuses what {variable} is set to")

    def fault(self, name: str, value: Any) -> str | None:
        """Why Gunicorn refuses the value; None where it takes it, or where that can't be told."""
        return self._hold(name, value)[1]

    def convert(self, name: str, value: Any) -> Any:
        """What Gunicorn holds once its validator has had the value: "4" -> 4; lists are tuples.

        `Unknown` where that can't be told, or where the value is refused.
        """
        return self._hold(name, value)[0]

    def _hold(self, name: str, value: Any) -> tuple[Any, str | None]:
        validate = self._validators[name]
        if hidden(value):
            return unknown(value), None
        try:
            return validate(value), None
        except Refused as error:
            return Unknown(f"Gunicorn refuses it: {error}"), str(error)

    def flags(self, name: str) -> tuple[str, ...]:
        """The flags that set it on this release's command line, as Gunicorn lists them."""
        return tuple(at(_setting(name)["flags"], numbers(self.surveyed)))

    def since(self, name: str) -> str:
        """The first release that has the setting."""
        return str(next(version for version, there in _setting(name)["there"] if there))

    def gone(self, name: str) -> str | None:
        """The first release that no longer has the setting; None while the newest has it."""
        version, there = _setting(name)["there"][-1]
        return None if there else str(version)

    def acts_on(self, name: str) -> frozenset[str] | None:
        """The worker classes that the setting has an effect with; None for all of them.

        The names are sync, gthread, gevent, eventlet, tornado, asgi and uvicorn.
        """
        effect = self._effect(name)
        return frozenset(effect["classes"]) if effect else None

    def why_not(self, name: str) -> str:
        """Why the setting has no effect with the other classes; "" where it acts on all."""
        return str(self._effect(name).get("reason", ""))

    def partly(self, name: str, worker_class: str) -> str:
        """What a class that the setting acts on heeds of its value; "" for all of it."""
        return str(self._effect(name).get("partly", {}).get(worker_class, ""))

    def _effect(self, name: str) -> Mapping[str, Any]:
        _setting(name)
        found = stored()["effects"].get(name, ())
        reached = [each for each in found if numbers(each.get("since", "0")) <= self.release]
        return reached[-1] if reached else {}


@lru_cache(maxsize=256)
def catalog(version: str) -> Catalog:
    """What a release knows, by its number: `25.3.0`. Raises UsageError for what is none."""
    release = release_of(version)
    surveyed_version = nearest(release)
    known = numbers(surveyed_version)
    names = [name for name, setting in stored()["settings"].items() if at(setting["there"], known)]
    kinds = {name: at(_setting(name)["kind"], known) for name in names}
    return Catalog(
        version=version,
        release=release,
        surveyed=surveyed_version,
        names=frozenset(names),
        worker_classes=frozenset(at(stored()["workers"], known)),
        _validators={name: validator(kind) for name, kind in kinds.items()},
    )


def newest() -> str:
    """The newest release that the catalogue knows."""
    return surveyed()[-1]


@cache
def setting_names() -> frozenset[str]:
    """Every setting of any release."""
    return frozenset(stored()["settings"])


@cache
def flags() -> Mapping[str, str]:
    """Every flag of any release's command line, long and short, and the setting that it sets."""
    return {
        flag: name
        for name, setting in stored()["settings"].items()
        for _, given in setting["flags"]
        for flag in given
    }


def _setting(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = stored()["settings"][name]
    return found
