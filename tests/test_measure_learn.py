"""What measuring learns of apps whose costs are known, on real Gunicorn under a real load."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gunitune.errors import GunituneError
from gunitune.measure.course import Course, Step
from gunitune.measure.learn import learn
from gunitune.measure.look import Place, SlowError
from gunitune.measure.wsgi import waited_ms
from gunitune.model import MIB, Interface, Unknown
from gunitune.trial import AppFacts, Choice, Estimate, Launch, Limits, Load, Request
from served import releases

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")

# 4 ms of computing by the thread's own clock, and 20 ms of waiting that gevent can patch.
PLAIN = """
import threading, time

def spin(seconds, clock=time.thread_time):
    end = clock() + seconds
    while clock() < end:
        pass

def app(environ, start_response):
    spin(0.004)
    time.sleep(0.02)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# Computing in C that releases the GIL, and waiting in C that no patching reaches.
IN_C = """
import ctypes, hashlib

usleep = ctypes.CDLL(None).usleep

def app(environ, start_response):
    hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 20_000)
    usleep(30_000)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
LOOP = (
    PLAIN.partition("def app")[0]
    + """
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    spin(0.003)
    await asyncio.sleep(0.02)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})
"""
)
SHELLS_OUT = """
import subprocess, sys

# a loop in the child, which the worker waits for
LINE = "import time\\nwhile time.process_time() < 0.03: pass"

def app(environ, start_response):
    subprocess.run([sys.executable, "-S", "-c", LINE], check=True)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
FAILING = """
import sys

answers = iter([b"200 OK"])

def app(environ, start_response):
    print("DATABASE_URL=postgres://shop:swordfish@db/shop", file=sys.stderr, flush=True)
    start_response(next(answers, b"500 Oops").decode(), [("Content-Length", "2")])
    return [b"ok"]
"""
SLOW = """
import itertools, time

turn = itertools.count()

def app(environ, start_response):
    time.sleep(0.3 if next(turn) else 0)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def launch(folder: Path, source: str, interface: Interface = "wsgi") -> Launch:
    (folder / "app.py").write_text(source)
    python = releases()["newest"].python()
    environ = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return Launch(python, "a test's", "app:app", interface, folder, None, environ)


@pytest.fixture
def each_look_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, each look is taken, once."""
    monkeypatch.setattr("gunitune.measure.course.MOST_ROUNDS", 1)
    monkeypatch.setattr(Course, "spent_s", 0.0)


def learned(folder: Path, source: str, **more: Interface) -> AppFacts:
    said: list[str] = []
    facts = learn(
        launch(folder, source, **more), Load(), Limits(), budget_s=8, progress=said.append
    )
    assert said[0].startswith("one ")
    return facts


def known(number: Estimate | Unknown) -> Estimate:
    assert isinstance(number, Estimate), number
    assert number.low <= number.value <= number.high
    assert number.source
    return number


def assert_share(number: Estimate | Unknown, low: float, high: float) -> None:
    """Its interval meets the bounds, unless other work left no CPU to tell it by."""
    if isinstance(number, Unknown):
        assert "CPU" in number.reason
    else:
        assert known(number).low <= high
        assert number.high >= low


@pytest.mark.usefixtures("each_look_once")
def test_an_app_that_computes_and_waits(tmp_path: Path) -> None:
    facts = learned(tmp_path, PLAIN)
    assert facts.interface == "wsgi"
    assert facts.cpu_ms.keys() == {"sync", "gthread", "gevent"}
    assert 3.5 < known(facts.cpu_ms["sync"]).value < 10
    assert 15 < known(facts.wait_ms).value < 40
    assert_share(facts.overlap, 0.6, 1)
    assert_share(facts.gil_share, 0.6, 1)
    assert known(facts.boot_s).value > 0
    assert 2 * MIB < known(facts.master_bytes).value < 60 * MIB
    assert 2 * MIB < known(facts.worker_bytes).value < 60 * MIB
    assert facts.generator_ms > 0  # nothing keeps it off the server's CPUs


@pytest.mark.usefixtures("each_look_once")
def test_an_app_that_does_both_in_c(tmp_path: Path) -> None:
    facts = learned(tmp_path, IN_C)
    assert_share(facts.overlap, 0, 0.5)
    assert_share(facts.gil_share, 0, 0.8)
    assert known(facts.thread_bytes).value >= 0


@pytest.mark.usefixtures("each_look_once")
def test_an_event_loop(tmp_path: Path) -> None:
    facts = learned(tmp_path, LOOP, interface="asgi")
    assert facts.cpu_ms.keys() == {"asgi"}
    assert 2.5 < known(facts.cpu_ms["asgi"]).value < 9
    assert 15 < known(facts.wait_ms).value < 40
    assert_share(facts.overlap, 0.6, 1)
    assert isinstance(facts.gil_share, Unknown)


def test_what_processes_of_the_workers_compute_is_no_waiting(tmp_path: Path) -> None:
    place = Place(launch(tmp_path, SHELLS_OUT), Load(), Limits())
    look = place.look(Choice("sync", 1), 3, 0.5)
    assert look.children_ms > 25
    assert waited_ms(look) <= look.window_ms - look.children_ms
    assert 0 <= look.master_cpu_s < look.usage.cpu_s


def test_a_class_that_does_not_start_is_lost_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "gevent.py").write_text("raise ImportError('not here')\n")
    course = Course(Place(launch(tmp_path, PLAIN), Load(), Limits()), 60, print)
    course.once([Step("gevent", "one gevent worker", Choice("gevent", 1), 4, 0.2)])
    assert course.of("gevent") == []
    assert "gevent" in course.lost("gevent")
    assert course.remarks() == ()


def test_an_app_that_fails_under_load_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GunituneError, match="does not hold a light load: 0 served") as failed:
        learn(launch(tmp_path, FAILING), Load(), Limits(), budget_s=3)
    assert "DATABASE_URL=postgres://shop:***@db" in failed.value.hint
    assert "swordfish" not in str(failed.value)


def test_a_slow_app_is_looked_at_for_longer(tmp_path: Path) -> None:
    place = Place(launch(tmp_path, SLOW), Load(), Limits())
    with pytest.raises(SlowError, match="no request was answered"):
        place.look(Choice("sync", 1), 1, 0.1)
    facts = learn(launch(tmp_path, SLOW), Load(), Limits(), budget_s=4)
    assert 250 < known(facts.wait_ms).value < 600


def test_an_app_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    nowhere = Load(requests=(Request("/"),), expect=frozenset({404}))
    with pytest.raises(GunituneError):
        learn(launch(tmp_path, PLAIN), nowhere, Limits(), budget_s=3)
