from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gunitune.machine.installed import installed
from gunitune.model import Unknown

if TYPE_CHECKING:
    from pathlib import Path


def _environment(folder: Path, *packages: str, config: str = "version = 3.12.4\n") -> Path:
    site_packages = folder / "lib" / "python3.12" / "site-packages"
    site_packages.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(config)
    for package in packages:
        (site_packages / package).mkdir()
    return folder


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_versions_are_told_from_the_projects_environment(name: str, tmp_path: Path) -> None:
    _environment(tmp_path / name, "gunicorn-23.0.0.dist-info", "gunicorn", "Zope.Event-5.dist-info")
    told = installed(tmp_path, {})
    assert (told.python, told.gunicorn) == ("3.12.4", "23.0.0")
    assert told.python_source == told.gunicorn_source == name
    assert told.packages == frozenset({"gunicorn", "zope-event"})


def test_a_real_virtual_environment_is_read(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / ".venv")]
    subprocess.run(argv, check=True)
    told = installed(tmp_path, {})
    assert told.python == ".".join(map(str, sys.version_info[:3]))
    assert told.gunicorn == Unknown("gunicorn is not installed in .venv")
    assert told.gunicorn_source == told.gunicorn.reason
    assert told.packages == frozenset()


def test_the_active_environment_comes_first(tmp_path: Path) -> None:
    _environment(tmp_path / ".venv", "gunicorn-20.1.0.dist-info")
    active = _environment(tmp_path / "active", "gunicorn-25.3.0.dist-info")
    told = installed(tmp_path, {"VIRTUAL_ENV": str(active)})
    assert (told.gunicorn, told.gunicorn_source) == ("25.3.0", "the active virtual environment")


def test_an_environment_without_gunicorn_gives_way_to_one_that_has_it(tmp_path: Path) -> None:
    active = _environment(tmp_path / "active", "ruff-1.dist-info", config="version = 3.13.1\n")
    _environment(tmp_path / "venv", "gunicorn-20.1.0.dist-info")
    told = installed(tmp_path, {"VIRTUAL_ENV": str(active)})
    assert (told.python, told.gunicorn) == ("3.12.4", "20.1.0")


def test_without_gunicorn_anywhere_the_first_environment_tells_python(tmp_path: Path) -> None:
    active = _environment(tmp_path / "active", config="version = 3.13.1\n")
    _environment(tmp_path / "venv")
    told = installed(tmp_path, {"VIRTUAL_ENV": str(active)})
    assert told.python == "3.13.1"
    assert isinstance(told.gunicorn, Unknown)


@pytest.mark.parametrize(
    ("config", "python"),
    [
        ("home = /usr/bin\nversion_info = 3.13.0.final.0\n", "3.13.0"),
        ("version_info=3.11\n", "3.11"),
        ("home = /usr/bin\n", None),
        ("version = newest\n", None),
        ("\x00\x80", None),
    ],
)
def test_pyvenv_cfg_names_the_python(config: str, python: str | None, tmp_path: Path) -> None:
    _environment(tmp_path / ".venv", config=config)
    told = installed(tmp_path, {})
    name = ".venv"
    assert told.python == (python or Unknown(f"{name}/pyvenv.cfg names no version"))
    assert told.python_source == (name if python else f"{name}/pyvenv.cfg names no version")


@pytest.mark.parametrize(
    ("folder", "version"),
    [
        ("gunicorn-27.0.1.dist-info", "27.0.1"),
        ("gunicorn-24.0rc1.dist-info", "24.0rc1"),
        ("Gunicorn-20.1.0-py3.8.egg-info", "20.1.0"),
        ("gunicorn-20.1.0.egg-info", "20.1.0"),
    ],
)
def test_the_name_of_the_folder_that_pip_leaves_gives_the_version(
    folder: str, version: str, tmp_path: Path
) -> None:
    _environment(tmp_path / ".venv", folder, "gunicorn_x-1.0.dist-info", "gunicorn-9.txt")
    assert installed(tmp_path, {}).gunicorn == version


@pytest.mark.parametrize(
    "folders",
    [
        ["gunicorn-20.1.0.dist-info", "gunicorn-23.0.0.dist-info"],
        ["gunicorn-latest.dist-info"],
        ["gunicorn.egg-info"],
    ],
)
def test_a_version_that_is_not_one_is_unknown(folders: list[str], tmp_path: Path) -> None:
    _environment(tmp_path / ".venv", *folders)
    told = installed(tmp_path, {})
    assert isinstance(told.gunicorn, Unknown)
    assert "has the version" in told.gunicorn.reason


def test_windows_keeps_packages_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".venv/Lib/site-packages/gunicorn-23.0.0.dist-info").mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").write_text("version = 3.12.4\n")
    assert installed(tmp_path, {}).gunicorn == "23.0.0"


@pytest.mark.parametrize("active", ["", "/nowhere", "\0"])
def test_without_an_environment_gunitunes_own_counts_if_gunicorn_is_there(
    active: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "lib" / "site-packages"
    (own / "gunicorn-25.3.0.dist-info").mkdir(parents=True)
    (tmp_path / "src" / "gunicorn-1.0.egg-info").mkdir(parents=True)
    paths = ["", str(own), str(tmp_path / "gone-packages"), str(tmp_path / "src")]
    monkeypatch.setattr(sys, "path", paths)
    told = installed(tmp_path, {"VIRTUAL_ENV": active})
    assert told.gunicorn == "25.3.0"
    assert told.python == ".".join(map(str, sys.version_info[:3]))
    assert told.gunicorn_source == "gunitune's own environment"


def test_without_any_environment_both_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    told = installed(tmp_path, {})
    assert isinstance(told.python, Unknown)
    assert told.python == told.gunicorn == told.packages
    assert told.python_source == told.gunicorn_source == told.python.reason


def test_the_environment_of_the_process_counts_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = _environment(tmp_path / "active", "gunicorn-25.3.0.dist-info")
    monkeypatch.setenv("VIRTUAL_ENV", str(active))
    assert installed(tmp_path).gunicorn == "25.3.0"


def test_a_fifo_for_pyvenv_cfg_does_not_block(tmp_path: Path) -> None:
    folder = _environment(tmp_path / ".venv", "gunicorn-25.3.0.dist-info")
    (folder / "pyvenv.cfg").unlink()
    os.mkfifo(folder / "pyvenv.cfg")
    assert f"{folder}" not in installed(tmp_path, {}).gunicorn_source


def test_packages_that_vanish_are_no_error(tmp_path: Path) -> None:
    folder = _environment(tmp_path / ".venv")
    shutil.rmtree(folder / "lib")
    assert isinstance(installed(tmp_path, {}).gunicorn, Unknown)
