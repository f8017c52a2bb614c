"""How results are written: a folder per command, a module per format, `render(value) -> str`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def formats(command: str) -> tuple[str, ...]:
    """The formats of a command: the modules in its folder."""
    folder = Path(__file__).parent / command
    return tuple(sorted(path.stem for path in folder.glob("[!_]*.py")))


def renderer(command: str, name: str) -> Callable[..., str]:
    """The `render` of a format; raises UsageError for an unknown one."""
    if name not in formats(command):
        known = ", ".join(formats(command))
        raise UsageError(f"{name!r} is no format of gunitune {command}", f"use one of {known}")
    render: Callable[..., str] = getattr(_module(command, name), "render")  # noqa: B009  (Any)
    return render


def _module(command: str, name: str) -> Any:
    return import_module(f"gunitune.render.{command}.{name}")
