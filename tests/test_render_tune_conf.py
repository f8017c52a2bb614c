"""The winner of a study becomes a config: Gunicorn loads it, `check` accepts it, it tells why."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gunitune.errors import ProjectError
from gunitune.render.tune.conf import conf_of, render
from gunitune.render.tune.json import document
from gunitune.trial import Choice, Load, Request
from gunitune.tune.document import parse, read_document, save, study_of
from gunitune.tune.result import Standing, Tuned
from project import gunitune
from served import checkout, named, releases
from tuned import HOST, LAUNCH, STANDINGS, standing, tuned

CONF = """\
# Gunicorn configuration, written by gunitune 0.1.0 from measured trials.
#
# App: flask app:app (WSGI)
# Machine: 2 CPUs (affinity of this process), 4 GiB memory (sample)
# Gunicorn 27.0.1 (.venv of the project)
# Load: 64 clients, kept alive: GET /
# Measured: 412 requests/s (400-425), p99 231 ms, 96 MiB of memory, in 4 runs
# Against 2*cpu+1 (sync 5): 3.68 times the requests (3.52 to 3.85)
# Against the current config (gthread 2x16): 1.37 times the requests (1.31 to 1.42)
# Limited by: CPU: 2 of 2 cores busy; more workers will not help
# As fast within the noise: gevent 3
# The trials ran on top of /srv/shop/gunicorn.conf.py: put these lines in place of its
#   own, and keep what else it sets.
# Study: .gunitune/tune/app.jsonl
# Start: gunicorn -c gunicorn.conf.py app:app

# best by measurement: most requests per second; of its throughput gthread 2x16 reached
#   0.73, sync 5 reached 0.27 [measured]
worker_class = 'gevent'

# best by measurement: most requests per second; of its throughput 3 workers reached
#   0.99, 5 workers reached 0.97 [measured]
workers = 2

# Gunicorn's default, as in the trials, whatever /srv/shop/gunicorn.conf.py says
#   [measured]
preload_app = False

# Gunicorn's default, as in the trials, whatever /srv/shop/gunicorn.conf.py says
#   [measured]
threads = 1

