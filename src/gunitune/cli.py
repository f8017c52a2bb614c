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
from gunitune.flags import ADVICE, Ask, PathArgument, PathsArgument, Shown, with_flags
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
@with_flags(formats="text or json.", settings=False)
def probe(
    path: PathArgument = Path(),
    *,
    sysroot: Annotated[
        Path | None, typer.Option(help="Read /proc and /sys below DIR, and nothing else.")
    ] = None,
    shown: Shown,
) -> int:
    """Print what this machine grants: CPUs and memory, each with its source."""
    from gunitune.api import probe as look
    from gunitune.api import project_folder
    from gunitune.machine.installed import ELSEWHERE, installed
    from gunitune.render import renderer

    render = renderer("probe", shown.format)
    folder = project_folder(path)
    found = installed(folder, os.environ) if sysroot is None else ELSEWHERE
    shown.put(render(look(sysroot), found, color=shown.colored()))
    return 0


@app.command()
@with_flags(*ADVICE, formats="text, json or markdown.")
def recommend(
    path: PathArgument = Path(),
    *,
    ask: Ask = False,
    shown: Shown,
    options: dict[str, Any],
) -> int:
    """Recommend workers, threads, worker class and what else matters, each with its reason."""
    from gunitune.api import recommend_with
    from gunitune.render import renderer

    render = renderer("recommend", shown.format)
    chosen = _settings(path, options, shown, ask=ask)
    with _progress(shown) as progress:
        advice = recommend_with(path, chosen, progress)
    shown.put(render(advice, **shown.page()))
    return 0


@app.command()
@with_flags(*ADVICE, formats="conf, args or env.", default="conf")
def emit(  # noqa: PLR0913  (one parameter per flag)
    path: PathArgument = Path(),
    *,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="A conf that sizes itself when Gunicorn starts.")
    ] = False,
    from_study: Annotated[
        bool, typer.Option("--from-study", help="The winner of the last `gunitune tune` there.")
    ] = False,
    ask: Ask = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
    shown: Shown,
    options: dict[str, Any],
) -> int:
    """Write the recommendation as a gunicorn.conf.py, as flags or as an environment."""
    from gunitune.api import recommend_with
    from gunitune.render import renderer

    render = renderer("emit", shown.format)
    if from_study:
        if dynamic or shown.format != "conf":
            raise UsageError("--from-study writes a plain conf", "leave -f and --dynamic out")
        shown.put(_winner(path), force=force)
        return 0
    if dynamic and shown.format != "conf":
        raise UsageError(f"--dynamic writes a conf, not {shown.format!r}", "leave -f out")
    chosen = _settings(path, options, shown, ask=ask)
    with _progress(shown) as progress:
        advice = recommend_with(path, chosen, progress)
    if dynamic:
        from gunitune.render.dynamic import render
    shown.put(render(advice), force=force)
    if not shown.quiet:
        _hint(advice.warnings)
    return 0


@app.command()
@with_flags(*ADVICE, formats="text, json or markdown.")
def compare(path: PathArgument = Path(), *, shown: Shown, options: dict[str, Any]) -> int:
    """Show what other advisors and rules of thumb would start on this machine."""
    from gunitune.api import recommend_with
    from gunitune.compare import compare as answers
    from gunitune.render import renderer

    render = renderer("compare", shown.format)
    chosen = _settings(path, options, shown)
    with _progress(shown) as progress:
        advice = recommend_with(path, chosen, progress)
    shown.put(render(answers(advice), **shown.page()))
    return 0


@app.command(epilog="Exit codes: 0 nothing from --fail-on up, 1 findings, 2 could not check.")
@with_flags("Check", "Environment", *ADVICE, formats="text, json, github, gitlab, sarif or junit.")
def check(  # noqa: PLR0913  (one parameter per flag)
    paths: PathsArgument = None,
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Print what --fix would change.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Make the safe fixes.")] = False,
    show_settings: Annotated[
        bool, typer.Option("--show-settings", help="Print gunitune's own options, and stop.")
    ] = False,
    stdin_filename: Annotated[
        Path | None, typer.Option(help="What `-` is called, and where it belongs.")
    ] = None,
    shown: Shown,
    options: dict[str, Any],
) -> int:
    """Check committed configs without running them; `-` is stdin, a folder is searched."""
    from gunitune.checks import command
    from gunitune.render import renderer

    render = renderer("check", shown.format)
    start = command.start(paths, stdin_filename)
    chosen = _settings(start, options, shown)
    if show_settings:
        show = renderer("settings", "json" if shown.format == "json" else "text")
        shown.put(show(chosen))
        return 0
    task = command.task(paths, chosen, stdin_filename)
    if diff or fix:
        code = command.mend(task, None if fix else shown.output, write=fix, quiet=shown.quiet)
        if not fix:
            return code
    if shown.format == "text" and shown.output is None:
        return command.stream(task, quiet=shown.quiet, **shown.page())
    report = task.report(whole=shown.format == "json")
    task.keep_from_overwriting(shown.output)
    shown.put(render(report, width=shown.page()["width"], quiet=shown.quiet))
    command.assumed(report, quiet=shown.quiet)
    return task.exit_code(report.worst())


@app.command()
@with_flags(formats="text or json.")
def rule(
    rule_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A rule's id or name.")
    ] = None,
    *,
    shown: Shown,
) -> int:
    """Explain a rule, or list them all."""
    from gunitune.checkrule import load_check_rules
    from gunitune.render import renderer
    from gunitune.rulebook import load_rules, named

    render = renderer("rule", shown.format)
    chosen = _settings(Path(), {}, shown)
    rules: tuple[AdviceRule | CheckRule, ...] = (
        *load_rules(chosen.rules, cases=True),
        *load_check_rules(chosen.rules, cases=True),
    )
    prefix = (rule_id or "").upper()
    selected = tuple(rule for rule in rules if rule.id.startswith(prefix))
    whole = rule_id is not None and (len(selected) <= 1 or prefix in {rule.id for rule in rules})
    if whole:
        selected = (named(rules, str(rule_id)),)
    shown.put(render(selected, whole=whole, **shown.page()))
    return 0


def _settings(path: Path, options: dict[str, Any], shown: Shown, *, ask: bool = False) -> Settings:
    from gunitune.api import project_folder
    from gunitune.settings import load_settings

    if ask:
        from gunitune.ask import ask as questions

        options = {**questions(options), **{k: v for k, v in options.items() if v is not None}}
    start = project_folder(path)
    return load_settings(
        options,
        start=start,
        environ=os.environ,
        file=shown.settings,
        use_file=not shown.no_settings,
    )


def _winner(path: Path) -> str:
    """The conf of a study: the newest of a folder, or a file's."""
    from gunitune.render.tune.conf import conf_of
    from gunitune.tune.document import read_document

    return conf_of(read_document(path))


def _hint(warnings: Sequence[str]) -> None:
    for warning in warnings:
        say(f"warning: {warning}")


def _progress(shown: Shown) -> Any:
    from gunitune.output import progress

    return progress(show=not shown.quiet and sys.stderr.isatty())
