"""The commands' stages from Python: typed, and every failure a GunituneError."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gunitune
from gunitune import GunituneError, classify, probe, recommend
from gunitune.model import App, Host, Recommendation, Unknown
from project import FLASK_IO, write_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return write_project(tmp_path / "shop")


def test_the_stages_are_functions_of_the_package(project: Path) -> None:
    assert isinstance(probe(), Host)
    assert isinstance(classify(project), App)
    assert isinstance(recommend(project), Recommendation)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tell'"):
        gunitune.tell  # noqa: B018


def test_recommend_takes_the_commands_options(project: Path) -> None:
    advice = recommend(
        project,
        cpus="500m",
        memory="512MiB",
        kind="memory",
        worker_memory="80M",
        platform="kubernetes",
        leaks=True,
        concurrency=12,
        gunicorn_version="27.0.1",
    )
    assert advice.host.cpus == 0.5
    assert advice["worker_class"] == "gthread"
    assert advice["workers"] == 1
    assert advice["threads"] == 12
    assert advice["max_requests"] == 1000
    assert advice["max_requests_jitter"] == 100
    assert advice["worker_tmp_dir"] == "/dev/shm"
    assert advice["graceful_timeout"] == 25
    assert advice.installed.gunicorn == "27.0.1"


def test_numbers_do_as_well_as_texts(project: Path) -> None:
    assert recommend(project, cpus=2, memory=1 << 30) == recommend(project, cpus="2", memory="1GiB")


def test_the_environment_counts_and_the_settings_file_can_be_left_out(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune.target]\ncpus = 8\n")
    assert recommend(project)["workers"] == 17
    monkeypatch.setenv("GUNITUNE_CPUS", "1")
    assert recommend(project)["workers"] == 3
    monkeypatch.delenv("GUNITUNE_CPUS")
    other = project / "other.toml"
    other.write_text("[target]\ncpus = 4\n")
    assert recommend(project, settings_file=other)["workers"] == 9
    assert recommend(project, use_settings=False).host.origin == "this machine"


def test_classify_keeps_what_it_is_told(project: Path) -> None:
    told = classify(project, kind="cpu", app="app:app", interface="wsgi")
    assert (told.kind, told.kind_basis, told.confidence) == ("cpu", "asked", "high")
    assert told.spec == "app:app"
    assert told.evidence


def test_a_file_names_its_project(project: Path) -> None:
    assert recommend(project / "app.py", cpus=2)["worker_class"] == "gevent"


@pytest.mark.parametrize(
    "arguments", [{"cpus": "many"}, {"kind": "fast"}, {"platform": "mainframe"}, {"replicas": 0}]
)
def test_a_bad_option_is_an_error_of_ours(project: Path, arguments: dict[str, str]) -> None:
    with pytest.raises(GunituneError):
        recommend(project, **arguments)  # type: ignore[arg-type]


def test_a_bad_path_is_an_error_of_ours(project: Path) -> None:
    for path in ("nowhere", "a\0b", "x" * 5000):
        with pytest.raises(GunituneError):
            recommend(project / path)
        with pytest.raises(GunituneError):
            classify(project / path)
    with pytest.raises(GunituneError):
        probe(sysroot=project / "nowhere")


def test_a_pin_tells_the_release_and_where_it_stands(project: Path) -> None:
    found = recommend(project).installed
    assert found.gunicorn == "25.3.0"
    assert "requirements.txt:3" in found.gunicorn_source


def test_gunitunes_own_environment_counts_only_if_the_project_lives_there(tmp_path: Path) -> None:
    files = {**FLASK_IO, "requirements.txt": "surely-not-installed\ngunicorn\n"}
    foreign = recommend(write_project(tmp_path / "foreign", files)).installed
    assert isinstance(foreign.gunicorn, Unknown)
    files["requirements.txt"] = "pytest\ngunicorn\n"
    ours = recommend(write_project(tmp_path / "ours", files)).installed
    if isinstance(ours.gunicorn, Unknown):
        pytest.skip("no Gunicorn beside gunitune here")
    assert ours.gunicorn_source == "gunitune's own environment"


def test_a_conf_can_call_it(project: Path) -> None:
    conf = (
        "from gunitune import recommend as _recommend\n"
        "_advice = _recommend('.', kind='io', cpus=2)\n"
        "worker_class = _advice['worker_class']\n"
        "workers = _advice['workers']\n"
        "print(worker_class, workers)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", conf],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == "gevent 5\n"
