"""Tells which Gunicorn and Python the project's environment has, without running any of it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.machine.sysroot import Sysroot
from gunitune.model import Installed, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN = "gunitune's own environment"
_FOLDERS = (".venv", "venv", "env")
_CONFIG = "pyvenv.cfg"
_PYTHON = re.compile(r"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
_SNAPSHOT = "a snapshot shows no environment"
# What can be told of the project's environment on a machine that is only a snapshot: nothing.
ELSEWHERE = Installed(
    Unknown(_SNAPSHOT), _SNAPSHOT, Unknown(_SNAPSHOT), _SNAPSHOT, Unknown(_SNAPSHOT)
)
_VERSION = re.compile(r"\d[\w.!+]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Environment:
    """A place that packages are installed in; `versions` holds those found of each package."""

    name: str
    python: str | Unknown
    versions: Mapping[str, frozenset[str]]

    def gunicorn(self) -> str | Unknown:
        versions = sorted(self.versions.get("gunicorn", ()))
        if not versions:
            return Unknown(f"gunicorn is not installed in {self.name}")
        if len(versions) > 1 or not _VERSION.fullmatch(versions[0]):
            return Unknown(f"gunicorn in {self.name} has the versions {', '.join(versions)}")
        return versions[0]


def installed(project: Path, environ: Mapping[str, str] | None = None) -> Installed:
    """Versions and packages of the first of the project's environments that has Gunicorn.

    Looked at: VIRTUAL_ENV, then .venv, venv and env in `project`. Where there are none, the
    environment of gunitune itself counts if Gunicorn is in it. Read are pyvenv.cfg and the names
    of the folders that pip leaves beside the packages.
    """
    environ = os.environ if environ is None else environ
    virtual = list(_virtual_environments(project, environ))
    places = [place for place in virtual or [_own()] if "gunicorn" in place.versions] or virtual
    if not places:
        reason = "no virtual environment: neither VIRTUAL_ENV nor a folder .venv, venv or env"
        return Installed(Unknown(reason), reason, Unknown(reason), reason, Unknown(reason))
    place = places[0]
    gunicorn = place.gunicorn()
    return Installed(
        python=place.python,
        python_source=_source(place.python, place),
        gunicorn=gunicorn,
        gunicorn_source=_source(gunicorn, place),
        packages=frozenset(place.versions),
        own=place.name == OWN,
    )


def versions(project: Path, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The name of the project's own environment, and `name version` of what is installed there.

    It is the one that `installed` speaks of; ("", ()) where the project has none of its own.
    """
    places = list(_virtual_environments(project, environ))
    chosen = [place for place in places if "gunicorn" in place.versions] or places
    if not chosen:
        return "", ()
    packages = chosen[0].versions.items()
    listed = (f"{name} {number}" for name, numbers in packages for number in numbers)
    return chosen[0].name, tuple(sorted(listed))


def _source(version: str | Unknown, place: _Environment) -> str:
    return version.reason if isinstance(version, Unknown) else place.name


def _virtual_environments(project: Path, environ: Mapping[str, str]) -> Iterator[_Environment]:
    active = environ.get("VIRTUAL_ENV")
    places = [(Path(active), "the active virtual environment")] if active else []
    places += [(project / folder, folder) for folder in _FOLDERS]
    for folder, name in places:
        config = Sysroot(folder, live=True).read(_CONFIG)
        if config is not None:
            version = _PYTHON.search(config)
            python = version[1] if version else Unknown(f"{name}/{_CONFIG} names no version")
            yield _Environment(name, python, _versions(_site_packages(folder)))


def _site_packages(folder: Path) -> Iterator[Path]:
    """Where POSIX and Windows keep a virtual environment's packages."""
    yield from folder.glob("lib/python*/site-packages")
    yield folder / "Lib" / "site-packages"


def _own() -> _Environment:
    name = OWN
    python = ".".join(map(str, sys.version_info[:3]))
    folders = (Path(entry) for entry in sys.path if entry.endswith("-packages"))
    return _Environment(name, python, _versions(folders))


def _versions(folders: Iterator[Path]) -> dict[str, frozenset[str]]:
    """Packages by their normalised name (PEP 503), with the versions that folder names give."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for entry in _entries(folder):
            stem, _, kind = entry.rpartition(".")
            if kind in {"dist-info", "egg-info"}:
                name, _, rest = stem.partition("-")
                normalised = re.sub(r"[-_.]+", "-", name).lower()
                found.setdefault(normalised, set()).add(rest.split("-")[0])
    return {name: frozenset(versions) for name, versions in found.items()}


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  names are all that is needed
    except OSError:
        return []
