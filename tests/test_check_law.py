"""The law: what `emit` writes for a target, `check` finds nothing wrong with on that target."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from gunitune.api import recommend_with
from gunitune.catalog.stored import surveyed
from gunitune.checks.run import STDIN, Check
from gunitune.options import CLASSES, KINDS, PLATFORMS
from gunitune.render.dynamic import render as dynamic
from gunitune.render.emit.conf import render as static
from gunitune.settings import load_settings
from gunitune.units import release as release_of
from project import FLASK_IO, gunitune, write_project

RELEASES = [release for release in surveyed() if release_of(release) >= (20, 1, 0)]
# Where something changed for what `emit` writes; the rest comes with `make test-all`.
TURNS = ("20.1.0", "23.0.0", "24.1.1", "25.3.0", "26.0.0", surveyed()[-1])
ALL = os.environ.get("GUNITUNE_TEST_ALL") == "1"
ASGI = {
    "requirements.txt": "fastapi\nhttpx\n",
    "main.py": (
        "import httpx\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n"
        '@app.get("/")\nasync def index():\n    return await httpx.AsyncClient().get("http://x")\n'
    ),
}
WSGI = {**FLASK_IO, "requirements.txt": "flask\nrequests\n"}
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "cpus": st.sampled_from(["0.1", "500m", "1", "1.5", "2", "3.7", "16", "96"]),
        "memory": st.sampled_from(["64M", "256M", "512M", "1GiB", "8G", "512G"]),
        "cores": st.sampled_from(["1", "4", "64", "256"]),
        "platform": st.sampled_from(PLATFORMS),
        "kind": st.sampled_from(KINDS),
        "worker_class": st.sampled_from(sorted(CLASSES)),
        "worker_memory": st.sampled_from(["20M", "150M", "2G"]),
        "leaks": st.just(value=True),
        "gunicorn_version": st.sampled_from(RELEASES),
        "concurrency": st.sampled_from(["1", "40", "5000"]),
        "db_connections": st.sampled_from(["5", "100"]),
    },
)


def wrong(project: Path, options: dict[str, Any], *, dynamically: bool) -> list[str]:
    """Findings at warning or above in what `emit` writes with these options."""
    chosen = load_settings(options, start=project, environ={}, use_file=False)
    text = (dynamic if dynamically else static)(recommend_with(project, chosen))
    name = project / "gunicorn.conf.py"
    report = Check([STDIN], chosen, text.encode(), name).report()
    assert not report.files[0].conf.faults
    return [f"{f.rule} {f.message}" for f in report.findings if f.severity != "note"]


@pytest.fixture(scope="module")
def projects() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        yield [write_project(root / name, files) for name, files in (("w", WSGI), ("a", ASGI))]


@given(options=OPTIONS, dynamically=st.booleans(), asgi=st.booleans())
@settings(
    max_examples=int(os.environ.get("GUNITUNE_LAW_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_what_emit_writes_has_nothing_wrong_with_it(
    projects: list[Path], options: dict[str, Any], *, dynamically: bool, asgi: bool
) -> None:
    assert wrong(projects[int(asgi)], options, dynamically=dynamically) == []


@pytest.mark.parametrize("release", RELEASES if ALL else TURNS)
@pytest.mark.parametrize("worker_class", sorted(set(CLASSES.values())))
def test_every_class_on_every_release_of_every_kind(
    projects: list[Path], worker_class: str, release: str
) -> None:
    for kind in KINDS:
        options = {
            "kind": kind,
            "cpus": "2",
            "memory": "1GiB",
            "worker_class": worker_class,
            "gunicorn_version": release,
        }
        project = projects[int(worker_class in ("asgi", "uvicorn_worker.UvicornWorker"))]
        assert wrong(project, options, dynamically=False) == []
        assert wrong(project, options, dynamically=True) == []


@pytest.mark.parametrize("dynamically", [False, True])
def test_the_law_holds_through_real_pipes(tmp_path: Path, dynamically: bool) -> None:
    project = write_project(tmp_path / "shop")
    target = ("--cpus", "500m", "--memory", "256M", "--platform", "kubernetes")
    flags = ("--dynamic",) if dynamically else ()
    text = gunitune("emit", *target, *flags, cwd=project).stdout
    checked = gunitune("check", "-", *target, cwd=project, stdin=text)
    assert checked.returncode == 0, checked.stdout


def test_what_emit_writes_is_no_drift_either(projects: list[Path]) -> None:
    chosen = load_settings(
        {"cpus": "4", "memory": "2GiB"}, start=projects[0], environ={}, use_file=False
    )
    text = static(recommend_with(projects[0], chosen))
    report = Check([STDIN], chosen, text.encode(), projects[0] / "gunicorn.conf.py").report()
    assert [f.rule for f in report.findings if f.name.startswith("drift")] == []