# Gunicorn's default, as in the trials, whatever /srv/shop/gunicorn.conf.py says
#   [measured]
worker_connections = 1000
"""
# What would change what was measured, in a config that the trials overrode.
BENEATH = "threads = 4\nworker_connections = 9\npreload_app = True\nworkers = 7\n"


def won(choice: Choice, *others: Standing, **changes: Any) -> Tuned:
    """A study that this choice won."""
    best = standing(choice, 500.0, 90.0, 100, "winner")
    return tuned(standings=(best, *others), winner=best, **changes)


def words_of(conf: str) -> str:
    return " ".join(conf.replace("#", " ").split())


def test_the_conf_tells_what_was_measured() -> None:
    assert render(tuned()) == CONF


@pytest.mark.parametrize("release", ["20.1.0", "newest"])
def test_gunicorn_loads_the_conf_of_every_winner(release: str, tmp_path: Path) -> None:
    project = checkout("wsgi", tmp_path)
    python = releases()[release].python()
    for choice in (
        Choice("sync", 3),
        Choice("gthread", 2, 8, 8),
        Choice("gevent", 2, extra=(("preload_app", True),)),
    ):
        conf = tmp_path / "conf.py"
        conf.write_text(render(won(choice, launch=replace(LAUNCH, conf=None))))
        assert named(conf) == choice.settings()
        conf.write_text(BENEATH + render(won(choice)))
        idle = {"worker_connections": 9} if choice.worker_class == "sync" else {}
        assert named(conf) == choice.applied() | idle, "what was measured, whatever is beneath"
        command: list[str | Path] = [
            python,
            "-m",
            "gunicorn",
            "-c",
            conf,
            "--check-config",
            "app:app",
        ]
        clean = {key: value for key, value in os.environ.items() if key != "WEB_CONCURRENCY"}
        ran = subprocess.run(command, cwd=project, env={**clean, "PYTHONDONTWRITEBYTECODE": "1"},
                             capture_output=True, text=True, check=False)  # fmt: skip
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "choice",
    [Choice("sync", 3), Choice("gthread", 2, 8), Choice("gthread", 2, 8, 16), Choice("gevent", 2)],
    ids=str,
)
def test_check_accepts_the_conf(choice: Choice, tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text(render(won(choice)))
    (tmp_path / "requirements.txt").write_text("flask\ngunicorn[gevent]==25.3.0\n")
    (tmp_path / ".git").mkdir()
    checked = gunitune("check", "--cpus", "2", "--memory", "4GiB", "--cores", "2", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout


def test_the_command_writes_the_conf_of_the_last_study(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gunitune" / "tune").mkdir(parents=True)
    study = tuned(study=str(tmp_path / ".gunitune" / "tune" / "app.jsonl"))
    save(study)
    written = gunitune("emit", "--from-study", "-o", "tuned.conf.py", cwd=tmp_path)
    assert (written.returncode, written.stderr) == (0, "")
    assert (tmp_path / "tuned.conf.py").read_text() == render(study)


def test_each_setting_tells_what_its_other_values_came_to() -> None:
    rivals = (
        standing(Choice("gthread", 3, 8), 480.0, 90, 100, "beaten"),
        standing(Choice("gthread", 2, 32), 450.0, 90, 100, "beaten"),
        standing(Choice("gthread", 2, 4), 250.0, 90, 100, "dropped"),
        standing(Choice("gthread", 1, 8), 300.0, 90, 100, "barred", why="2 workers died"),
        standing(Choice("gthread", 2, 8, 8), 490.0, 90, 100, "beaten"),
        standing(Choice("gthread", 4, 8), 0.0, 90, 100, "dropped"),
    )
    told = words_of(render(won(Choice("gthread", 2, 8), *rivals)))
    assert "1 workers was barred (2 workers died), 3 workers reached 0.96, 4 workers has an" in told
    assert "4 threads reached 0.50, 32 threads reached 0.90 [measured] threads = 8" in told
    assert "most requests per second [measured] worker_class = 'gthread'" in told
    told = words_of(render(won(Choice("gthread", 2, 8, 8), *rivals)))
    assert "worker_connections at Gunicorn's default reached" not in told


def test_a_setting_that_others_left_alone_is_compared_with_the_default() -> None:
    rival = standing(Choice("gthread", 2, 8), 250.0, 90, 100, "beaten")
    told = words_of(render(won(Choice("gthread", 2, 8, 8), rival)))
    assert "worker_connections at Gunicorn's default reached 0.50 [measured]" in told


def test_values_of_different_types_can_be_compared() -> None:
    preloaded = Choice("sync", 2, extra=(("preload_app", True),))
    rivals = (standing(preloaded, 450, 90, 9, "beaten"),)
    told = words_of(render(won(Choice("sync", 2), *rivals)))
    assert "of its throughput preload_app True reached 0.90 [measured] preload_app = False" in told
    rivals = (standing(Choice("sync", 2), 450, 90, 9, "beaten"),)
    told = words_of(render(won(preloaded, *rivals)))
    assert "preload_app at Gunicorn's default reached 0.90 [measured] preload_app = True" in told


def test_the_same_study_gives_the_same_bytes_from_memory_and_from_its_file(tmp_path: Path) -> None:
    study = tuned(study=str(tmp_path / "app.jsonl"))
    path = save(study)
    assert path == tmp_path / "app.json"
    Path(study.study).touch()
    assert read_document(Path(study.study)) == read_document(path)
    assert conf_of(read_document(path)) == render(study) == conf_of(study_of(study))


def test_a_study_without_a_winner_gives_no_conf() -> None:
    with pytest.raises(ProjectError, match="no choice that meets the goal: loosen it"):
        render(tuned(winner=None))


def test_what_a_study_says_stays_in_the_comments() -> None:
    evil = "x\nimport os  # \r\u2028os.abort()"
    study = tuned(
        limited=evil,
        study=evil,
        confined=evil,
        launch=replace(LAUNCH, spec=evil, conf=Path(f"/{evil}"), python_source=evil),
        load=Load((Request(path=f"/{evil}"),), rps=20.0, keep_alive=False),
        host=replace(HOST, cpus_source=evil, memory_source=evil),
        standings=(STANDINGS[0], replace(STANDINGS[-1], why=evil)),
    )
    text = render(study)
    code = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert code == [
        "worker_class = 'gevent'", "workers = 2", "preload_app = False", "threads = 1",
        "worker_connections = 1000",
    ]  # fmt: skip
    assert "20 requests/s, a connection for each request" in text


def loaded(**changes: Any) -> str:
    """The document as text, with changes at its top level."""
    return json.dumps(document(tuned()) | changes)


@pytest.mark.parametrize(
    ("name", "value"),
    [("workres", 3), ("on_starting", "x"), ("config", "x.py"), ("a = 1\nb", 3), ("pre_fork", 1)],
)
def test_only_plain_settings_of_gunicorn_are_taken(name: str, value: Any) -> None:
    made = document(tuned())
    made["winner"]["settings"][name] = value
    with pytest.raises(ProjectError, match=r"winner\.settings: Gunicorn has no plain setting"):
        parse(json.dumps(made), "x.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.json: Invalid JSON: EOF while parsing"),
        ("[" * 100_000, "x.json: Invalid JSON: recursion limit exceeded"),
        ("[1]", "x.json: Input should be"),
        (loaded(schema="gunitune/tune/2"), "x.json: schema: Input should be 'gunitune/tune/1'"),
        (loaded(winner=7), "x.json: winner: Input should be"),
        (loaded(standings=[{}]), "x.json: standings.0.choice: Field required"),
        (loaded(host={"cpus": "2"}), "x.json: host.cpus: Input should be a valid number"),
        ('{"schema": "gunitune/tune/1", "limited": 1e999}', "x.json: gunitune: Field required"),
    ],
)
def test_a_document_that_is_none_is_one_line(text: str, said: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse(text, "x.json")
    assert caught.value.message.startswith(said), caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "name a study's .json, or run gunitune tune"


def test_keys_of_a_later_version_are_passed_over() -> None:
    assert parse(loaded(colour="green"), "x.json") == study_of(tuned())


def test_numbers_that_were_not_known_are_left_out() -> None:
    made = document(tuned())
    for key in ("rps", "rps_low", "rps_high", "p99_ms", "memory_bytes"):
        made["winner"][key] = None
    made["host"]["memory_bytes"] = None
    made["against"][0]["ratio"] = None
    text = conf_of(parse(json.dumps(made), "x.json"))
    assert "# Measured: ? requests/s, in 4 runs" in text
    assert "memory unknown" in text
    assert "Against 2*cpu+1" not in text
    assert "3 workers has an unknown share" in words_of(text)


def test_the_newest_study_of_a_project_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / ".gunitune" / "tune"
    folder.mkdir(parents=True)
    for at, name in enumerate(("b.json", "a.json")):
        (folder / name).write_text(loaded(study=name))
        os.utime(folder / name, (1000 + at, 1000 + at))
    assert read_document(tmp_path).study == "a.json"
    assert read_document(folder).study == "a.json"
    assert read_document(folder / "b.json").study == "b.json"


def test_a_project_without_a_study_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="holds no study: run gunitune tune there first"):
        read_document(tmp_path)


@pytest.mark.parametrize("name", ["mine", "mine.json", "mine.db"])
def test_the_blocks_are_never_overwritten_whatever_they_are_called(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("blocks")
    path = save(tuned(study=str(tmp_path / name)))
    assert path.name == f"{name}.json"
    assert (tmp_path / name).read_text() == "blocks"
    assert read_document(path).winner is not None


def test_a_study_that_has_not_ended_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "app.jsonl").touch()
    with pytest.raises(ProjectError, match="has not ended: go on with it: gunitune tune --resume"):
        read_document(tmp_path / "app.jsonl")
    with pytest.raises(ProjectError, match=r"none\.json: No such file"):
        read_document(tmp_path / "none.jsonl")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"none\.json: No such file"):
        read_document(tmp_path / "none.json")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(ProjectError, match=r"large\.json: larger than 64 MiB"):
        read_document(tmp_path / "large.json")
