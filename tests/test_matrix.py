"""Every kind x worker class, emitted, runs on real Gunicorn with the workers and threads it names."""

from __future__ import annotations

import ast
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from served import (
    Release,
    await_in_flight,
    checkout,
    effective,
    emit,
    holding,
    named,
    releases,
)
from serving import BootError, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RELEASES = releases()
ALL = os.environ.get("GUNITUNE_TEST_ALL") == "1"
CLASSES = ("sync", "gthread", "gevent", "eventlet", "tornado", "asgi", "uvicorn")
ASGI = ("asgi", "uvicorn")
LOOPS = ("gevent", "eventlet", *ASGI)  # a worker of these holds any number of requests
# The target of each kind, and the workers and the threads (of gthread) that the formulas give it.
KINDS = {
    "io": (("--cpus", "1", "--concurrency", "8"), 3, 3),
    "cpu": (("--cpus", "1"), 3, 2),
    "memory": (("--cpus", "1.5"), 2, 2),
    "unknown": (("--cpus", "1"), 3, 2),
}


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
        """What `gunitune emit` is told; 2 GiB are enough for all."""
        asked = ["--kind", self.kind, "--worker-class", self.worker_class, "--memory", "2G"]
        return [*asked, *KINDS[self.kind][0], "--gunicorn-version", version]


def runs(worker_class: str, release: Release) -> bool:
    return worker_class not in release.without


def cells() -> Iterator[Cell]:
    """Every cell that can run."""
    for kind, worker_class, release in itertools.product(KINDS, CLASSES, RELEASES.values()):
        if runs(worker_class, release):
            yield Cell(kind, worker_class, release.name)


def representative() -> set[Cell]:
    """Each class on each release with a kind by turns; on its newest, each class with each kind."""
    chosen = set()
    for turn, worker_class in enumerate(CLASSES):
        having = [release.name for release in RELEASES.values() if runs(worker_class, release)]
        turns = zip(having, itertools.islice(itertools.cycle(KINDS), turn, None), strict=False)
        chosen |= {Cell(kind, worker_class, release) for release, kind in turns}
        chosen |= {Cell(kind, worker_class, having[-1]) for kind in KINDS}
    return chosen


def matrix() -> Iterator[Any]:
    part = representative()
    full = [pytest.mark.matrix, pytest.mark.skipif(not ALL, reason="GUNITUNE_TEST_ALL is not 1")]
    for cell in cells():
        name = f"{cell.kind}-{cell.worker_class}-{cell.release}"
        yield pytest.param(cell, marks=[] if cell in part else full, id=name)


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
    """Have Gunicorn check the conf and serve with it; count its processes, threads, requests."""
    ast.parse(conf.read_text(encoding="utf-8"), feature_version=(3, 7))
    python, held = release.python(), project.parent / "held"
    held.mkdir()
    with ThreadPoolExecutor(1) as checker:
        command = [python, "-m", "gunicorn", "-c", conf]
        printed = checker.submit(effective, command, project)
        options = {"env": {"HELD": str(held)}}
        with serving(python, ["-c", str(conf), "app:app"], project, **options) as server:
            count(server, named(conf), held)
            complaints = [line for line in server.log().splitlines() if complains(line, release)]
    assert complaints == []
    in_effect = printed.result()
    wanted = {name: str(value) for name, value in named(conf).items()}
    assert {name: in_effect[name] for name in wanted} == wanted


def complains(line: str, release: Release) -> bool:
    loud = any(f"[{level}]" in line for level in ("WARNING", "ERROR", "CRITICAL"))
    return loud and not any(known in line for known in release.warns.values())


def count(server: Server, settings: dict[str, Any], folder: Path) -> None:
    """Hold one request more than can be in flight, or than there are workers; count meanwhile."""
    workers, threads = settings["workers"], settings.get("threads", 1)
    pids = server.await_workers(workers)
    looping = any(name in settings["worker_class"] for name in LOOPS)
    requests = 2 * workers + 1 if looping else workers * threads + 1
    with holding(server, folder, requests) as held:
        if looping:
            assert await_in_flight(held, requests).total() > workers
        elif settings["worker_class"] in ("sync", "gthread") and accepts_no_more(settings):
            assert set(await_in_flight(held, requests - 1).values()) == {threads}
        else:
            await_in_flight(held, threads, of_one_worker=True)
        running = {server.threads(pid) for pid in pids}
    assert max(running) == (threads + 1 if threads > 1 else 1)
    assert server.worker_pids() == pids
    assert max(held.peaks().values()) == threads or looping


def accepts_no_more(settings: dict[str, Any]) -> bool:
    """Whether a worker takes only the requests that it has threads for."""
    threads = settings.get("threads", 1)
    return threads == 1 or settings.get("worker_connections") == threads


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
