"""The whole of `gunitune tune` on a session: the study's file, the request, the live view."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.measure.store import ensure_folder
from gunitune.tune.live import watching
from gunitune.tune.real import RealBench
from gunitune.tune.request import BUDGET_S, learned, wanted
from gunitune.tune.run import tune
from gunitune.tune.study import StudyError, begin
from gunitune.tune.study import resume as go_on

if TYPE_CHECKING:
    from gunitune.measure.session import Session
    from gunitune.tune.result import Tuned

STUDIES = Path(".gunitune", "tune")


def tuned_session(
    session: Session, study: Path | None, *, resume: bool, quiet: bool, began: float
) -> Tuned:
    """Find the best settings for a session's app; every block is written to the study as it ends.

    `began` is when the command began, by time.monotonic: the budget is that of the whole command.
    """
    budget_s = session.settings.get("budget", BUDGET_S)
    asked = wanted(session)
    path = _path(session, study, resume=resume)
    file = go_on(path, asked.subject()) if resume else begin(path, asked.subject())
    try:
        with watching(budget_s, os.environ, quiet=quiet, began=began) as watch:
            known = learned(asked, session, watch.note)
            return tune(
                RealBench(session, known.facts), known, study=file, watch=watch, started=began
            )
    finally:
        file.close()
        if not resume and not file.entries:  # nothing to go on with
            path.unlink(missing_ok=True)


def _path(session: Session, study: Path | None, *, resume: bool) -> Path:
    """The study's file: the one named, the newest to go on with, or a new one."""
    if study is not None:
        return study
    ensure_folder(session.folder / ".gunitune")
    folder = session.folder / STUDIES
    if resume:
        return _newest(folder)
    name = re.sub(r"\W+", "-", session.launch.spec).strip("-")
    stamp = datetime.fromtimestamp(time.time()).strftime("%Y%m%d-%H%M%S")  # noqa: DTZ006  (local)
    return folder / f"{name}-{stamp}.jsonl"


def _newest(folder: Path) -> Path:
    found = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise StudyError(f"{folder} holds no study to go on with", "leave out --resume")
    return found[-1]
