"""What a cold start must not import, by name: time itself is for benchmarks/startup.py."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from project import write_project

HELLO = """
import typer

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def main() -> None:
    pass


@app.command()
def hello(name: str = typer.Option("you")) -> None:
    print("hello", name)


app()
"""
# Never, even if typer did; beyond what a hello of the same typer imports, the rest.
NEVER = ("rich", "psutil", "asyncio", "gunicorn", "gunitune.rulefile")
BEYOND = ("pydantic", "difflib", "subprocess", "importlib.metadata", "email", "urllib", "http")
STAGES = [
    f"gunitune.{stage}"
    for stage in (
        "model", "evaluate", "api", "machine", "project", "advise", "rulebook", "render", "settings"
    )
]  # fmt: skip


def imported(arguments: list[str], cwd: Path) -> set[str]:
    """The modules that a real run of Python imports."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if not key.startswith("COV")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(re.findall(r"^import time:.*\| +([\w.]+)$", result.stderr, re.MULTILINE))


def below(modules: set[str], *roots: str) -> set[str]:
    return {
        name for name in modules for root in roots if name == root or name.startswith(root + ".")
    }


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("hello")
    (folder / "hello.py").write_text(HELLO)
    return imported(["hello.py", "hello"], folder)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["check", "--help"]])
def test_version_and_help_load_no_stage(
    tmp_path: Path, hello: set[str], arguments: list[str]
) -> None:
    modules = imported(["-m", "gunitune", *arguments], tmp_path)
    assert ("gunitune.cli" in modules) == ("--help" in arguments)
    assert below(modules, *NEVER, *STAGES) == set()
    assert below(modules - hello, *BEYOND) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["emit", "--cpus", "2", "--memory", "1G"],
        ["emit", "--dynamic"],
        ["recommend", "-f", "json"],
        ["recommend"],
        ["compare"],
        ["probe"],
        ["rule"],
        ["check"],
        ["check", "--diff", "-f", "json"],
    ],
)
def test_a_command_in_a_pipe_loads_nothing_heavy(
    tmp_path: Path, hello: set[str], arguments: list[str]
) -> None:
    project = write_project(tmp_path / "shop")
    (project / "gunicorn.conf.py").write_text("workers = 5\nthreads = 2\n")
    modules = imported(["-m", "gunitune", *arguments], project)
    assert "gunitune.render" in modules
    assert below(modules, *NEVER) == set()
    assert below(modules - hello, *BEYOND) == set()
