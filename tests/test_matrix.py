"""Every kind x worker class, emitted, runs on real Gunicorn with what it names."""

from __future__ import annotations

import ast
import itertools
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from held import count
from served import Release, checkout, effective, emit, named, releases
from serving import BootError, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are told by their /proc")

RELEASES = releases()
OLDEST, *_, NEWEST = RELEASES
ALL = os.environ.get("GUNITUNE_TEST_ALL") == "1"
CLASSES = ("sync", "gthread", "gevent", "eventlet", "tornado", "asgi", "uvicorn")
ASGI = ("asgi", "uvicorn")
# The target of each kind, and the workers and the threads (of gthread) that the formulas give it.
KINDS = {
    "io": (("--cpus", "1", "--concurrency", "8"), 3, 3),
    "cpu": (("--cpus", "1"), 3, 2),
    "memory": (("--cpus", "1.5"), 2, 2),
    "unknown": (("--cpus", "1"), 3, 2),
}
AMPLE = ("--memory", "2G")
# Memory for two of three workers, so threads and preload_app come in, and all the companions.
EVERYTHING = (
    *("--memory", "400M", "--worker-memory", "100M", "--cpus", "1"),
    *("--platform", "docker", "--leaks"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the matrix."""

    kind: str
    worker_class: str
    release: str

    @property
    def interface(self) -> str:
        """Which of the served apps the class can serve."""
        return "asgi" if self.worker_class in ASGI else "wsgi"

    def options(self, version: str) -> list[str]:
        """What `gunitune emit` is told."""
        asked = ["--kind", self.kind, "--worker-class", self.worker_class]
        return [*asked, *AMPLE, *KINDS[self.kind][0], "--gunicorn-version", version]


def releases_with(worker_class: str) -> list[str]:
    return [release.name for release in RELEASES.values() if worker_class not in release.without]


def cells() -> list[Cell]:
    """Every cell that can run."""
    pairs = itertools.product(KINDS, CLASSES)
    return [Cell(*pair, release) for pair in pairs for release in releases_with(pair[1])]


def representative() -> set[Cell]:
    """Each class on each release, the kinds by turns; and with each kind on the newest."""
    chosen = set()
    for turn, worker_class in enumerate(CLASSES):
        turns = itertools.islice(itertools.cycle(KINDS), turn, None)
        having = releases_with(worker_class)
        chosen |= {Cell(next(turns), worker_class, release) for release in having}
        chosen |= {Cell(kind, worker_class, having[-1]) for kind in KINDS}
    return chosen


def full(*values: object, name: str, part: bool) -> Any:
    """A parameter that only the full run has, unless it belongs to the representative part."""
    left_out = pytest.mark.skipif(not ALL, reason="GUNITUNE_TEST_ALL=1 runs every cell")
    return pytest.param(*values, marks=[] if part else [pytest.mark.matrix, left_out], id=name)


def matrix() -> Iterator[Any]:
    part = representative()
    for cell in cells():
        name = f"{cell.kind}-{cell.worker_class}-{cell.release}"
        yield full(cell, name=name, part=cell in part)


@pytest.mark.parametrize("cell", [*matrix()])
def test_an_emitted_conf_runs_with_what_it_names(cell: Cell, tmp_path: Path) -> None:
    release = RELEASES[cell.release]
    project = checkout(cell.interface, tmp_path)
    conf = emit(project, *cell.options(release.version()))
    settings = named(conf)
    _, workers, threads = KINDS[cell.kind]
    assert settings["workers"] == workers
    assert settings.get("threads", 1) == (threads if cell.worker_class == "gthread" else 1)
    assert cell.worker_class in settings["worker_class"]
    run_with(conf, release, project)


def run_with(conf: Path, release: Release, project: Path) -> None:
    """Have Gunicorn check the conf, and serve with it; what it names is in effect."""
    ast.parse(conf.read_text(encoding="utf-8"), feature_version=(3, 7))
    python, settings = release.python(), named(conf)
    with ThreadPoolExecutor(1) as checker:
        printed = checker.submit(effective, [python, "-m", "gunicorn", "-c", conf], project)
        serve(python, ["-c", str(conf)], settings, release, project)
    in_effect = printed.result()
    wanted = {name: str(value) for name, value in settings.items()}
    assert {name: in_effect[name] for name in wanted} == wanted


def serve(
    python: Path, args: Sequence[str], settings: dict[str, Any], release: Release, project: Path
) -> None:
    """Count processes, threads and requests; Gunicorn has nothing to complain of."""
    held = project.parent / "held"
    held.mkdir()
    with serving(python, [*args, "app:app"], project, {"HELD": str(held)}) as server:
        count(server, settings, held)
        complaints = [line for line in server.log().splitlines() if complains(line, release)]
    assert complaints == []


def complains(line: str, release: Release) -> bool:
    loud = any(f"[{level}]" in line for level in ("WARNING", "ERROR", "CRITICAL"))
    return loud and not any(known in line for known in release.warns.values())


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("options", "worker_class"),
    [
        pytest.param(("--kind", "memory"), "gthread", id="memory"),
        full(("--kind", "io"), "gevent", name="io", part=False),
        full(("--worker-class", "eventlet"), "gevent", name="eventlet", part=False),
        full(("--worker-class", "tornado"), "tornado", name="tornado", part=False),
        full(("--worker-class", "uvicorn"), "uvicorn_worker", name="uvicorn", part=False),
    ],
)
def test_what_is_emitted_for_an_unknown_release_runs_on_every_release(
    options: Sequence[str], worker_class: str, release: str, tmp_path: Path
) -> None:
    project = checkout("asgi" if "uvicorn" in options else "wsgi", tmp_path)
    conf = emit(project, "--cpus", "1.5", *AMPLE, *options)
    assert "# Gunicorn's release unknown" in conf.read_text(encoding="utf-8")
    assert worker_class in named(conf)["worker_class"]
    run_with(conf, RELEASES[release], project)


@pytest.mark.parametrize(
    "release", [full(name, name=name, part=name in (OLDEST, NEWEST)) for name in RELEASES]
)
@pytest.mark.parametrize(
    ("options", "threads"),
    [
        pytest.param(("--kind", "io", "--worker-class", "gthread"), 1000, id="many"),
        pytest.param(("--kind", "memory", "--db-connections", "2"), 1, id="one"),
    ],
)
def test_gthread_runs_with_very_many_threads_and_with_one(
    options: Sequence[str], threads: int, release: str, tmp_path: Path
) -> None:
    project = checkout("wsgi", tmp_path)
    version = RELEASES[release].version()
    conf = emit(project, "--cpus", "1.5", *AMPLE, *options, "--gunicorn-version", version)
    settings = named(conf)
    assert (settings["worker_class"], settings["threads"]) == ("gthread", threads)
    run_with(conf, RELEASES[release], project)


SHELLS = {
    "args": 'exec "{python}" "$@" $(cat "{file}")\n',
    "env": 'set -a\n. "{file}"\nexec "{python}" "$@"\n',
}


@pytest.mark.parametrize(
    ("release", "form", "kind", "worker_class"),
    [
        full(release, form, kind, worker_class, name=f"{form}-{release}-{worker_class}", part=part)
        for form in SHELLS
        for release, kind, worker_class, part in (
            ("20.1.0", "unknown", "gthread", form == "args"),
            ("23.0.0", "io", "gevent", form == "env"),
            ("25.3.0", "io", "asgi", form == "env"),
            ("newest", "unknown", "gthread", form == "env"),
            ("newest", "io", "uvicorn", form == "args"),
            ("newest", "cpu", "sync", False),
        )
    ],
)
def test_args_and_env_put_into_effect_in_a_shell_what_the_conf_does(
    release: str, form: str, kind: str, worker_class: str, tmp_path: Path
) -> None:
    project = checkout("asgi" if worker_class in ASGI else "wsgi", tmp_path)
    python, version = RELEASES[release].python(), RELEASES[release].version()
    asked = ["--kind", kind, "--gunicorn-version", version, *EVERYTHING]
    asked += [] if kind == "unknown" else ["--worker-class", worker_class]
    conf, file = emit(project, *asked), emit(project, *asked, "-f", form, name="options")
    shell = tmp_path / "gunicorn"
    shell.write_text("#!/bin/sh\n" + SHELLS[form].format(python=python, file=file))
    shell.chmod(0o755)

    settings = named(conf)
    assert settings["workers"] == 2
    assert {"max_requests", "max_requests_jitter", "graceful_timeout"} <= settings.keys()
    assert ("preload_app" in settings) == (worker_class != "gevent")
    from_conf = effective([python, "-m", "gunicorn", "-c", conf], project)
    from_shell = effective([shell, "-m", "gunicorn"], project)
    assert from_shell | {"config": ""} == from_conf | {"config": ""}
    serve(shell, [], settings, RELEASES[release], project)


@pytest.mark.parametrize(
    ("release", "worker_class"),
    [(name, left) for name, release in RELEASES.items() for left in release.without],
)
def test_a_class_that_is_left_out_does_not_boot(
    release: str, worker_class: str, tmp_path: Path
) -> None:
    project = checkout("wsgi", tmp_path)
    symptom = RELEASES[release].without[worker_class]["symptom"]
    with (
        pytest.raises(BootError, match=symptom),
        serving(RELEASES[release].python(), ["-k", worker_class, "app:app"], project),
    ):
        pytest.fail("it does run")
