"""What `gunitune measure` does: learns an app's costs and says of what and where they are."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gunitune import __version__
from gunitune.mask import mask
from gunitune.measure.fingerprint import fingerprint
from gunitune.measure.kind import judge
from gunitune.measure.learn import BUDGET_S, learn_in
from gunitune.measure.look import Place
from gunitune.measure.profile import Profile
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.measure.session import Session


def take(
    session: Session,
    *,
    budget_s: float = BUDGET_S,
    progress: Callable[[str], None] = lambda _: None,
) -> Profile:
    """Measure the session's app for `budget_s` seconds; raises GunituneError where it can't be."""
    now = fingerprint(session.folder, os.environ)  # what runs is what is there at the start
    place = Place(
        session.launch, session.load, session.limits, session.generator_cores, session.generator
    )
    classes = asgi_classes(session)
    learned = learn_in(place, budget_s=budget_s, progress=progress, asgi_classes=classes)
    return Profile(
        facts=learned.facts,
        judged=judge(learned.facts, session.host, session.goal.memory_share),
        spec=session.launch.spec,
        interface=session.launch.interface,
        framework=session.app.framework,
        date=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        gunicorn=learned.gunicorn or Unknown("not told by the server"),
        python=session.installed.python,
        cpus=session.host.cpus,
        cpus_source=session.host.cpus_source,
        memory_bytes=session.host.memory_bytes,
        confined=learned.confined,
        requests=tuple(mask(f"{one.method} {one.path}") for one in session.load.requests),
        keep_alive=session.load.keep_alive,
        fingerprint=now,
        gunitune=__version__,
        spent_s=learned.spent_s,
        concurrency=learned.concurrency,
    )


def asgi_classes(session: Session) -> tuple[str, ...]:
    """The classes that an ASGI app is measured under: the one it is recommended, and the others."""
    from gunitune.advise import advise
    from gunitune.rulebook import load_rules
    from gunitune.tune.space import classes_of

    if session.launch.interface != "asgi":
        return ()
    rules = load_rules(session.settings.rules)
    advice = advise(session.host, session.app, session.goal, session.installed, rules)
    there = classes_of("asgi", session.installed)
    return tuple(dict.fromkeys((str(advice["worker_class"]), *there)))
