"""The flags that commands share: one for each option, and those for output and settings."""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gunitune.options import ADVISING, OPTIONS
from gunitune.streams import put

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.options import Option

Color = Literal["auto", "always", "never"]
PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The project's folder.")]
PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...", help="Configs, folders to search, - for stdin.", show_default=False
    ),
]
ADVICE = ADVISING
Ask = Annotated[bool, typer.Option("--ask", help="Answer a few questions in the terminal.")]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a command was asked to show its result, and which options of gunitune's own count."""

    format: str
    output: Path | None
    quiet: bool
    color: Color
    settings: Path | None = None
    no_settings: bool = False

    def colored(self) -> bool:
        """Whether the result is in colour: never in a file."""
        from gunitune.output import colored

        return self.output is None and colored(self.color, sys.stdout, os.environ)

    def page(self) -> dict[str, Any]:
        """How a page is laid out: its width, and whether in colour."""
        from gunitune.output import width

        return {"width": width(sys.stdout), "color": self.colored()}

    def put(self, text: str, *, force: bool = True) -> None:
        """Write the result where it was asked for."""
        put(text, self.output, force=force)


def with_flags(
    *chosen: str, formats: str, default: str = "text", settings: bool = True
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command the flags that all have, which arrive as `shown`, and those of these options.

    Options are named, or by the group; they arrive as `options`. `formats` says which there are.
    """
    offered = [option for option in OPTIONS if {option.group, option.name} & set(chosen)]
    common = [_format(formats, default), *_SHOWING, *(_SETTINGS if settings else ())]

    def decorated(function: Callable[..., int]) -> Callable[..., int]:
        parameters = inspect.signature(function, eval_str=True).parameters
        own = [each for name, each in parameters.items() if name not in ("shown", "options")]

        @wraps(function)
        def command(**values: Any) -> int:
            shown = Shown(**{each.name: values.pop(each.name) for each in common})
            options = {option.name: values.pop(option.name) for option in offered}
            more = {"options": options} if "options" in parameters else {}
            return function(**values, shown=shown, **more)

        flags = [*own, *common, *map(parameter_of, offered)]
        command.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
        command.__annotations__ = {item.name: item.annotation for item in flags}
        return command

    return decorated


def _flag(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    only = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, only, default=default, annotation=annotation)


def _format(formats: str, default: str) -> inspect.Parameter:
    kind = Annotated[str, typer.Option("--format", "-f", help=formats)]
    return _flag("format", kind, default)


_SHOWING = (
    _flag(
        "output",
        Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file, atomically.")],
        None,
    ),
    _flag(
        "quiet", Annotated[bool, typer.Option("--quiet", "-q", help="No hints on stderr.")], False
    ),
    _flag("color", Annotated[Color, typer.Option(help="auto, always or never.")], "auto"),
)
_SETTINGS = (
    _flag(
        "settings",
        Annotated[Path | None, typer.Option(help="gunitune's own options: this file.")],
        None,
    ),
    _flag(
        "no_settings",
        Annotated[bool, typer.Option("--no-settings", help="Read no settings file.")],
        False,
    ),
)


def parameter_of(option: Option) -> inspect.Parameter:
    """The parameter that typer makes an option's flag of."""
    one: Any = list[str] if option.separator else str
    kind: Any = bool if option.switch else one
    flag = typer.Option(
        option.flag,
        metavar=option.metavar or None,
        help=option.help,
        rich_help_panel=option.group,
    )
    annotation = Annotated[kind | None, flag]
    return _flag(option.name, annotation, None)
