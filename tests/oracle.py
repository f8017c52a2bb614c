"""What Python itself makes of a config that our own tests wrote: test support.

Only texts that this repository generates come here.
"""

from __future__ import annotations

import ast
import builtins
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from unittest.mock import patch

from gunitune.conf.machine import Machine
from gunitune.conf.model import Conf, Defined
from gunitune.conf.read import read_conf
from gunitune.model import Unknown

PLACE = Path("/srv/app/gunicorn.conf.py")
CORES, AFFINITY = 48, 6


@dataclass
class Real:
    """The names that a text binds, those whose statement raises, and the text that was carried out.

    Python would stop at the first statement that raises; here an assignment that does is passed
    over, and the text ends before any other statement that does.
    """

    names: dict[str, Any] = field(default_factory=dict)
    raised: dict[str, str] = field(default_factory=dict)
    text: str = ""


@contextmanager
def machine(environ: Mapping[str, str]) -> Iterator[None]:
    """Make this Python see the declared machine and environment."""
    with (
        patch.dict(os.environ, environ, clear=True),
        patch.object(os, "cpu_count", lambda: CORES),
        patch.object(os, "process_cpu_count", lambda: AFFINITY, create=True),
        patch.object(os, "sched_getaffinity", lambda _: set(range(AFFINITY))),
        patch.object(builtins, "print", lambda *_, **__: None),
    ):
        yield


def really(text: str, environ: Mapping[str, str], place: Path = PLACE) -> Real:
    """Carry a text out, statement by statement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _carried_out(text, environ, place)


def _carried_out(text: str, environ: Mapping[str, str], place: Path) -> Real:
    raised: dict[str, str] = {}
    names: dict[str, Any] = {"__name__": "__config__", "__file__": str(place)}
    with machine(environ), patch.dict(sys.modules):
        for node in ast.parse(text).body:
            try:
                exec(compile(ast.Module([node], []), str(place), "exec"), names)
            except Exception as error:  # noqa: BLE001  (whatever the text raises)
                if not isinstance(node, ast.Assign):
                    before = text.split("\n")[: node.lineno - 1]
                    return _carried_out("\n".join([*before, ""]), environ, place)
                for each in ast.walk(node):
                    if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                        names.pop(each.id, None)
                        raised[each.id] = type(error).__name__
    shown = {name: value for name, value in names.items() if not name.startswith("__")}
    return Real(shown, {name: kind for name, kind in raised.items() if name not in names}, text)


def read(
    text: str,
    environ: Mapping[str, str],
    names: frozenset[str],
    place: Path = PLACE,
    root: Path | None = None,
) -> Conf:
    """Read a text for the machine that `machine` makes."""
    target = Machine(CORES, AFFINITY, environ, root or place.parent)
    return read_conf(place, place.name, target, names=names, data=text.encode())


def same(ours: Any, theirs: Any) -> bool:
    """Whether a value that was read is the one that Python has, types and order included."""
    if isinstance(ours, Defined):
        return callable(theirs) or type(theirs).__name__ == "module"
    if isinstance(theirs, PurePath):
        return isinstance(ours, PurePath) and str(ours) == str(theirs)
    if isinstance(theirs, (set, frozenset)):
        return type(ours) is type(theirs) and bool(ours == theirs)
    if isinstance(theirs, int) and type(theirs).__module__ == "ssl":
        return bool(ours == theirs)
    theirs_written = repr(theirs).replace("PosixPath(", "PurePosixPath(")
    return type(ours) is type(theirs) and repr(ours) == theirs_written


def compared(text: str, environ: Mapping[str, str], names: frozenset[str]) -> tuple[int, int]:
    """Hold a reading against Python's: how many settings Python has, and how many were told.

    Raises AssertionError for a value that Python does not have.
    """
    real = really(text, environ)
    conf = read(real.text, environ, names)
    assert not conf.faults, (real.text, conf.faults)
    told = 0
    known = {**conf.settings, **conf.others}
    for name, assigned in known.items():
        value = assigned.value
        if not isinstance(value, Unknown):
            assert name in real.names, f"{name} = {value!r} is read, not there:\n{real.text}"
            theirs = real.names[name]
            assert same(value, theirs), f"{name}: {value!r} is read, {theirs!r} there:\n{real.text}"
            told += 1
        elif value.reason.startswith("raises "):
            assert name in real.raised, f"{name}: {value} is read, and is there:\n{real.text}"
    for name in real.names:
        if name not in known and not conf.dynamic:
            raise AssertionError(f"{name} is there, and was not read:\n{real.text}")
    return len(real.names), told
