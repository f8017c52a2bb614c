"""Which Python runs the project: the one asked for, else the project's own, with Gunicorn in it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from gunitune.errors import ProjectError, UsageError
from gunitune.machine.installed import OWN
from gunitune.serve.interpreter import gunicorn_of, interpreter
from served import releases
from serving import environment


def with_gunicorn() -> Path:
    return releases()["newest"].python()


def without_gunicorn() -> Path:
    return environment("bare", [])


def home(python: Path) -> Path:
    """The folder of the interpreter's virtual environment."""
    return python.parent.parent


def environ(**given: str) -> dict[str, str]:
    """Ours, but for what would speak of another environment."""
    names = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}
    return {name: text for name, text in os.environ.items() if name not in names} | given


def test_the_active_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(home(without_gunicorn()))
    active = environ(VIRTUAL_ENV=str(home(with_gunicorn())))
    found = interpreter(tmp_path, active, None)
    assert found == (with_gunicorn(), "the active virtual environment")


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_an_environment_in_the_folder_is_the_projects(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(home(with_gunicorn()))
    assert interpreter(tmp_path, environ(), None) == (tmp_path / name / "bin" / "python", name)


def test_one_without_gunicorn_is_passed_over_and_said(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(home(without_gunicorn()))
    (tmp_path / "venv").symlink_to(home(with_gunicorn()))
    python, source = interpreter(tmp_path, environ(VIRTUAL_ENV=str(tmp_path / "gone")), None)
    assert python == tmp_path / "venv" / "bin" / "python"
    passed = "the active virtual environment, .venv"
    assert source == f"venv (gunicorn is not installed in {passed})"


def test_without_any_it_is_the_one_that_runs_gunitune(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(with_gunicorn()))
    assert interpreter(tmp_path, environ(), None) == (with_gunicorn(), OWN)


def test_where_none_has_gunicorn_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(without_gunicorn()))
    with pytest.raises(ProjectError, match=f"not installed in {OWN}") as raised:
        interpreter(tmp_path, environ(), None)
    assert "pip install gunicorn" in raised.value.hint
    assert "--python" in raised.value.hint


def test_what_is_asked_for_may_be_a_path_a_command_or_an_environment(tmp_path: Path) -> None:
    python = with_gunicorn()
    wanted = (python, "--python")
    assert interpreter(tmp_path, environ(), str(python)) == wanted
    assert interpreter(tmp_path, environ(), str(home(python))) == wanted
    on_path = environ(PATH=str(python.parent))
    assert interpreter(tmp_path, on_path, "python") == wanted


@pytest.mark.parametrize("asked", ["nosuch-python", "/nonexistent", __file__])
def test_what_is_asked_for_must_be_an_interpreter(asked: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no interpreter") as raised:
        interpreter(tmp_path, environ(), asked)
    assert "--python" in raised.value.message


def test_what_is_asked_for_must_have_gunicorn(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(home(with_gunicorn()))
    with pytest.raises(ProjectError, match="has no gunicorn") as raised:
        interpreter(tmp_path, environ(), str(without_gunicorn()))
    assert f"{without_gunicorn()} -m pip install gunicorn" in raised.value.hint


def test_what_does_not_run_has_no_gunicorn(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("no program")
    broken.chmod(0o755)
    with pytest.raises(ProjectError, match="has no gunicorn"):
        gunicorn_of(broken)


def test_the_version_is_what_the_interpreter_imports() -> None:
    release = releases()["20.1.0"]
    assert gunicorn_of(release.python()) == "20.1.0"


def test_a_gunicorn_from_before_its_time_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "gunicorn"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '19.8.1'")
    with pytest.raises(ProjectError, match=r"Gunicorn 19.8.1 is too old") as raised:
        gunicorn_of(without_gunicorn(), environ(PYTHONPATH=str(tmp_path)))
    assert "19.9 or later" in raised.value.hint


def test_a_folder_named_like_gunicorn_is_not_taken_for_it(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "fixtures" / "served" / "wsgi", tmp_path / "gunicorn")
    with pytest.raises(ProjectError):
        interpreter(tmp_path, environ(), str(without_gunicorn()))
