"""The commands: parse, call, print, exit code; nothing else."""

from __future__ import annotations

import os
import sys
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gunitune import __version__
from gunitune.errors import GunituneError, UsageError
from gunitune.flags import (
    ADVICE,
    Ask,
    Color,
    ColorOption,
    NoSettings,
    Output,
    PathArgument,
    PathsArgument,
    Quiet,
    SettingsFile,
    with_options,
)
from gunitune.streams import drop, mend_streams, put, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.checkrule import CheckRule
    from gunitune.rulebook import AdviceRule
    from gunitune.settings import Settings

app = typer.Typer(
    name="gunitune",
    help="The configuration advisor for Gunicorn.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout and sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(argv: Sequence[str]) -> int:  # noqa: PLR0911  (one per way to end)
    """Run one command; every failure is one line on stderr and exit code 2, Ctrl-C is 130."""
    try:
        mend_streams()
        command_line = _with_commands(argv)
        return int(command_line(list(argv), prog_name="gunitune", standalone_mode=False) or 0)
    except GunituneError as error:
        return _fail(str(error))
    except typer.exceptions.TyperException as error:
        return _fail(" ".join(error.format_message().split()) or "what shall it do? see --help")
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except SystemExit:  # typer's answer to a reader that has gone: no error of ours
        return 0
    except OSError as error:
        return _unprinted(error)
    except Exception as error:  # a bug of ours: CI logs want a line, developers a traceback
        if os.environ.get("GUNITUNE_DEBUG"):
            raise
        return _fail(
            f"internal error: {type(error).__name__}: {error}: please report it; "
            "GUNITUNE_DEBUG=1 shows where"
        )


def _with_commands(argv: Sequence[str]) -> typer.Typer:
    """The app with the one command that is asked for, or all: each flag takes time to build."""
    names = {command.callback.__name__ for command in app.registered_commands if command.callback}
    asked = argv[0] if argv else ""
    if asked not in names:
        from gunitune import cli_measure

        names |= set(cli_measure.COMMANDS)
    if asked not in names:
        return app
    one = copy(app)
    one.registered_commands = [
        command
        for command in app.registered_commands
        if command.callback and command.callback.__name__ == asked
    ]
    return one


def _unprinted(error: OSError) -> int:
    """The reader of a pipe may leave; a disk that is full or a closed stdout is an error."""
    drop(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return 0
    return _fail(f"{error.filename or 'stdout'}: {error.strerror or error}")


def _fail(message: str) -> int:
    say(message)
    return 2


def _version(value: bool) -> None:  # noqa: FBT001  (typer's callback)
    if value:
        put(f"gunitune {__version__}\n", None)
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001  (its callback acts)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Settings for Gunicorn that fit the machine and the app, each with its reason."""
    if context.invoked_subcommand is None:
        put(context.get_help() + "\n", None)


@app.command()
def probe(  # noqa: PLR0913  (one parameter per flag)
    path: PathArgument = Path(),
    *,
    sysroot: Annotated[
        Path | None, typer.Option(help="Read /proc and /sys below DIR, and nothing else.")
    ] = None,
    format: Annotated[str, typer.Option("--format", "-f", help="text or json.")] = "text",  # noqa: A002
    output: Output = None,
    quiet: Quiet = False,
    color: ColorOption = "auto",
) -> int:
    """Print what this machine grants: CPUs and memory, each with its source."""
    from gunitune.api import probe as look
    from gunitune.api import project_folder
    from gunitune.machine.installed import ELSEWHERE, installed
    from gunitune.render import renderer

    render = renderer("probe", format)
    folder = project_folder(path)
    found = installed(folder, os.environ) if sysroot is None else ELSEWHERE
    del quiet  # there are no hints
    put(render(look(sysroot), found, color=_colored(color, output)), output, force=True)
    return 0


@app.command()
@with_options(*ADVICE)
def recommend(  # noqa: PLR0913  (one parameter per flag)
    path: PathArgument = Path(),
    *,
    format: Annotated[str, typer.Option("--format", "-f", help="text, json or markdown.")] = "text",  # noqa: A002
    ask: Ask = False,
    output: Output = None,
    quiet: Quiet = False,
    color: ColorOption = "auto",
    settings: SettingsFile = None,
    no_settings: NoSettings = False,
    options: dict[str, Any],
) -> int:
    """Recommend workers, threads, worker class and what else matters, each with its reason."""
    from gunitune.api import recommend_with
    from gunitune.render import renderer

    render = renderer("recommend", format)
    chosen = _settings(path, options, settings, ask=ask, no_settings=no_settings)
    with _progress(quiet=quiet) as progress:
        advice = recommend_with(path, chosen, progress)
    put(render(advice, width=_width(), color=_colored(color, output)), output, force=True)
    return 0


@app.command()
@with_options(*ADVICE)
def emit(  # noqa: PLR0913  (one parameter per flag)
    path: PathArgument = Path(),
    *,
    format: Annotated[str, typer.Option("--format", "-f", help="conf, args or env.")] = "conf",  # noqa: A002
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="A conf that sizes itself when Gunicorn starts.")
    ] = False,
    from_study: Annotated[
        bool, typer.Option("--from-study", help="The winner of the last `gunitune tune` there.")
    ] = False,
    ask: Ask = False,
    output: Output = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    quiet: Quiet = False,
    color: ColorOption = "auto",
    settings: SettingsFile = None,
    no_settings: NoSettings = False,
    options: dict[str, Any],
) -> int:
    """Write the recommendation as a gunicorn.conf.py, as flags or as an environment."""
    from gunitune.api import recommend_with
    from gunitune.render import renderer

    del color  # a file has none
    render = renderer("emit", format)
    if from_study:
        if dynamic or format != "conf":
            raise UsageError("--from-study writes a plain conf", "leave -f and --dynamic out")
        put(_winner(path), output, force=force)
        return 0
    if dynamic and format != "conf":
        raise UsageError(f"--dynamic writes a conf, not {format!r}", "leave -f out")
    chosen = _settings(path, options, settings, ask=ask, no_settings=no_settings)
    with _progress(quiet=quiet) as progress:
        advice = recommend_with(path, chosen, progress)
    if dynamic:
        from gunitune.render.dynamic import render
    put(render(advice), output, force=force)
    if not quiet:
        _hint(advice.warnings)
    return 0


@app.command()
@with_options(*ADVICE)
def compare(  # noqa: PLR0913  (one parameter per flag)
    path: PathArgument = Path(),
    *,
    format: Annotated[str, typer.Option("--format", "-f", help="text, json or markdown.")] = "text",  # noqa: A002
    output: Output = None,
    quiet: Quiet = False,
    color: ColorOption = "auto",
    settings: SettingsFile = None,
    no_settings: NoSettings = False,
    options: dict[str, Any],
) -> int:
    """Show what other advisors and rules of thumb would start on this machine."""
    from gunitune.api import recommend_with
    from gunitune.compare import compare as answers
    from gunitune.render import renderer

    render = renderer("compare", format)
    chosen = _settings(path, options, settings, no_settings=no_settings)
    with _progress(quiet=quiet) as progress:
        advice = recommend_with(path, chosen, progress)
    put(render(answers(advice), width=_width(), color=_colored(color, output)), output, force=True)
    return 0


@app.command(epilog="Exit codes: 0 nothing from --fail-on up, 1 findings, 2 could not check.")
@with_options("Check", "Environment", *ADVICE)
def check(  # noqa: PLR0913  (one parameter per flag)
    paths: PathsArgument = None,
    *,
    format: Annotated[  # noqa: A002
        str, typer.Option("--format", "-f", help="text, json, github, gitlab, sarif or junit.")
    ] = "text",
    diff: Annotated[bool, typer.Option("--diff", help="Print what --fix would change.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Make the safe fixes.")] = False,
    show_settings: Annotated[
        bool, typer.Option("--show-settings", help="Print gunitune's own options, and stop.")
    ] = False,
    stdin_filename: Annotated[
        Path | None, typer.Option(help="What `-` is called, and where it belongs.")
    ] = None,
    output: Output = None,
    quiet: Quiet = False,
    color: ColorOption = "auto",
    settings: SettingsFile = None,
    no_settings: NoSettings = False,
    options: dict[str, Any],
) -> int:
    """Check committed configs without running them; `-` is stdin, a folder is searched."""
    from gunitune.checks import command
    from gunitune.render import renderer

    render = renderer("check", format)
    start = command.start(paths, stdin_filename)
    chosen = _settings(start, options, settings, no_settings=no_settings)
    if show_settings:
        show = renderer("settings", "json" if format == "json" else "text")
        put(show(chosen), output, force=True)
        return 0
    task = command.task(paths, chosen, stdin_filename)
    if diff or fix:
        code = command.mend(task, None if fix else output, write=fix, quiet=quiet)
        if not fix:
            return code
    if format == "text" and output is None:
        shown: dict[str, Any] = {"width": _width(), "color": _colored(color, None)}
        return command.stream(task, quiet=quiet, **shown)
    report = task.report(whole=format == "json")
    task.keep_from_overwriting(output)
    put(render(report, width=_width(), quiet=quiet), output, force=True)
    command.assumed(report, quiet=quiet)
    return task.exit_code(report.worst())


@app.command()
def rule(  # noqa: PLR0913  (one parameter per flag)
    rule_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A rule's id or name.")
    ] = None,
    *,
    format: Annotated[str, typer.Option("--format", "-f", help="text or json.")] = "text",  # noqa: A002
    output: Output = None,
    quiet: Quiet = False,
    color: ColorOption = "auto",
    settings: SettingsFile = None,
    no_settings: NoSettings = False,
) -> int:
    """Explain a rule, or list them all."""
    from gunitune.checkrule import load_check_rules
    from gunitune.render import renderer
    from gunitune.rulebook import load_rules, named

    render = renderer("rule", format)
    chosen = _settings(Path(), {}, settings, no_settings=no_settings)
    rules: tuple[AdviceRule | CheckRule, ...] = (
        *load_rules(chosen.rules, cases=True),
        *load_check_rules(chosen.rules, cases=True),
    )
    prefix = (rule_id or "").upper()
    selected = tuple(rule for rule in rules if rule.id.startswith(prefix))
    whole = rule_id is not None and (len(selected) <= 1 or prefix in {rule.id for rule in rules})
    if whole:
        selected = (named(rules, str(rule_id)),)
    del quiet  # there are no hints
    page = render(selected, whole=whole, width=_width(), color=_colored(color, output))
    put(page, output, force=True)
    return 0


def _settings(
    path: Path,
    options: dict[str, Any],
    file: Path | None,
    *,
    ask: bool = False,
    no_settings: bool = False,
) -> Settings:
    from gunitune.api import project_folder
    from gunitune.settings import load_settings

    if ask:
        from gunitune.ask import ask as questions

        options = {**questions(options), **{k: v for k, v in options.items() if v is not None}}
    start = project_folder(path)
    return load_settings(
        options, start=start, environ=os.environ, file=file, use_file=not no_settings
    )


def _winner(path: Path) -> str:
    """The conf of a study: the newest of a folder, or a file's."""
    from gunitune.render.tune.conf import conf_of
    from gunitune.tune.document import read_document

    return conf_of(read_document(path))


def _hint(warnings: Sequence[str]) -> None:
    for warning in warnings:
        say(f"warning: {warning}")


def _colored(color: Color, output: Path | None) -> bool:
    from gunitune.output import colored

    return output is None and colored(color, sys.stdout, os.environ)


def _width() -> int:
    from gunitune.output import width

    return width(sys.stdout)


def _progress(*, quiet: bool) -> Any:
    from gunitune.output import progress

    return progress(show=not quiet and sys.stderr.isatty())
