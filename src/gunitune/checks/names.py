"""Which names Gunicorn does not take as they are meant: misspelt, taken, too new, gone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gunitune.catalog import catalog, flags, newest, suggest
from gunitune.checks.look import Hit
from gunitune.checks.source import slice_of
from gunitune.conf.model import Defined
from gunitune.model import Unknown
from gunitune.units import release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.catalog import Catalog
    from gunitune.checks.look import Look
    from gunitune.conf.model import Assigned
    from gunitune.report import Fix

_DATA = ("assign", "augment", "globals")
_MADE = ("import", "function", "class")
_CLASSES = ("logger_class", "worker_class")  # a class, or a function that gives one, will do


def misspelt_setting(look: Look) -> Iterator[Hit]:
    """Names that the file sets, that nothing reads, and that are near to a setting or a flag."""
    for assigned in _idle(look, _DATA):
        meant = _meant(look, assigned.name)
        if meant and not _all_caps(assigned.name):
            facts = {"name": assigned.name, "meant": meant, "how": _how(assigned.name, meant)}
            yield Hit(assigned.span, assigned.name, facts, _renamed(look, assigned, meant))


def unknown_setting(look: Look) -> Iterator[Hit]:
    """Names that the file gives plain data, that nothing reads, and that are near to no setting."""
    for assigned in _idle(look, _DATA):
        name, value = assigned.name, assigned.value
        opaque = isinstance(value, Defined) or (
            isinstance(value, Unknown) and not assigned.depends_on
        )
        if name.islower() and not opaque and not _meant(look, name):
            yield Hit(assigned.span, name, {"name": name})


def wrong_case(look: Look) -> Iterator[Hit]:
    """Names that are a setting but for their case, that nothing reads: `WORKERS = 4`."""
    for assigned in _idle(look, _DATA):
        meant = assigned.name.lower()
        if meant in look.catalog.names and meant not in look.settings:
            facts = {"name": assigned.name, "meant": meant}
            yield Hit(assigned.span, assigned.name, facts, _renamed(look, assigned, meant))


def misspelt_hook(look: Look) -> Iterator[Hit]:
    """Functions that nothing reads, near to a hook and with as many arguments as it gets."""
    hooks = _hooks(look.catalog)
    for assigned in _idle(look, ("function",)):
        meant = suggest(assigned.name, hooks)
        if meant and meant not in look.settings and not look.catalog.fault(meant, assigned.value):
            facts = {"name": assigned.name, "meant": meant}
            yield Hit(assigned.span, assigned.name, facts)


def too_new(look: Look) -> Iterator[Hit]:
    """Settings that only a later release has, with another value than they have there anyway."""
    for name, assigned in _foreign(look):
        since = look.catalog.since(name)
        if release(since) > look.catalog.release and not _is_default(name, assigned.value):
            yield Hit(
                assigned.span, name, {"name": name, "since": since, "version": look.catalog.version}
            )


def removed(look: Look) -> Iterator[Hit]:
    """Settings that only earlier releases have."""
    for name, assigned in _foreign(look):
        gone = look.catalog.gone(name)
        if gone is not None and release(gone) <= look.catalog.release:
            facts = {"name": name, "gone": gone, "version": look.catalog.version}
            yield Hit(assigned.span, name, facts, _deleted(look, assigned))


def name_collision(look: Look) -> Iterator[Hit]:
    """Imports, functions and classes that Gunicorn takes for settings, and can't use as such."""
    for name, assigned in look.settings.items():
        if name in look.catalog.names and (what := _taken(look, assigned)):
            yield Hit(assigned.span, name, {"name": name, "what": what})


def collides(look: Look, assigned: Assigned) -> bool:
    """Whether `name_collision` speaks of the name: it is then no value that was meant for it."""
    return bool(_taken(look, assigned))


def _idle(look: Look, means: tuple[str, ...]) -> Iterator[Assigned]:
    """Names of no setting that the file sets in one of these ways, and that nothing in it reads."""
    if look.conf.dynamic:
        return
    for name, assigned in look.conf.others.items():
        if assigned.means in means and name not in look.conf.reads and not name.startswith("_"):
            yield assigned


def _meant(look: Look, name: str) -> str | None:
    """The setting that a name is meant for; None for one that is wrong in its case alone."""
    return None if name.lower() in look.catalog.names else suggest(name, look.catalog.names)


def _all_caps(name: str) -> bool:
    return name.isupper()


def _how(name: str, meant: str) -> str:
    flag = "--" + name.lower().replace("_", "-")
    if flags().get(flag) == meant:
        return f"the flag is {flag}, the setting is {meant}"
    return f"did you mean {meant}?"


def _renamed(look: Look, assigned: Assigned, meant: str) -> Fix | None:
    """The right name, where Gunicorn takes the value that it then gets."""
    if isinstance(assigned.value, Unknown | Defined) or look.catalog.fault(meant, assigned.value):
        return None
    from gunitune.fixes import rename

    return rename(look.conf, assigned, meant)


def _deleted(look: Look, assigned: Assigned) -> Fix | None:
    from gunitune.fixes import delete

    return delete(look.conf, assigned)


@cache
def _hooks_of(version: str) -> frozenset[str]:
    """The settings that want a function of Gunicorn's arguments."""
    known, function = catalog(version), Defined("function", "f", 1, None)
    return frozenset(
        name for name in known.names if known.fault(name, None) and not known.fault(name, function)
    )


def _hooks(known: Catalog) -> frozenset[str]:
    return _hooks_of(known.version)


def _foreign(look: Look) -> Iterator[tuple[str, Assigned]]:
    """The settings of other releases that the file sets, but for names that it reads itself."""
    for name, assigned in look.settings.items():
        if name not in look.catalog.names and name not in look.conf.reads:
            yield name, assigned


def _is_default(name: str, value: object) -> bool:
    known = catalog(newest())
    return name in known.names and bool(known.convert(name, value) == known.default(name))


def _taken(look: Look, assigned: Assigned) -> str:
    """What stands under a setting's name by accident; "" where it may be meant for it."""
    if assigned.means not in _MADE or assigned.name in _CLASSES:
        return ""
    function = Defined("function", assigned.name, 1, None)
    return _object(look, assigned) if look.catalog.fault(assigned.name, function) else ""


def _object(look: Look, assigned: Assigned) -> str:
    """What the name stands for where that is surely no setting's value; "" otherwise."""
    if assigned.means in ("function", "class"):
        return f"a {assigned.means}"
    if slice_of(look.conf, assigned.statement).startswith("import"):
        return "a module"
    if isinstance(assigned.value, Defined) and assigned.value.kind != "object":
        return f"a {assigned.value.kind}"
    return "a function that the file calls" if _called(look.conf.text, assigned.name) else ""


def _called(text: str, name: str) -> bool:
    """Whether the text calls a name somewhere."""
    import ast

    from gunitune.conf.syntax import parsed

    tree = parsed(text)
    calls = (
        (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        if isinstance(tree, ast.Module)
        else ()
    )
    return any(isinstance(function, ast.Name) and function.id == name for function in calls)
