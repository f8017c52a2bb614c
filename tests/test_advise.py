"""The article's rules hold, and guards keep what can't work out of the advice."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advice import advice, app, host, installed, values
from gunitune.advise import advise
from gunitune.errors import RuleError
from gunitune.facts import ASSUMED_WORKER_BYTES, MASTER_BYTES, SAMPLE_INSTALLED
from gunitune.model import MIB, Goal, Quantity, Unknown
from gunitune.rulebook import load_rules, named

CPUS = st.one_of(st.integers(1, 64).map(float), st.floats(0.05, 64).map(lambda n: round(n, 3)))
KINDS = st.sampled_from(["io", "cpu", "memory", "unknown"])


@given(CPUS)
def test_the_articles_workers(cpus: float) -> None:
    big = host(cpus=cpus, memory_bytes=1 << 40)
    formula = math.floor(round(2 * cpus, 9)) + 1
    assert values(advice(app(kind="io"), big)) == {
        "worker_class": "gevent", "workers": formula, "worker_connections": 1000,
    }  # fmt: skip
    assert values(advice(app(kind="cpu"), big)) == {"worker_class": "sync", "workers": formula}
    assert values(advice(app(kind="unknown"), big)) == {"worker_class": "sync", "workers": formula}
    memory = values(advice(app(kind="memory"), big))
    assert memory["worker_class"] == "gthread"
    assert memory["workers"] == math.ceil(cpus)
    assert memory["threads"] == max(2, math.ceil(formula / math.ceil(cpus)))


@pytest.mark.parametrize("kind", ["io", "cpu", "memory", "unknown"])
def test_an_asgi_app_gets_an_asgi_worker_and_no_threads(kind: Any) -> None:
    found = values(advice(app(kind=kind, interface="asgi")))
    assert found == {"worker_class": "asgi", "workers": 2 if kind == "memory" else 5}
    found = values(advice(app(kind=kind, interface="asgi", dependencies=["uvicorn"])))
    assert found["worker_class"] == "uvicorn_worker.UvicornWorker"


def test_a_blocking_library_turns_gevent_into_threads_of_the_same_reach() -> None:
    blocked = advice(app(kind="io", gevent_blockers=("psycopg2 (waits inside libpq)",)))
    assert blocked["worker_class"] == "gthread"
    assert blocked["workers"] == 5
    assert blocked["threads"] == 1000
    assert blocked.capacity.in_flight == advice(app(kind="io")).capacity.in_flight == 5000
    (reason,) = [item.reason for item in blocked.settings if item.name == "worker_class"]
    assert "psycopg2 (waits inside libpq)" in reason


@given(
    kind=KINDS,
    asgi=st.booleans(),
    cpus=CPUS,
    memory_mib=st.integers(16, 65536),
    worker_mib=st.integers(5, 4000),
    share=st.floats(0.1, 1),
    concurrency=st.one_of(st.none(), st.integers(1, 20_000)),
    db=st.one_of(st.none(), st.integers(1, 5_000)),
    replicas=st.integers(1, 20),
    worker_class=st.sampled_from([None, "sync", "gthread", "gevent", "eventlet", "asgi"]),
    release=st.sampled_from([None, "20.1.0", "23.0.0", "25.3.0", "27.0.1"]),
)
def test_what_holds_for_every_machine_and_app(
    kind: Any, asgi: bool, cpus: float, memory_mib: int, worker_mib: int, share: float,
    concurrency: int | None, db: int | None, replicas: int, worker_class: str | None,
    release: str | None,
) -> None:  # fmt: skip
    worker = Quantity(worker_mib * MIB, "asked", "declared")
    found = advice(
        app(kind=kind, interface="asgi" if asgi else "wsgi", worker_memory_bytes=worker),
        host(cpus=cpus, memory_bytes=memory_mib * MIB),
        Goal(
            memory_share=share,
            concurrency=concurrency or Unknown("no"),
            db_connections=db or Unknown("no"),
            replicas=replicas,
            worker_class=worker_class or Unknown("no"),
        ),
        installed(release or Unknown("no")),
    )
    got = values(found)
    workers, threads = got["workers"], got.get("threads", 1)
    assert workers >= 1
    assert threads >= 1
    needed = MASTER_BYTES + workers * worker.value
    assert workers == 1 or needed <= memory_mib * MIB * share
    assert ("threads" in got) <= (got["worker_class"] == "gthread")
    assert (got["worker_class"] in ("asgi", "uvicorn_worker.UvicornWorker")) == asgi
    assert got["worker_class"] != "eventlet" or release not in (None, "27.0.1")
    assert got["worker_class"] != "asgi" or release not in ("20.1.0", "23.0.0")
    if kind == "cpu" and worker_class is None:
        assert "threads" not in got
    if db and not asgi and isinstance(found.capacity.in_flight, int):
        assert found.capacity.in_flight <= max(db // replicas, 1)
    if got["worker_class"] == "gthread" and workers > 1 and release in (None, "20.1.0", "23.0.0"):
        assert got.get("worker_connections", 1000) >= threads + 100
    assert found.constraint
    for item in found.settings:
        assert item.reason
        assert item.trail
        assert "unknown number" not in item.reason


def test_a_guard_keeps_the_trail_of_what_it_changed() -> None:
    small = advice(app(kind="cpu"), host(memory_bytes=512 * MIB))
    (workers,) = [item for item in small.settings if item.name == "workers"]
    assert [(step.value, step.rule, step.basis) for step in workers.trail] == [
        (5, "GA120", "heuristic"),
        (3, "GA310", "guard"),
    ]
    assert small.constraint.startswith("memory: 409.6 MiB (80 % of 512 MiB) less 30 MiB")
    assert "100 MiB per worker allows 3" in small.constraint


def test_a_rule_that_lacks_a_fact_is_skipped_and_says_which() -> None:
    lost = advice(on=host(memory_bytes=Unknown("not declared: pass --memory")))
    assert ("GA310", "not declared: pass --memory") in [
        (item.rule, item.reason) for item in lost.skipped
    ]
    assert lost["workers"] == 5


def test_half_a_cpu_keeps_two_workers_and_warns_of_throttling() -> None:
    half = advice(app(kind="cpu"), host(cpus=0.5))
    assert half["workers"] == 2
    assert any("throttling" in text for text in half.warnings)


def test_measured_times_beat_the_rule_of_thumb_and_say_so() -> None:
    measured = app(
        kind="cpu",
        cpu_ms=Quantity(5.0, "measured", "a busy worker"),
        wait_ms=Quantity(0.0, "measured", "a busy worker"),
    )
    found = advice(measured)
    assert found["workers"] == 2
    (workers,) = [item for item in found.settings if item.name == "workers"]
    assert workers.basis == "measured"


def test_a_rate_and_a_latency_make_a_concurrency() -> None:
    found = advice(goal=Goal(rps=200.0, latency_s=0.25))
    assert found["worker_class"] == "gthread"
    assert found.capacity.in_flight == 50


def test_a_worker_is_assumed_to_need_100_mib_and_more_with_a_large_library() -> None:
    plain = replace(app(), worker_memory_bytes=Unknown("not measured"))
    assert advice(plain).capacity.memory_bytes == MASTER_BYTES + 5 * ASSUMED_WORKER_BYTES
    heavy = advice(replace(plain, libraries=("torch",)))
    assert isinstance(heavy.capacity.memory_bytes, int)
    assert heavy.capacity.memory_bytes > MASTER_BYTES + 5 * ASSUMED_WORKER_BYTES
    assert "torch" in heavy.capacity.memory_source


def test_indexing_gives_a_setting_and_refuses_one_that_is_not_recommended() -> None:
    assert advice()["workers"] == 5
    with pytest.raises(KeyError):
        advice()["threads"]


PROJECT_RULE = """
id = "GX900"
name = "our-backlog"
layer = "companion"
since = "1.0"
summary = "We keep the listen queue short."
why = "Our balancer retries."
when = "host.cpus >= 1"

