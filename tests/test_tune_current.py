"""Which choice the project's config and environment make today."""

from __future__ import annotations

from pathlib import Path

import pytest

from advice import host
from gunitune.model import Installed, Unknown
from gunitune.trial import Choice, Launch
from gunitune.tune.current import current

CONF = 'workers = 4\nworker_class = "gthread"\nthreads = 8\npreload_app = True\n'


def now(folder: Path, conf: str | None = None, **environ: str) -> Choice | Unknown:
    file = None
    if conf is not None:
        file = folder / "gunicorn.conf.py"
        file.write_text(conf)
    launch = Launch(Path("python"), "a test's", "app:app", "wsgi", folder, file, environ)
    return current(launch, host(), Installed("3.12.0", "a test", "27.0.1", "a test"))


PRELOADED = (("preload_app", True),)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", Choice("gthread", 4, 8, None, PRELOADED)),
        ("--workers=2 -k sync --bind :80", Choice("gthread", 2, 8, None, PRELOADED)),
        ("-w 2 --threads 1 --worker-class gevent", Choice("gevent", 2, 1, None, PRELOADED)),
        ("--worker-connections 50", Choice("gthread", 4, 8, 50, PRELOADED)),
        ("--worker 3", Choice("gthread", 4, 8, None, PRELOADED)),  # ambiguous: Gunicorn ends
        ("--workers 'two", Choice("gthread", 4, 8, None, PRELOADED)),  # no command line at all
    ],
)
def test_the_environment_beats_the_file(given: str, found: Choice, tmp_path: Path) -> None:
    assert now(tmp_path, CONF, GUNICORN_CMD_ARGS=given) == found


def test_the_environment_alone_is_a_config(tmp_path: Path) -> None:
    assert now(tmp_path, GUNICORN_CMD_ARGS="-w 3") == Choice("sync", 3)
    assert now(tmp_path, GUNICORN_CMD_ARGS="--preload", WEB_CONCURRENCY="2") == Choice(
        "sync", 2, extra=PRELOADED
    )
    assert now(tmp_path, WEB_CONCURRENCY="2") == Choice("sync", 2)
    assert isinstance(now(tmp_path), Unknown)


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "prod.py").write_text("workers = 7\n")
    assert now(tmp_path, CONF, GUNICORN_CMD_ARGS="-c prod.py --threads 2") == Choice(
        "gthread", 7, 2
    )
    assert now(tmp_path, GUNICORN_CMD_ARGS="--config=file:prod.py") == Choice("sync", 7)
    for named in ("python:prod", "nowhere.py"):
        found = now(tmp_path, CONF, GUNICORN_CMD_ARGS=f"-c {named}")
        assert isinstance(found, Unknown)
        assert named in found.reason


def test_what_can_not_be_told_says_where_it_stands(tmp_path: Path) -> None:
    found = now(tmp_path, "import app\nworkers = app.count()\n")
    assert isinstance(found, Unknown)
    assert found.reason.startswith("gunicorn.conf.py: workers: ")
    found = now(tmp_path, CONF, GUNICORN_CMD_ARGS="--workers many")
    assert isinstance(found, Unknown)
    assert found.reason.startswith("GUNICORN_CMD_ARGS: workers: ")
