"""What `gunitune tune` is to do for a session: who takes part, what the model says, how long."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.advise import advise
from gunitune.errors import GunituneError
from gunitune.measure.recall import past, recall
from gunitune.measure.store import load as stored
from gunitune.measure.store import save
from gunitune.measure.take import take
from gunitune.model import Unknown
from gunitune.predict.model import predict
from gunitune.rulebook import load_rules
from gunitune.trial import DEFAULT_CONNECTIONS, THREADED, Choice
from gunitune.tune.current import current
from gunitune.tune.space import space_of
from gunitune.tune.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.measure.profile import Profile
    from gunitune.measure.session import Session
    from gunitune.model import Recommendation
    from gunitune.trial import AppFacts, Prediction
    from gunitune.tune.bench import Predict

BUDGET_S = 180.0
# Of the budget, to learn what the model needs where nothing is stored yet.
LEARNING_SHARE = 0.2
LONGEST_LEARNING_S = 45.0
# Seconds of load in a block: as many as leave time for some blocks, and tell something.
SHORTEST_S, LONGEST_S, BLOCKS = 1.0, 4.0, 45


def wanted(session: Session, tell: Callable[[str], None], *, seed: int = 0) -> Wanted:
    """The request; measures the app first where no measurement of it holds, and stores that.

    Raises GunituneError where the app can't be served at all.
    """
    settings = session.settings
    budget_s: float = settings.get("budget", BUDGET_S)
    profile = _profile(session, min(LONGEST_LEARNING_S, LEARNING_SHARE * budget_s), tell)
    facts = profile.facts if profile else None
    app = recall(session.app, session.folder, session.host, session.goal.memory_share)
    advice = advise(session.host, app, session.goal, session.installed, load_rules(settings.rules))
    now = current(session.launch, session.host, session.installed)
    if isinstance(now, Unknown):
        tell(f"no current config takes part: {now.reason}")
    limit_s: float | None = settings.get("max_p99")
    return Wanted(
        host=session.host,
        app=app,
        goal=session.goal,
        launch=session.launch,
        installed=session.installed,
        load=replace(session.load, duration_s=min(LONGEST_S, max(SHORTEST_S, budget_s / BLOCKS))),
        space=space_of(
            session.host, app, session.goal, session.installed, session.load, facts=facts
        ),
        budget_s=budget_s,
        cores=float(len(os.sched_getaffinity(0))),
        objective=settings.get("objective", "throughput"),
        max_p99_ms=None if limit_s is None else 1000 * limit_s,
        current=None if isinstance(now, Unknown) else now,
        recommended=recommended(advice),
        predict=None if facts is None else predictor(session, facts),
        facts=facts,
        seed=seed,
    )


def recommended(advice: Recommendation) -> Choice:
    """What `gunitune recommend` says, as a choice."""
    values = {setting.name: setting.value for setting in advice.settings}
    kind = str(values["worker_class"])
    connections = values.get("worker_connections")
    return Choice(
        worker_class=kind,
        workers=_count(values["workers"]),
        threads=_count(values.get("threads")) if kind == THREADED else 1,
        worker_connections=None
        if connections in (None, DEFAULT_CONNECTIONS)
        else _count(connections),
        extra=(("preload_app", True),) if values.get("preload_app") else (),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 1


def predictor(session: Session, facts: AppFacts) -> Predict:
    """The model for this session's machine and load; None for what it can't tell."""
    load = session.load
    shared = 0.0 if session.generator_cores else facts.generator_ms
    limit = session.host.memory_bytes

    def expected(choice: Choice) -> Prediction | None:
        try:
            return predict(
                facts,
                choice,
                session.host.cpus,
                concurrency=None if load.open else load.concurrency,
                rps=load.rps,
                keep_alive=load.keep_alive,
                memory_bytes=limit if isinstance(limit, int) else None,
                generator_ms=shared,
            )
        except GunituneError:
            return None

    return expected


def _profile(session: Session, budget_s: float, tell: Callable[[str], None]) -> Profile | None:
    """What is stored of the app where it still holds, else a short measurement, which is stored."""
    try:
        profile = stored(session.folder)
    except GunituneError as error:
        tell(str(error))
        profile = None
    if profile and not past(profile, session.app, session.folder) and _alike(profile, session):
        return profile
    began = time.monotonic()
    profile = take(session, budget_s=budget_s, progress=tell)
    save(profile, session.folder)
    return replace(profile, spent_s=time.monotonic() - began)


def _alike(profile: Profile, session: Session) -> bool:
    """Whether it was measured with the CPUs and the requests that are on trial."""
    asked = tuple(f"{one.method} {one.path}" for one in session.load.requests)
    return profile.cpus == session.host.cpus and profile.requests == asked
