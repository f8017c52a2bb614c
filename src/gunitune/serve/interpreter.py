"""Which Python runs the project, and which Gunicorn that one has."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.errors import ProjectError, UsageError
from gunitune.machine.installed import OWN
from gunitune.render.layout import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST = (19, 9)
_FOLDERS = (".venv", "venv", "env")
_ASK = "import gunicorn; print('Gunicorn', gunicorn.__version__)"
_ASK_TIMEOUT_S = 60.0
_WHERE = "name the interpreter that the app runs on with --python"


def interpreter(folder: Path, environ: Mapping[str, str], asked: str | None) -> tuple[Path, str]:
    """The project's Python, and where it comes from.

    `asked` (a path, a command on PATH, or the folder of a virtual environment), else the first that
    has Gunicorn of VIRTUAL_ENV, .venv, venv and env in `folder`, and the one that runs gunitune.
    UsageError where what was asked for is no Python, ProjectError where none has Gunicorn.
    """
    if asked is not None:
        python = _asked(asked, environ)
        gunicorn_of(python, environ)
        return python, "--python"
    without: list[str] = []
    for python, name in _places(folder, environ):
        if answer := _answer(python, environ):
            _young_enough(answer)
            return python, f"{name}{_passed(without)}"
        without.append(name)
    raise ProjectError(
        f"gunicorn is not installed in {', '.join(without)}",
        f"`pip install gunicorn` there, or {_WHERE}",
    )


def gunicorn_of(python: Path, environ: Mapping[str, str] | None = None) -> str:
    """The version of the Gunicorn that this Python imports.

    ProjectError where there is none, or one that is too old to be run.
    """
    answer = _answer(python, os.environ if environ is None else environ)
    if not answer:
        raise ProjectError(
            f"{plain(str(python))} has no gunicorn",
            f"`{plain(str(python))} -m pip install gunicorn`, or {_WHERE}",
        )
    return _young_enough(answer)


def _young_enough(version: str) -> str:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ProjectError(f"Gunicorn {version} is too old", f"it takes {oldest} or later")
    return version


def _passed(without: list[str]) -> str:
    return f" (gunicorn is not installed in {', '.join(without)})" if without else ""


def _places(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """The interpreters of the environments there are, best first."""
    if active := environ.get("VIRTUAL_ENV"):
        yield Path(active, "bin", "python"), "the active virtual environment"
    for name in _FOLDERS:
        python = folder.absolute() / name / "bin" / "python"
        if python.exists():
            yield python, name
    yield Path(sys.executable), OWN


def _asked(asked: str, environ: Mapping[str, str]) -> Path:
    """What --python names, as a path; its links stay, since they are what makes an environment."""
    given = Path(asked).expanduser().absolute()
    if given.is_dir():
        given = given / "bin" / "python"
    elif os.sep not in asked:
        found = shutil.which(asked, path=environ.get("PATH"))
        given = Path(found).absolute() if found else given
    if not (given.is_file() and os.access(given, os.X_OK)):
        raise UsageError(
            f"--python: {plain(asked)} is no interpreter", "give its path, or a command on PATH"
        )
    return given


def _answer(python: Path, environ: Mapping[str, str]) -> str:
    """The version of its Gunicorn; nothing where it has none, or does not run."""
    import subprocess

    command = [str(python), "-c", _ASK]
    try:
        ran = subprocess.run(  # noqa: S603  (the interpreter to be used, and no shell)
            command,
            cwd="/",
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    found = re.search(r"^Gunicorn (\S+)$", ran.stdout, re.MULTILINE)
    return found[1] if found and ran.returncode == 0 else ""
