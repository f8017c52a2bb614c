"""The served apps, emitted configurations and releases of Gunicorn they meet on: test support."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project import gunitune
from serving import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVED = Path(__file__).parent / "fixtures" / "served"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Gunicorn: what to install, which classes it lacks, and what it warns of."""

    name: str
    requirements: tuple[str, ...]
    without: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warns: Mapping[str, str] = field(default_factory=dict)

    def python(self) -> Path:
        """The interpreter of its environment, made at the first call."""
        return environment(f"gunicorn-{self.name}", self.requirements)

    def version(self) -> str:
        """Its number: that of the newest is known once it is installed."""
        return _version(self.python()) if self.name == "newest" else self.name


def releases() -> dict[str, Release]:
    """The releases by name, oldest first."""
    found = tomllib.loads((SERVED / "releases.toml").read_text(encoding="utf-8"))["release"]
    made = [Release(**{**item, "requirements": tuple(item["requirements"])}) for item in found]
    return {release.name: release for release in made}


@cache
def _version(python: Path) -> str:
    return _run([python, "-c", "import gunicorn; print(gunicorn.__version__)"]).strip()


def checkout(interface: str, folder: Path) -> Path:
    """A copy of the served app, with an environment of its own that has no Gunicorn."""
    project = Path(shutil.copytree(SERVED / interface, folder / "app"))
    (project / ".git").mkdir()
    (project / ".venv").mkdir()
    (project / ".venv" / "pyvenv.cfg").touch()
    return project


def emit(project: Path, *options: str, name: str = "conf.py") -> Path:
    """What the real command writes for the project, as a file beside it."""
    file = project.parent / name
    written = gunitune("emit", project, "--quiet", "-o", file, *options, cwd=project)
    output = written.stdout + written.stderr
    assert (written.returncode, output) == (0, ""), output
    return file


def named(conf: Path) -> dict[str, Any]:
    """The settings that an emitted conf names, with their values."""
    scope: dict[str, Any] = {}
    exec(compile(conf.read_text(encoding="utf-8"), str(conf), "exec"), scope)
    return {name: value for name, value in scope.items() if not name.startswith("_")}


def effective(command: Sequence[str | Path], cwd: Path, **options: Any) -> dict[str, str]:
    """The settings in effect by what `--print-config` printed; `--check-config` goes with it."""
    printed = _run([*command, "--check-config", "--print-config", "app:app"], cwd=cwd, **options)
    pairs = [line.partition("=") for line in printed.splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _run(command: Sequence[str | Path], **options: Any) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return str(ran.stdout)
