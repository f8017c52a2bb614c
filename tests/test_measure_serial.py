"""Requests that take turns outside the CPUs: told from what was served, on real Gunicorn too."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gunitune.measure.course import Course
from gunitune.measure.look import Look, Place
from gunitune.measure.serial import Served, own_turns, serial_ms
from gunitune.measure.turns import CREW, _telling, of_turns, turns
from gunitune.measure.wsgi import _crew, _needs, _threads
from gunitune.model import Unknown
from gunitune.predict.demands import Demands
from gunitune.predict.simulate import simulate
from gunitune.trial import Estimate, Launch, Limits, Load
from served import releases

# 1 ms of computing, 15 ms of waiting, and 6 ms more in which it has a lock.
LOCKED = """
import fcntl, threading, time

own = threading.Lock()

def spin(seconds, clock=time.thread_time):
    end = clock() + seconds
    while clock() < end:
        pass

class Shared:
    def __enter__(self):
        self.file = open("lock", "a")
        fcntl.flock(self.file, fcntl.LOCK_EX)
    def __exit__(self, *_):
        self.file.close()

def app(environ, start_response):
    spin(0.001)
    time.sleep(0.015)
    with LOCK:
        time.sleep(0.006)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

WAIT_MS = 21.0
MOST_OTHER = 0.2  # CPUs
MOST_LOOKS = 8  # Gunicorn gives one worker most of the connections in some starts


def served(needs: Demands, cpus: float = 2.0, clients: int = 32) -> Served:
    """What a simulation serves, request by request."""
    seen = simulate(needs, cpus, concurrency=clients, requests=4000)
    busy = seen.rps * needs.cpu_ms / 1000
    return Served(seen.rps, replace(needs, serial_ms=0.0), clients, busy, cpus)


def test_the_time_in_turn_is_the_one_that_explains_what_was_served() -> None:
    needs = Demands(2, 32, False, 1.0, 0.0, 0.0, 40.0, serial_ms=3.0)
    looks = [served(needs)] * 3
    assert serial_ms(looks) == [pytest.approx(3.0, rel=0.1)] * 3


def test_enough_cpus_or_none_to_spare_tell_of_no_turn() -> None:
    waiting = served(Demands(2, 32, False, 1.0, 0.0, 0.0, 40.0))
    computing = served(Demands(2, 32, False, 3.0, 0.0, 0.0, 4.0))
    assert computing.busy > 1.9
    for seen in (waiting, computing):
        assert serial_ms([seen]) == [0.0]
    # one look that fell short among others was disturbed
    short = replace(waiting, rps=waiting.rps / 2)
    assert serial_ms([short, waiting, waiting]) == [0.0] * 3
    assert min(serial_ms([short, short, waiting])) > 0


def test_what_no_turn_explains_is_none() -> None:
    # less is served than even turns that are all of the waiting would allow
    needs = Demands(2, 8, False, 1.0, 0.0, 0.0, 0.3)
    odd = Served(1700.0, needs, 8, 1.7, 2.0)
    assert odd.falls_short(0.95)
    assert odd.serial_ms() == 0
    assert serial_ms([odd, odd]) == [0.0, 0.0]


def test_a_single_look_must_fall_far_short() -> None:
    turns = served(Demands(2, 32, False, 1.0, 0.0, 0.0, 40.0, serial_ms=1.5))
    share = turns.rps / turns.expected()
    assert 0.85 < share < 0.95
    assert serial_ms([turns]) == [0.0]
    assert serial_ms([turns, turns]) == [pytest.approx(1.5, rel=0.3)] * 2


def test_workers_that_serve_as_many_times_more_have_turns_of_their_own() -> None:
    assert own_turns(160.0, 310.0)
    assert not own_turns(160.0, 165.0)


def in_turn(folder: Path, lock: str) -> tuple[Estimate | Unknown, Estimate | Unknown]:
    """What real Gunicorn shows of the app, in a few looks more than measuring has time for."""
    (folder / "app.py").write_text(LOCKED.replace("LOCK:", f"{lock}:"))
    python = releases()["newest"].python()
    environ = {"PATH": "/usr/bin:/bin"}
    launch = Launch(python, "a test's", "app:app", "wsgi", folder, None, environ)
    course = Course(Place(launch, Load(), Limits()), 600.0, lambda _: None)
    course.duration_s = 1.0
    steps = [_threads(WAIT_MS), _crew(2, WAIT_MS)]
    for _ in range(MOST_LOOKS):
        course.once(steps)
        found = turns(course, "gthread", partial(_needs, WAIT_MS, 1.0), partial(_needs, WAIT_MS, 1))
        telling = [look for look in course.of(CREW) if _telling(look)]
        if len(telling) > 1 and all(isinstance(number, Estimate) for number in found):
            break
    if any(map(_disturbed, (look for looks in course.looks.values() for look in looks))):
        pytest.skip("other work took a part of the CPUs: nothing sure can be told of turns")
    return found


def _disturbed(look: Look) -> bool:
    """Whether a look says as much of the neighbours (other tests) as of the app."""
    other_s = look.usage.other_cpu_s
    return isinstance(other_s, Unknown) or other_s > MOST_OTHER * look.usage.wall_s


def value(found: Estimate | Unknown) -> float:
    assert isinstance(found, Estimate), found
    return found.value


@pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")
def test_a_lock_of_all_workers_is_seen_and_told(tmp_path: Path) -> None:
    everybodys, own = in_turn(tmp_path, "Shared()")
    assert 4.0 < value(everybodys) < 9.0
    assert value(own) == 0
    (told,) = of_turns(everybodys)
    assert told.startswith("whatever is added, about 1")
    assert list(of_turns(own)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")
def test_a_lock_of_each_worker_is_none_of_all(tmp_path: Path) -> None:
    everybodys, own = in_turn(tmp_path, "own")
    assert value(everybodys) == 0
    assert 4.0 < value(own) < 9.0