[set.backlog]
value = "64 * ceil(host.cpus)"
reason = "64 waiting requests per CPU ({host.cpus})"

[[case]]
name = "two CPUs"
expect = { backlog = 128 }
"""


def project_rules(folder: Path, text: str = PROJECT_RULE, name: str = "GX900-our-backlog") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text)
    return folder


def test_a_project_adds_rules_of_its_own(tmp_path: Path) -> None:
    rules = load_rules([project_rules(tmp_path)])
    found = advise(host(), app(), Goal(), SAMPLE_INSTALLED, rules)
    assert found["backlog"] == 128
    (setting,) = [item for item in found.settings if item.name == "backlog"]
    assert (setting.reason, setting.rule) == ("64 waiting requests per CPU (2)", "GX900")
    assert named(rules, "our-backlog").summary == "We keep the listen queue short."


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('layer = "companion"', 'layer = "always"', "layer: "),
        ('since = "1.0"', "since = 1.0", "since: "),
        ('why = "Our balancer retries."', "", "why: "),
        ("[set.backlog]", "[set.backlogg]", "backlogg"),
        ("host.cpus >= 1", "host.cpu >= 1", "when: 'host.cpu' is no fact"),
        ("host.cpus >= 1", "open('x')", "when: 'open' is no function"),
        ("host.cpus >= 1", "host.__class__", "when: "),
        ("host.cpus >= 1", "9 ** 9 ** 9", "out of bounds"),
        ("({host.cpus})", "({host.cps})", "set.backlog.reason: 'host.cps' is no fact"),
        ('id = "GX900"', 'id = "GX901"', "do not match the file's name"),
        ('[[case]]\nname = "two CPUs"\nexpect = { backlog = 128 }', "", "case: "),
        ("[set.backlog]", "[set.backlog]\nwen = 1", "set.backlog.wen: "),
        ('id = "GX900"', "id = ", "Invalid value"),
        ("expect = { backlog = 128 }", "expect = { backlog = 99 }", "expect should be"),
        (
            "expect = { backlog = 128 }",
            "expect = { backlog = 128 }\nwarns = 2",
            "warns should be 2",
        ),
        ("[[case]]", "[let]\n'host.cpus' = '1'\n[[case]]", "let.host.cpus: "),
        ("64 * ceil(host.cpus)", "0 - 1", "-1 is no number from 0"),
        ("64 * ceil(host.cpus)", "0.5", "0.5 is no number from 0"),
        ("64 * ceil(host.cpus)", "True", "True is no number from 0"),
        ("64 * ceil(host.cpus)", "'abc'", "'abc' is no number from 0"),
        ("64 * ceil(host.cpus)", "(1, 2)", "(1, 2) is no number from 0"),
        ("64 * ceil(host.cpus)", "10 ** 60", "is no number from 0"),
        ("64 * ceil(host.cpus)", "1e308 * 10", "real and finite"),
        ("64 * ceil(host.cpus)", "(0 - 8) ** 0.5", "real and finite"),
        ("64 * ceil(host.cpus)", "round(1, 0 - 1000000000)", "expect should be"),
        ("64 * ceil(host.cpus)", "len((((1,) * 9000,) * 9000,) * 9000)", "out of bounds"),
        (
            "set.backlog",
            "set.workers]\nvalue = 'None'\nreason = 'r'\n[set.backlog",
            "it can't be taken back",
        ),
        ("set.backlog", "set.on_starting", "a rule can't set it"),
        ("set.backlog", "set.config", "a rule can't set it"),
        ("set.backlog", "set.preload_app", "128 is no bool"),
        ("set.backlog", "set.proc_name", "128 is no str"),
        ("per CPU ({host.cpus})", "{app.kind:size} {'x' * 20000}", "out of bounds"),
    ],
)
def test_a_broken_rule_names_the_file_the_key_and_the_fault(
    tmp_path: Path, before: str, after: str, complaint: str
) -> None:
    assert before in PROJECT_RULE
    folder = project_rules(tmp_path, PROJECT_RULE.replace(before, after))
    with pytest.raises(RuleError) as caught:
        advise(host(), app(), Goal(), SAMPLE_INSTALLED, load_rules([folder]))
    assert "GX900-our-backlog.toml" in str(caught.value)
    assert complaint in str(caught.value)


def test_a_rule_id_is_taken_once(tmp_path: Path) -> None:
    text = PROJECT_RULE.replace("GX900", "GA110").replace("our-backlog", "io-bound")
    with pytest.raises(RuleError, match="GA110 does not start with GX"):
        load_rules([project_rules(tmp_path, text, "GA110-io-bound")])
    again = project_rules(tmp_path / "again", name="GX900-our-backlog")
    with pytest.raises(RuleError, match="id: GX900 is taken by"):
        load_rules([project_rules(tmp_path / "ours"), again])
    taken = PROJECT_RULE.replace("our-backlog", "io-bound")
    with pytest.raises(RuleError, match="name: io-bound is taken by"):
        load_rules([project_rules(tmp_path / "third", taken, "GX900-io-bound")])


def test_a_missing_rules_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="nowhere: No such file or directory"):
        load_rules([tmp_path / "nowhere"])


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = " + b"[" * 100_000, b"x" * 70_000])
def test_a_rule_file_that_is_no_rule_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "GX1-x.toml").write_bytes(data)
    with pytest.raises(RuleError, match=r"GX1-x\.toml") as caught:
        load_rules([tmp_path])
    assert "\n" not in str(caught.value)


def test_an_unknown_rule_suggests_the_nearest() -> None:
    with pytest.raises(RuleError, match="did you mean memory-fit"):
        named(load_rules(), "memory-fits")
