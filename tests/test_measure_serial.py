"""Requests that take turns outside the CPUs: told from what was served, on real Gunicorn too."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gunitune.measure.learn import learn
from gunitune.measure.serial import Served, own_turns, serial_ms
from gunitune.model import Unknown
from gunitune.predict.demands import Demands
from gunitune.predict.simulate import simulate
from gunitune.trial import AppFacts, Estimate, Launch, Limits, Load
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


def learned(folder: Path, lock: str) -> AppFacts:
    (folder / "app.py").write_text(LOCKED.replace("LOCK:", f"{lock}:"))
    python = releases()["newest"].python()
    environ = {"PATH": "/usr/bin:/bin"}
    launch = Launch(python, "a test's", "app:app", "wsgi", folder, None, environ)
    return learn(launch, Load(), Limits(), budget_s=16.0)


def value(found: Estimate | Unknown) -> float:
    assert isinstance(found, Estimate), found
    return found.value


@pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")
def test_a_lock_of_all_workers_is_seen_and_told(tmp_path: Path) -> None:
    facts = learned(tmp_path, "Shared()")
    assert 4.0 < value(facts.serial_ms) < 9.0
    assert value(facts.worker_serial_ms) == 0
    told = [note for note in facts.notes if note.startswith("whatever is added")]
    assert len(told) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")
def test_a_lock_of_each_worker_is_none_of_all(tmp_path: Path) -> None:
    facts = learned(tmp_path, "own")
    assert value(facts.serial_ms) == 0
    assert 4.0 < value(facts.worker_serial_ms) < 9.0
