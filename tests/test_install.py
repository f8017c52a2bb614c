"""The wheel carries the rules: gunitune works where there is no checkout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from project import write_project
from serving import environment

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed_gunitune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing but the built wheel and what it depends on."""
    python = environment("installed", ["typer>=0.29", "rich", "pydantic", "psutil", "hatchling"])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = tmp_path_factory.mktemp("wheels")
    build = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(ROOT)]
    subprocess.run([*pip, *build], check=True, timeout=300)
    (wheel,) = wheels.glob("gunitune-*.whl")
    install = ["install", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run([*pip, *install], check=True, timeout=300)
    return python.parent / "gunitune"


def test_an_installed_gunitune_recommends(installed_gunitune: Path, tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop")
    result = subprocess.run(
        [str(installed_gunitune), "recommend", "-f", "json", "--cpus", "2"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(result.stdout)["settings"]["workers"]["value"] == 5


def test_an_installed_gunitune_emits_a_dynamic_conf(
    installed_gunitune: Path, tmp_path: Path
) -> None:
    project = write_project(tmp_path / "shop")
    command = [str(installed_gunitune), "emit", "--dynamic"]
    result = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=True, timeout=60
    )
    compile(result.stdout, "gunicorn.conf.py", "exec")
