"""A dynamic conf works out on the machine what `recommend` would have said of it."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from advice import RULES, advice, app, host, installed, values
from gunitune.model import MIB, Goal, Quantity, Recommendation, Step, Unknown
from gunitune.render import _dynamic_conf
from gunitune.render.dynamic import EXCHANGES, SIZED, inputs, render

DEFAULTS = {"threads": 1, "worker_connections": 1000, "keepalive": 2, "preload_app": False}


def planned(found: Recommendation, cpus: float, memory_bytes: float, **more: Any) -> dict[str, Any]:
    """What the emitted file's own functions say, without its reading of the machine."""
    text = render(found)
    upto = text.index("_DECISION = ")
    scope: dict[str, Any] = {}
    exec(compile(text[:upto], "gunicorn.conf.py", "exec"), scope)
    plan: dict[str, Any] = scope["_plan"](cpus, memory_bytes, **more)
    return plan


@settings(max_examples=300)
@given(
    kind=st.sampled_from(["io", "cpu", "memory", "unknown"]),
    interface=st.sampled_from(["wsgi", "asgi"]),
    blockers=st.sampled_from([(), ("psycopg2",)]),
    cpus=st.floats(0.05, 64).map(lambda n: round(n, 3)),
    memory_mib=st.integers(64, 65536),
    worker_mib=st.integers(5, 2000),
    concurrency=st.one_of(st.none(), st.integers(1, 20_000)),
    db=st.one_of(st.none(), st.integers(1, 5_000)),
    worker_class=st.sampled_from([None, "sync", "gthread", "gevent", "asgi"]),
    release=st.sampled_from([None, "23.0.0", "27.0.1"]),
    basis=st.sampled_from(["asked", "assumed", "measured"]),
    preload=st.one_of(st.none(), st.tuples(st.integers(1, 500), st.integers(1, 2000))),
    ratio=st.one_of(st.none(), st.floats(0, 50).map(lambda n: round(n, 2))),
    overlap=st.one_of(st.none(), st.sampled_from([0.1, 0.85, 0.95, 0.999])),
    under=st.one_of(st.none(), st.sampled_from([0.7, 1.1])),
    kind_basis=st.sampled_from(["heuristic", "measured"]),
    pids=st.one_of(st.none(), st.integers(2, 5000)),
)
def test_the_emitted_formula_is_the_rules_formula(
    kind: Any, interface: Any, blockers: tuple[str, ...], cpus: float, memory_mib: int,
    worker_mib: int, concurrency: int | None, db: int | None, worker_class: str | None,
    release: str | None, basis: Any, ratio: float | None, overlap: float | None,
    preload: tuple[int, int] | None, under: float | None, kind_basis: Any, pids: int | None,
) -> None:  # fmt: skip
    measured = {}
    if preload:
        measured["preload_worker_memory_bytes"] = Quantity(preload[0] * MIB, "measured", "test")
        measured["preload_shared_memory_bytes"] = Quantity(preload[1] * MIB, "measured", "test")
    if ratio is not None:
        measured["cpu_ms"] = Quantity(1.0, "measured", "test")
        measured["wait_ms"] = Quantity(ratio, "measured", "test")
        costs = ("gthread_cpu_ms", "gevent_cpu_ms", "asgi_cpu_ms")
        for name in costs if under else ():
            measured[name] = Quantity(under or 0, "measured", "test")
        if under:
            measured["uvicorn_cpu_ms"] = Quantity(1.4 - under, "measured", "test")
        if kind_basis == "measured" and kind != "memory":
            kind = "io" if ratio > 1 else "cpu"  # as the kind is judged by these
        if overlap is not None:
            measured["overlap"] = Quantity(overlap, "measured", "test")
        if under is not None:
            measured["serial_ms"] = Quantity(under - 0.7, "measured", "test")
    subject = app(
        kind=kind,
        kind_basis=kind_basis if ratio is not None else "heuristic",
        interface=interface,
        gevent_blockers=blockers,
        worker_memory_bytes=Quantity(worker_mib * MIB, basis, "test"),
        **measured,
    )
    goal = Goal(
        concurrency=concurrency or Unknown("no"),
        db_connections=db or Unknown("no"),
        worker_class=worker_class or Unknown("no"),
    )
    here = host(cpus=cpus, memory_bytes=memory_mib * MIB, pids_max=pids or Unknown("no"))
    recommended = advice(subject, here, goal, installed(release or Unknown("no")))
    # what is emitted on one machine must fit another
    elsewhere = advice(subject, host(cpus=3.5), goal, installed(release or Unknown("no")))
    plan = planned(elsewhere, cpus, memory_mib * MIB, processes=pids or math.inf)

    wanted = {name: value for name, value in values(recommended).items() if name in SIZED}
    assert {**DEFAULTS, **plan} == {**DEFAULTS, **wanted}


def test_given_workers_are_kept_and_threads_follow_them() -> None:
    found = advice(app(kind="memory"))
    assert planned(found, 4, 64 << 30)["workers"] == 4
    assert planned(found, 4, 64 << 30, workers=3) | {"worker_connections": 0} == {
        "worker_class": "gthread", "workers": 3, "threads": 3, "keepalive": 0,
        "worker_connections": 0,
    }  # fmt: skip


def test_the_emitted_file_is_python_3_7_and_reads_on_its_own() -> None:
    text = render(advice(app(kind="io"), host(platform="docker", shm=True)))
    ast.parse(text, feature_version=(3, 7))
    assert "gunitune" not in {
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert "worker_tmp_dir = '/dev/shm'" in text
    assert "graceful_timeout = 8" in text


def test_the_template_names_every_input() -> None:
    template = ast.parse(Path(_dynamic_conf.__file__).read_text())
    upper = {
        node.targets[0].id
        for node in template.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if node.targets[0].id.isupper()
    }
    assert upper - {"_DECISION"} == inputs(advice()).keys()


def test_the_rules_that_exchange_the_class_are_there() -> None:
    assert {rule.id for rule in RULES} >= set(EXCHANGES)


def test_what_a_projects_own_rule_sets_holds_in_a_dynamic_conf_too() -> None:
    found = advice()
    (workers,) = [item for item in found.settings if item.name == "workers"]
    ours = replace(workers, trail=(*workers.trail, Step(3, "ours", "GX1", "asked")))
    others = [item for item in found.settings if item is not workers]
    text = render(replace(found, settings=(*others, ours)))
    assert text.rstrip().endswith("# ours [asked, GX1]\nworkers = 3")
