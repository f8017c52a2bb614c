"""What the rules on CPUs and memory say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from cgroups import limited_cgroup
from effect_workers import EXAMPLES, RELEASES, VERSION_APP, Place, answers, example, inside, until
from gunitune.model import MIB
from held import await_booted, await_in_flight, holding
from serving import environment

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are told by their /proc")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT202": "test_cpu_count_does_not_see_a_quota",
    "GT203": "test_affinity_does_not_see_a_quota",
    "GT301": "test_workers_beyond_the_memory_limit_are_killed",
    "GT302": "test_the_least_memory_of_a_worker_is_not_less",
    "GT304": "test_a_reload_has_twice_the_workers",
    "GT307": "test_jitter_alone_recycles_nobody",
}
HELLO_APPS = {
    "none": (2, "sync", VERSION_APP),
    "flask_io": (
        10,
        "sync",
        """
from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello():
    return "hello"
""",
    ),
    "django_orm": (
        20,
        "sync",
        """
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="none",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
)
django.setup()
urlpatterns = [path("", lambda request: HttpResponse("hello"))]
app = get_wsgi_application()
""",
    ),
    "asgi_fastapi": (
        20,
        "asgi",
        """
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def hello():
    return "hello"
""",
    ),
}
HUNGRY_APP = """
HELD = []


def app(environ, start_response):
    if not HELD:
        HELD.append(bytearray(b"x") * (60 * 1024 * 1024))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


def test_cpu_count_does_not_see_a_quota(place: Place) -> None:
    _workers_under_a_quota(place, example("GT202"))


def test_affinity_does_not_see_a_quota(place: Place) -> None:
    _workers_under_a_quota(place, example("GT203"))


def _workers_under_a_quota(place: Place, conf: str) -> None:
    place.take("wsgi")
    with limited_cgroup(0.5, 1024 * MIB) as group:
        python = inside(place.folder, group.joined, RELEASES["newest"].python())
        with place.serve(conf, python=python) as server:
            await_booted(server, 2 * len(os.sched_getaffinity(0)) + 1)


def test_workers_beyond_the_memory_limit_are_killed(place: Place) -> None:
    place.app(HUNGRY_APP)
    with limited_cgroup(2, 160 * MIB) as group:
        python = inside(place.folder, group.joined, RELEASES["newest"].python())
        with place.serve(example("GT301"), python=python) as server:
            until(lambda: answers(server) and "Perhaps out of memory?" in server.log())


@pytest.mark.parametrize("project", HELLO_APPS)
def test_the_least_memory_of_a_worker_is_not_less(place: Place, project: str) -> None:
    least_mib, worker_class, text = HELLO_APPS[project]
    place.app(text)
    requirements = EXAMPLES / project / "requirements.txt"
    python = None if project == "none" else environment(project, requirements)
    with place.serve("", "-k", worker_class, python=python) as server:
        for _ in range(20):
            assert answers(server, timeout_s=10)
        (pid,) = server.worker_pids()
        assert psutil.Process(pid).memory_full_info().uss > least_mib * MIB


def test_a_reload_has_twice_the_workers(place: Place) -> None:
    place.take("wsgi")
    with place.serve(example("GT304")) as server:
        await_booted(server, 4)
        with holding(server, place.held, 4) as held:
            await_in_flight(held, 4)
            os.kill(server.master_pid, signal.SIGHUP)
            server.await_workers(8)


def test_jitter_alone_recycles_nobody(place: Place) -> None:
    place.app(VERSION_APP)
    for more, replaced in (((), 0), (("--max-requests", "1"), 1)):
        with place.serve(example("GT307"), *more) as server:
            before = await_booted(server, 4)
            for _ in range(60 * 4):
                answers(server)
            lived = server.log().count("Booting worker")
            assert (lived > len(before)) is bool(replaced), server.log()
