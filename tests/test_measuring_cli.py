"""`measure`, `predict` and `tune` from the command line: real Gunicorn, a real app, real load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from jsonschema import Draft202012Validator

from project import gunitune, write_project

SCHEMAS = Path(__file__).resolve().parent.parent / "docs" / "schemas"
APP = """
import time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/moved":
        start_response("302 Found", [("Location", "/login"), ("Content-Length", "0")])
        return [b""]
    end = time.thread_time() + 0.002
    while time.thread_time() < end:
        pass
    time.sleep(0.02)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
CONF = "workers = 1\nthreads = 2\nproc_name = 'shop'\n"
BUDGET = "30s"
SERVED = ("app:app", "--python", sys.executable)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has been measured."""
    folder = write_project(
        tmp_path_factory.mktemp("shop"), {"app.py": APP, "gunicorn.conf.py": CONF}
    )
    made = gunitune("measure", *SERVED, "--budget", "12s", "-f", "json", cwd=folder)
    assert made.returncode == 0, made.stderr
    (folder / "measured.json").write_text(made.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def study(project: Path) -> dict[str, Any]:
    """What a short study of it gave."""
    tuned = gunitune("tune", *SERVED, "--budget", BUDGET, "-f", "json", cwd=project)
    assert tuned.returncode == 0, tuned.stderr
    document: dict[str, Any] = json.loads(tuned.stdout)
    return document


def valid(document: dict[str, Any]) -> bool:
    """Whether a document is what its schema says."""
    name = document["schema"].removeprefix("gunitune/").replace("/", "-")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema).is_valid(document)


def test_measuring_tells_what_a_request_costs_and_waits(project: Path) -> None:
    measured = json.loads((project / "measured.json").read_text(encoding="utf-8"))
    assert valid(measured)
    assert 1 < measured["cpu_ms"] < 10
    assert 10 < measured["wait_ms"] < 60
    assert measured["app"]["kind"] == "io"


def test_what_was_measured_is_recommended_from_until_the_code_changes(project: Path) -> None:
    advice = json.loads(gunitune("recommend", "--app", "app:app", "-f", "json", cwd=project).stdout)
    assert advice["settings"]["workers"]["basis"] == "measured"
    source = project / "app.py"
    before = source.read_text(encoding="utf-8")
    try:
        source.write_text(before + "\nCHANGED = True\n", encoding="utf-8")
        later = gunitune("recommend", "--app", "app:app", "-f", "json", cwd=project)
    finally:
        source.write_text(before, encoding="utf-8")
    assert json.loads(later.stdout)["settings"]["workers"]["basis"] != "measured"
    assert "changed since: run gunitune measure again" in later.stdout


def test_a_bigger_machine_is_foretold_and_marked_as_extrapolated(project: Path) -> None:
    told = gunitune(
        "predict", "app:app", "--cpus", "16", "--concurrency", "500", "-f", "json", cwd=project
    )
    document = json.loads(told.stdout)
    assert valid(document)
    assert "extrapolated" in told.stdout
    assert gunitune("predict", "app:app", cwd=project).returncode == 0


def test_a_prediction_needs_a_measurement(tmp_path: Path) -> None:
    write_project(tmp_path, {"app.py": APP})
    told = gunitune("predict", "app:app", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "was not measured: run gunitune measure" in told.stderr


def test_tuning_beats_the_rule_of_thumb_of_an_app_that_waits(study: dict[str, Any]) -> None:
    assert valid(study)
    assert {item["name"] for item in study["against"]} == {"2*cpu+1", "current"}
    by_rule = next(item for item in study["against"] if item["name"] == "2*cpu+1")
    waited = [item for item in study["standings"] if item["blocks"] and _waits(item["settings"])]
    if not waited:
        pytest.skip("other tests left no time to try threads or greenlets")
    assert by_rule["ratio"] > 1
    assert study["winner"]["settings"]["worker_class"] in {"gthread", "gevent"}


def _waits(settings: dict[str, Any]) -> bool:
    """Whether these settings hold requests that wait in something cheaper than a process."""
    return settings["worker_class"] in {"gthread", "gevent"}


def test_the_current_config_and_the_recommendation_take_part(study: dict[str, Any]) -> None:
    roles = {role for item in study["standings"] for role in item["roles"]}
    assert {"2*cpu+1", "current", "recommended", "default"} <= roles


def test_the_winner_is_emitted_as_a_config_that_check_passes(
    project: Path, study: dict[str, Any]
) -> None:
    conf = gunitune("emit", "--from-study", cwd=project)
    assert conf.returncode == 0, conf.stderr
    assert f"workers = {study['winner']['settings']['workers']}" in conf.stdout
    checked = gunitune("check", "-", "--select", "GT1", cwd=project, stdin=conf.stdout)
    assert checked.returncode == 0, checked.stdout


def test_a_study_goes_on_where_it_was_and_runs_nothing_twice(
    project: Path, study: dict[str, Any]
) -> None:
    options = ("--budget", BUDGET, "--resume", "-f", "json")
    again = gunitune("tune", *SERVED, *options, cwd=project)
    assert again.returncode == 0, again.stderr
    assert len(json.loads(again.stdout)["trials"]) == len(study["trials"])


@pytest.mark.parametrize("command", ["measure", "tune"])
def test_a_first_answer_that_is_none_stops_before_any_block(command: str, project: Path) -> None:
    told = gunitune(command, *SERVED, "--request", "GET /moved", "--budget", "5s", cwd=project)
    assert (told.returncode, told.stdout) == (2, "")
    assert "302" in told.stderr
    assert "/login" in told.stderr
    assert "--expect-status" in told.stderr


def test_only_get_and_head_are_sent_unless_allowed(project: Path) -> None:
    told = gunitune("measure", *SERVED, "--request", "POST /orders", cwd=project)
    assert told.returncode == 2
    assert "--allow-unsafe-methods" in told.stderr


def test_an_app_that_is_not_found_is_asked_for_once(tmp_path: Path) -> None:
    write_project(tmp_path, {"notes.py": "text = 1\n"})
    told = gunitune("measure", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.count("--app") == 1


def test_an_app_that_does_not_load_is_told_in_a_line(tmp_path: Path) -> None:
    write_project(tmp_path, {"app.py": "import nowhere_to_be_found\napp = None\n"})
    told = gunitune("tune", *SERVED, "--budget", "5s", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "No module named 'nowhere_to_be_found'" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_the_command(number: int, tmp_path: Path) -> None:
    write_project(tmp_path, {"app.py": APP})
    mark = f"gunitune-{os.getpid()}-{number}"
    command = [sys.executable, "-m", "gunitune", "measure", *SERVED, "--budget", "60s"]
    environ = os.environ | {"MEASURING_MARK": mark}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert soon(lambda: len(marked(mark)) >= 4), "no server came up"
        started.send_signal(number)
        assert soon(lambda: not marked(mark)), marked(mark)
    assert started.returncode == (130 if number != signal.SIGKILL else -9)


def marked(mark: str) -> list[str]:
    """The processes that have the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MEASURING_MARK") == mark:
                found.append(f"{process.pid} {process.status()} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


def soon(holds: Any, within_s: float = 20) -> bool:
    """Whether it comes to hold."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
