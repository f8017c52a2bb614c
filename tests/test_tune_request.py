"""What tuning is asked to do for a session, before and after the app was measured."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gunitune.tune.session
from gunitune.errors import ProjectError, UsageError
from gunitune.facts import SAMPLE_APP, SAMPLE_HOST, SAMPLE_INSTALLED
from gunitune.machine.probe import probe
from gunitune.measure.session import Session
from gunitune.model import MIB, Evidence, Goal, Quantity
from gunitune.predict.memory import memory
from gunitune.settings import load_settings
from gunitune.trial import Choice, Launch, Limits, Load, Request
from gunitune.tune.request import learned, predictor, remeasured, wanted
from gunitune.tune.session import tuned_session
from gunitune.tune.study import StudyError, begin
from measured import app_facts, measured


def a_session(folder: Path, options: dict[str, Any] | None = None, **changes: Any) -> Session:
    """A session of an app that nothing starts."""
    made = Session(
        folder=folder,
        settings=load_settings(options or {}, start=folder, environ={}, use_file=False),
        host=SAMPLE_HOST,
        app=SAMPLE_APP,
        goal=Goal(),
        installed=SAMPLE_INSTALLED,
        launch=Launch(Path("python"), "a test", "app:app", "wsgi", folder, None, {}),
        load=Load(),
        limits=Limits(),
        generator_cores=frozenset(),
        generator="embedded",
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"objective": "p99"}, "--objective p99"),
        ({"max_p99": 0.25}, "--max-p99"),
    ],
)
def test_latency_is_not_asked_of_a_generator_that_does_not_measure_it(
    tmp_path: Path, options: dict[str, Any], flag: str
) -> None:
    with pytest.raises(UsageError, match=f"{flag}: wrk does not measure latency"):
        wanted(a_session(tmp_path, options, generator="wrk"))
    assert wanted(a_session(tmp_path, options, generator="oha")).generator == "oha"
    least = wanted(a_session(tmp_path, {"objective": "memory"}, generator="wrk"))
    assert least.objective == "memory"


def test_cpus_that_are_shared_are_those_of_the_affinity_and_of_a_quota(tmp_path: Path) -> None:
    here = float(len(os.sched_getaffinity(0)))
    assert wanted(a_session(tmp_path)).cores == min(here, probe().cpus)
    held = a_session(tmp_path, limits=Limits(cpus=0.5))
    assert wanted(held).cores == here
    kept = a_session(
        tmp_path, limits=Limits(1.0, None, frozenset({0})), generator_cores=frozenset({1})
    )
    assert (wanted(kept).cores, wanted(kept).supply.apart) == (1.0, True)
    assert not wanted(a_session(tmp_path)).supply.apart


def test_a_quota_of_the_container_is_no_more_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = replace(SAMPLE_HOST, cpus=0.5)  # a quota on this test's own process: for root alone
    monkeypatch.setattr("gunitune.machine.probe.probe", lambda: half)
    assert wanted(a_session(tmp_path)).cores == 0.5


def test_the_code_is_of_the_request(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("app = 1\n")
    one = wanted(a_session(tmp_path)).code
    (tmp_path / "app.py").write_text("app = 2\n")
    assert one != wanted(a_session(tmp_path)).code


def test_what_was_declared_outlives_a_measurement_and_what_was_measured_before_goes(
    tmp_path: Path,
) -> None:
    (tmp_path / "app.py").write_text("app = 1\n")
    measured(tmp_path)
    declared = Quantity(77 * MIB, "asked", "declared: a flag")
    old = Evidence("io", 100.0, "measured on 2020-01-01: old", ".gunitune/measure.json", 0)
    app = replace(
        SAMPLE_APP,
        worker_memory_bytes=declared,
        notes=("measuring: old", "measured on 2020-01-01, but its code changed", "kept"),
        evidence=(old,),
    )
    found = remeasured(a_session(tmp_path, app=app))
    assert found.worker_memory_bytes == declared
    assert isinstance(found.cpu_ms, Quantity)
    assert found.notes == ("kept",)
    assert old not in found.evidence
    undeclared = remeasured(a_session(tmp_path))
    assert isinstance(undeclared.worker_memory_bytes, Quantity)
    assert undeclared.worker_memory_bytes.basis == "measured"


def test_a_stored_measurement_of_the_same_masked_requests_is_not_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(*_: object, **__: object) -> None:
        pytest.fail("measured again")

    monkeypatch.setattr("gunitune.tune.request.take", take)
    session = a_session(tmp_path, load=Load(requests=(Request("/x?token=hunter2hunter2"),)))
    measured(tmp_path, requests=("GET /x?token=***",), cpus=SAMPLE_HOST.cpus)
    known = learned(wanted(session), session, lambda _: None)
    assert known.facts == app_facts()
    assert known.recommended
    assert known.predict


def test_the_model_keeps_to_the_share_of_memory_that_the_advice_keeps_to(tmp_path: Path) -> None:
    need = memory(app_facts(), Choice("sync", 5))
    assert isinstance(need, int)
    for share, fits in ((0.9, True), (0.7, False)):
        host = replace(SAMPLE_HOST, memory_bytes=int(need / 0.8))
        session = a_session(tmp_path, host=host, goal=Goal(memory_share=share))
        expected = predictor(session, app_facts())(Choice("sync", 5))
        assert expected
        assert expected.feasible is fits


def tuned(session: Session, study: Path, *, resume: bool = False) -> None:
    tuned_session(session, study, resume=resume, quiet=True, began=0.0)


def test_a_study_is_checked_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measuring(*_: object) -> None:
        pytest.fail("measured")

    monkeypatch.setattr(gunitune.tune.session, "learned", measuring)
    session, path = a_session(tmp_path), tmp_path / "one.jsonl"
    study = begin(path, wanted(session).subject())
    with pytest.raises(StudyError, match="in use"):
        tuned(session, path, resume=True)
    study.close()
    with pytest.raises(StudyError, match="there already"):
        tuned(session, path)
    other = replace(session, load=Load(requests=(Request("/other"),)))
    with pytest.raises(StudyError, match="of something else: requests differs"):
        tuned(other, path, resume=True)


def test_a_study_in_which_nothing_ended_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unanswered(*_: object) -> None:
        raise ProjectError("the app does not answer")

    monkeypatch.setattr(gunitune.tune.session, "learned", unanswered)
    session, path = a_session(tmp_path), tmp_path / "one.jsonl"
    with pytest.raises(ProjectError, match="does not answer"):
        tuned(session, path)
    assert not path.exists()
    begin(path, wanted(session).subject()).close()
    with pytest.raises(ProjectError, match="does not answer"):
        tuned(session, path, resume=True)
    assert path.exists()
