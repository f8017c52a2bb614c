"""The commands that start Gunicorn, and the one that foretells: parse, call, print, exit code."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gunitune.cli import app
from gunitune.flags import ADVICE, Shown, with_flags
from gunitune.streams import put, say

if TYPE_CHECKING:
    from gunitune.measure.session import Session

COMMANDS = ("measure", "predict", "tune")
AppArgument = Annotated[
    str, typer.Argument(metavar="APP", help="The project's folder, or module:attribute here.")
]
SERVED = (*ADVICE, "Environment", "Server", "Load")


@app.command()
@with_flags("budget", *SERVED, formats="text or json.")
def measure(target: AppArgument = ".", *, shown: Shown, options: dict[str, Any]) -> int:
    """Run the app under Gunicorn and load: CPU and waiting time per request, memory, boot time."""
    from gunitune.measure.learn import BUDGET_S
    from gunitune.measure.store import save
    from gunitune.measure.take import take
    from gunitune.output import telling
    from gunitune.render import renderer
    from gunitune.serve.signals import ended_by_signals

    render = renderer("measure", shown.format)
    with ended_by_signals(), telling(quiet=shown.quiet) as tell:
        session = _session(target, options, shown)
        budget_s = session.settings.get("budget", BUDGET_S)
        profile = take(session, budget_s=budget_s, progress=tell)
        stored = save(profile, session.folder)
    shown.put(render(profile, stored=str(stored), **shown.page()))
    return 0


@app.command()
@with_flags(*ADVICE, formats="text or json.")
def predict(target: AppArgument = ".", *, shown: Shown, options: dict[str, Any]) -> int:
    """Tell what settings would do on a machine or under a load that was not measured."""
    from gunitune.measure.foretell import foretell
    from gunitune.render import renderer

    render = renderer("predict", shown.format)
    found = foretell(
        target, options, settings_file=shown.settings, use_settings=not shown.no_settings
    )
    shown.put(render(found, **shown.page()))
    return 0


@app.command(epilog="Exit codes: 0 a winner, 1 no settings meet the goal, 2 could not tune.")
@with_flags("Search", *SERVED, formats="text, json, conf or html.")
def tune(  # noqa: PLR0913  (one parameter per flag)
    target: AppArgument = ".",
    *,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots too.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study.")] = False,
    study: Annotated[
        Path | None, typer.Option(help="The study's file (else one of .gunitune/tune).")
    ] = None,
    shown: Shown,
    options: dict[str, Any],
) -> int:
    """Find the best settings by trial: real Gunicorn, real app, real load."""
    from gunitune.render import renderer
    from gunitune.serve.signals import ended_by_signals
    from gunitune.tune.document import save
    from gunitune.tune.session import tuned_session

    began = time.monotonic()
    render, page = renderer("tune", shown.format), renderer("tune", "html")
    if html or shown.format == "html":
        from gunitune.render.tune.html import check_library

        check_library()
    with ended_by_signals():
        session = _session(target, options, shown)
        try:
            tuned = tuned_session(session, study, resume=resume, quiet=shown.quiet, began=began)
        except KeyboardInterrupt:
            say("interrupted: every run that ended is stored; go on with gunitune tune --resume")
            raise
    save(tuned)
    if html:
        put(page(tuned), html, force=True)
    if tuned.winner or shown.format != "conf":
        shown.put(render(tuned, **shown.page()), force=shown.format != "conf")
    if not tuned.winner:
        say(f"no settings meet the goal: {tuned.standings[0].why if tuned.standings else ''}")
    return 0 if tuned.winner else 1


def _session(target: str, options: dict[str, Any], shown: Shown) -> Session:
    from gunitune.measure.session import session

    found = session(
        target, options, settings_file=shown.settings, use_settings=not shown.no_settings
    )
    for note in () if shown.quiet else found.notes:
        say(note)
    return found
