"""Reads one requirement: PEP 508, a link, a checkout or an archive."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gunitune.project.dependencies.specifier import exact, tidy

_MAX_CHARACTERS = 2000
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?"
_HEAD = re.compile(rf"({_NAME})\s*(?:\[([A-Za-z0-9._,\s-]*)\])?")
_EGG = re.compile(rf"[#&]egg=({_NAME})(?:\[([A-Za-z0-9._,-]*)\])?")
_REF = re.compile(r"@v?(\d+(?:\.\d+){1,4})(?=$|[#&?])")
_WHEEL = re.compile(rf"({_NAME})-(\d[A-Za-z0-9.+!_]{{0,63}})-[^/]{{1,200}}\.whl")
_ARCHIVE = re.compile(rf"({_NAME})-(\d[A-Za-z0-9.+!_]{{0,63}})\.(?:tar\.\w{{2,3}}|tgz|zip)")
_ENDINGS = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")
_PEP440 = re.compile(r"(?:(?:===|==|~=|!=|<=|>=|<|>)[^,=<>]+(?:,|$))*")
_WINDOWS = re.compile(
    r"""\(?\s*(?:sys_platform|platform_system|os_name)\s*==\s*["'](?:win32|Windows|nt|cygwin)["']"""
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A library asked for. `windows` marks one that is asked for where Gunicorn can't run."""

    name: str
    specifier: str = ""
    pinned: str | None = None
    extras: tuple[str, ...] = ()
    windows: bool = False


def normalised(name: str) -> str:
    """Spell a library's name as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_name(text: str) -> bool:
    """Tell whether a library could be called so."""
    return re.fullmatch(_NAME, text) is not None


def parse_requirement(text: str) -> Requirement | None:
    """Read `gunicorn[gevent]>=23; marker`, `name @ link` or a bare link; None where it is none."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS:
        return None
    head = _HEAD.match(text)
    rest = text[head.end() :].lstrip() if head else ""
    if head and (not rest or rest[0] in "<>=!~;("):
        return _versioned(head, rest)
    if head and rest.startswith("@") and _is_link(rest[1:].lstrip()):
        return _linked(head, rest[1:].lstrip())
    return from_link(text) if _is_link(text) or text.startswith("git@") else None


def from_link(link: str) -> Requirement | None:
    """Read the library out of a link or path: `#egg=`, a wheel's or archive's name, a checkout."""
    place = link.split(maxsplit=1)[0] if link.strip() else ""
    base = re.split(r"[#?]", place, maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    egg, file = _EGG.search(place), _WHEEL.fullmatch(base) or _ARCHIVE.fullmatch(base)
    if egg:
        return _of(egg[1], egg[2], version_of_link(place))
    if file:
        return _of(file[1], None, file[2])
    repository = base.partition("@")[0].removesuffix(".git")
    if place.startswith(("git+", "hg+", "git@")) and is_name(repository):
        return _of(repository, None, version_of_link(place))
    return None


def version_of_link(link: str) -> str | None:
    """Give the version that a link names: in a file's name, or as the tag of a checkout."""
    base = re.split(r"[#?]", link, maxsplit=1)[0].rpartition("/")[2]
    file = _WHEEL.fullmatch(base) or _ARCHIVE.fullmatch(base)
    if file:
        return str(file[2])
    tag = _REF.search(link)
    return tag[1] if tag else None


def _versioned(head: re.Match[str], rest: str) -> Requirement | None:
    versions, _, marker = rest.partition(";")
    specifier = tidy(versions)
    if specifier is None or not _PEP440.fullmatch(specifier):
        return None
    return Requirement(
        normalised(head[1]), specifier, exact(specifier), _extras(head[2]), _windows(marker)
    )


def _linked(head: re.Match[str], rest: str) -> Requirement:
    link, _, marker = rest.partition(" ")
    return Requirement(
        normalised(head[1]),
        pinned=version_of_link(link.rstrip(";")),
        extras=_extras(head[2]),
        windows=_windows(marker.strip().removeprefix(";")),
    )


def _of(name: str, extras: str | None, version: str | None) -> Requirement:
    return Requirement(normalised(name), pinned=version, extras=_extras(extras))


def _extras(text: str | None) -> tuple[str, ...]:
    return tuple(normalised(part.strip()) for part in (text or "").split(",") if part.strip())


def _windows(marker: str) -> bool:
    return " or " not in marker and _WINDOWS.search(marker) is not None


def _is_link(text: str) -> bool:
    token = text.split(maxsplit=1)[0] if text else ""
    return "://" in token or token.startswith((".", "/", "file:")) or token.endswith(_ENDINGS)
