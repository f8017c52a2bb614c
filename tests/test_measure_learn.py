"""What measuring learns of apps whose costs are known, on real Gunicorn under a real load."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gunitune.errors import GunituneError
from gunitune.measure.course import Course, Step
from gunitune.measure.learn import learn
from gunitune.measure.look import Place, SlowError
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
    usleep(10_000)
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
FAILING = """
answers = iter([b"200 OK"])

def app(environ, start_response):
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


def learned(folder: Path, source: str, budget_s: float, **more: Interface) -> AppFacts:
    said: list[str] = []
    facts = learn(
        launch(folder, source, **more), Load(), Limits(), budget_s=budget_s, progress=said.append
    )
    assert said[0].startswith("one ")
    return facts


def known(number: Estimate | Unknown) -> Estimate:
    assert isinstance(number, Estimate), number
    assert number.low <= number.value <= number.high
    assert number.source
    return number


def assert_share(number: Estimate | Unknown, low: float, high: float) -> None:
    """Within bounds, unless other work on this machine left no CPU to tell it by."""
    if isinstance(number, Unknown):
        assert "CPU" in number.reason
    else:
        assert low <= known(number).value <= high


def test_an_app_that_computes_and_waits(tmp_path: Path) -> None:
    facts = learned(tmp_path, PLAIN, 14)
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


def test_an_app_that_does_both_in_c(tmp_path: Path) -> None:
    facts = learned(tmp_path, IN_C, 8)
    assert_share(facts.overlap, 0, 0.5)
    assert_share(facts.gil_share, 0, 0.8)
    assert isinstance(facts.thread_bytes, Unknown)
    assert "no time left" in facts.thread_bytes.reason


def test_an_event_loop(tmp_path: Path) -> None:
    facts = learned(tmp_path, LOOP, 8, interface="asgi")
    assert facts.cpu_ms.keys() == {"asgi"}
    assert 2.5 < known(facts.cpu_ms["asgi"]).value < 9
    assert 15 < known(facts.wait_ms).value < 40
    assert_share(facts.overlap, 0.6, 1)
    assert isinstance(facts.gil_share, Unknown)


def test_a_class_that_does_not_start_is_lost_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "gevent.py").write_text("raise ImportError('not here')\n")
    course = Course(Place(launch(tmp_path, PLAIN), Load(), Limits()), 60, print)
    course.once([Step("gevent", "one gevent worker", Choice("gevent", 1), 4, 0.2)])
    assert course.of("gevent") == []
    assert "gevent" in course.lost("gevent")
    assert course.remarks() == ()


def test_an_app_that_fails_under_load_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GunituneError, match="does not hold a light load: 0 served"):
        learn(launch(tmp_path, FAILING), Load(), Limits(), budget_s=3)


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
