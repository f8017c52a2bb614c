"""The flags that commands share: one for each option, and those for output and settings."""

from __future__ import annotations

import inspect
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gunitune.options import ADVISING, OPTIONS

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
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to a file, atomically.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No hints on stderr.")]
ColorOption = Annotated[Color, typer.Option("--color", help="auto, always or never.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="gunitune's own options: this file.")
]
NoSettings = Annotated[bool, typer.Option("--no-settings", help="Read no settings file.")]
ADVICE = ADVISING
Ask = Annotated[bool, typer.Option("--ask", help="Answer a few questions in the terminal.")]


def with_options(*chosen: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command a flag for these options, by name or by group; they arrive as `options`."""
    offered = [option for option in OPTIONS if {option.group, option.name} & set(chosen)]

    def decorated(function: Callable[..., int]) -> Callable[..., int]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[:-1]

        @wraps(function)
        def command(**values: Any) -> int:
            options = {option.name: values.pop(option.name) for option in offered}
            return function(**values, options=options)

        parameters = [*own, *map(parameter_of, offered)]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {item.name: item.annotation for item in parameters}
        return command

    return decorated


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
    only = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option.name, only, default=None, annotation=annotation)
