"""What `gunitune tune` is to do for a session: who takes part, what the model says, how long."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.advise import advise
from gunitune.errors import GunituneError, UsageError
from gunitune.mask import mask
from gunitune.measure.cpus import cores_of
from gunitune.measure.fingerprint import fingerprint
from gunitune.measure.recall import past, recall
from gunitune.measure.store import FILE, FOLDER, save
from gunitune.measure.store import load as stored
from gunitune.measure.take import take
from gunitune.model import Quantity, Unknown
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
    from gunitune.model import App, Recommendation
    from gunitune.trial import AppFacts, Prediction
    from gunitune.tune.bench import Predict

BUDGET_S = 180.0
# Of the budget, to learn what the model needs where nothing is stored yet.
LEARNING_SHARE = 0.2
LONGEST_LEARNING_S = 45.0
# Seconds of load in a block: as many as leave time for some blocks, and tell something.
SHORTEST_S, LONGEST_S, BLOCKS = 1.0, 4.0, 45
WITHOUT_LATENCY = ("wrk",)


def wanted(session: Session, *, seed: int = 0) -> Wanted:
    """The request as far as it is known before anything is started.

    Raises GunituneError for what can't be had.
    """
    settings = session.settings
    budget_s: float = settings.get("budget", BUDGET_S)
    limit_s: float | None = settings.get("max_p99")
    objective = settings.get("objective", "throughput")
    _check_latency(session.generator, objective, limit_s)
    app = replace(session.app, interface=session.launch.interface)
    return Wanted(
        host=session.host,
        app=app,
        goal=session.goal,
        launch=session.launch,
        installed=session.installed,
        load=replace(session.load, duration_s=min(LONGEST_S, max(SHORTEST_S, budget_s / BLOCKS))),
        space=space_of(session.host, app, session.goal, session.installed, session.load),
        budget_s=budget_s,
        cores=_cores(session),
        objective=objective,
        max_p99_ms=None if limit_s is None else 1000 * limit_s,
        generator=session.generator,
        apart=bool(session.generator_cores - cores_of(session.limits)),
        code=fingerprint(session.folder, os.environ).code,
        seed=seed,
    )


def learned(asked: Wanted, session: Session, tell: Callable[[str], None]) -> Wanted:
    """The request with what is known of the app, and with who takes part for that.

    Measures the app first where no measurement of it holds, and stores that. Raises GunituneError
    where the app can't be served at all.
    """
    profile, fresh = _profile(
        session, min(LONGEST_LEARNING_S, LEARNING_SHARE * asked.budget_s), tell
    )
    app = remeasured(session) if fresh else session.app
    rules = load_rules(session.settings.rules)
    advice = advise(session.host, app, session.goal, session.installed, rules)
    now = current(session.launch, session.host, session.installed)
    if isinstance(now, Unknown):
        tell(f"no current config takes part: {now.reason}")
    facts = profile.facts
    return replace(
        asked,
        app=app,
        space=space_of(
            session.host, app, session.goal, session.installed, session.load, facts=facts
        ),
        current=None if isinstance(now, Unknown) else now,
        recommended=recommended(advice),
        predict=predictor(session, facts),
        facts=facts,
    )


def _check_latency(generator: str, objective: str, limit_s: float | None) -> None:
    """Raise UsageError where latency is asked for of a generator that does not measure it."""
    if generator not in WITHOUT_LATENCY or (objective != "p99" and limit_s is None):
        return
    flag = "--objective p99" if objective == "p99" else "--max-p99"
    raise UsageError(
        f"{flag}: {generator} does not measure latency as clients see it",
        "take another --load-generator, or leave it out for the embedded one",
    )


def _cores(session: Session) -> float:
    """CPUs that server, generator and neighbours share: a container's quota holds for all."""
    from gunitune.machine.probe import probe

    there = float(len(cores_of(session.limits)))
    return there if session.limits.cpus is not None else min(there, probe().cpus)


def remeasured(session: Session) -> App:
    """The session's app with what was measured just now; what was declared stays.

    What the session had of an older measurement goes.
    """
    before = session.app
    of_the_past = ("measured on ", "measuring: ")
    clean = replace(
        before,
        notes=tuple(note for note in before.notes if not note.startswith(of_the_past)),
        evidence=tuple(each for each in before.evidence if each.path != f"{FOLDER}/{FILE}"),
    )
    app = recall(clean, session.folder, session.host, session.goal.memory_share)
    worker = before.worker_memory_bytes
    declared = isinstance(worker, Quantity) and worker.basis == "asked"
    return replace(app, worker_memory_bytes=worker) if declared else app


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
    share = int(session.goal.memory_share * limit) if isinstance(limit, int) else None

    def expected(choice: Choice) -> Prediction | None:
        try:
            return predict(
                facts,
                choice,
                session.host.cpus,
                concurrency=None if load.open else load.concurrency,
                rps=load.rps,
                keep_alive=load.keep_alive,
                memory_bytes=share,
                generator_ms=shared,
            )
        except GunituneError:
            return None

    return expected


def _profile(
    session: Session, budget_s: float, tell: Callable[[str], None]
) -> tuple[Profile, bool]:
    """What is stored of the app where it still holds, else a short measurement, which is stored.

    And whether it is such a one.
    """
    try:
        profile = stored(session.folder)
    except GunituneError as error:
        tell(str(error))
        profile = None
    if profile and not past(profile, session.app, session.folder) and _alike(profile, session):
        return profile, False
    began = time.monotonic()
    profile = take(session, budget_s=budget_s, progress=tell)
    save(profile, session.folder)
    return replace(profile, spent_s=time.monotonic() - began), True


def _alike(profile: Profile, session: Session) -> bool:
    """Whether it was measured with the CPUs and the requests that are on trial."""
    asked = tuple(mask(f"{one.method} {one.path}") for one in session.load.requests)
    return profile.cpus == session.host.cpus and profile.requests == asked
