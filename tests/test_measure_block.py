"""A block of a real Gunicorn: whose CPUs it is about, and what comes of a server that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gunitune.errors import GunituneError, UsageError
from gunitune.load.run import generate
from gunitune.measure import loaded
from gunitune.measure.block import run_block
from gunitune.measure.cpus import MOST_STEAL, beside_s, cores_of, steal_share
from gunitune.meters.meter import Meter
from gunitune.meters.oom import FILES
from gunitune.model import MIB, Unknown
from gunitune.serve.confine import confine
from gunitune.serve.failure import ServeError
from gunitune.trial import Answered, Choice, Launch, Limits, Load, Usage
from gunitune.tune.objective import Aim
from served import releases

if TYPE_CHECKING:
    from gunitune.meters.tree import Served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")

OK = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# The first request is answered, the next ends the master.
LETHAL = """
import itertools, os, sys

turn = itertools.count()

def app(environ, start_response):
    if next(turn):
        print("RuntimeError: no more of this", file=sys.stderr, flush=True)
        os.kill(os.getppid(), 9)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# From the third request on each keeps 30 MiB more.
HUNGRY = """
import itertools

turn, kept = itertools.count(), []

def app(environ, start_response):
    if next(turn) > 1:
        kept.append(bytearray(b"x") * (30 << 20))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
# Every fifth request fails.
MOODY = """
import itertools

turn = itertools.count()

def app(environ, start_response):
    if next(turn) % 5 == 4:
        raise LookupError("the pool is empty")
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
SYNC = Choice("sync", 1)
LOAD = Load(concurrency=2, warmup_s=0.1, duration_s=0.3)
NONE = Unknown("not read")
BROKEN = "the load generator failed: MemoryError"


def launch(folder: Path, source: str) -> Launch:
    (folder / "app.py").write_text(source)
    environ = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return Launch(
        releases()["newest"].python(), "a test's", "app:app", "wsgi", folder, None, environ
    )


def usage(steal_s: float | Unknown, wall_s: float = 1.0) -> Usage:
    return Usage(
        wall_s, 0.5, "", NONE, NONE, "", 1, 0, NONE, NONE, NONE, steal_s, NONE, NONE, (0.5,)
    )


def test_a_block_tells_what_the_app_raised_where_requests_failed(tmp_path: Path) -> None:
    block = run_block(launch(tmp_path, MOODY), SYNC, LOAD, Limits())
    assert block.answered.errors.keys() == {"status 500"}
    assert block.raised == "LookupError: the pool is empty"
    why = Aim().bar([block])
    assert why.endswith(" requests failed (status 500; its log: LookupError: the pool is empty)")


def test_a_block_of_an_app_that_serves_raises_nothing(tmp_path: Path) -> None:
    assert run_block(launch(tmp_path, OK), SYNC, LOAD, Limits()).raised == ""


def test_a_choice_whose_master_ends_under_load_is_a_failure_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match=r"sync 1: Gunicorn ended .*no more of this"):
        run_block(launch(tmp_path, LETHAL), SYNC, LOAD, Limits())


def test_a_choice_that_takes_more_memory_than_there_is_fails_by_that_name(tmp_path: Path) -> None:
    limits = Limits(memory_bytes=150 * MIB)
    with confine(limits) as confinement:
        if not any((group / name).exists() for group in confinement.groups for name in FILES):
            pytest.skip(f"no memory can be limited here: {confinement.how}")
    with pytest.raises(ServeError, match="sync 1: out of memory: the kernel killed") as raised:
        run_block(launch(tmp_path, HUNGRY), SYNC, LOAD, limits)
    assert "--memory" in raised.value.hint


class Broken:
    """In the place of the generator: it fails so often, for no fault of the server's."""

    def __init__(self, times: int, error: GunituneError | None = None) -> None:
        self.left = times
        self.error = error or GunituneError(BROKEN)

    def __call__(self, *arguments: Any, **named: Any) -> Answered:
        self.left -= 1
        if self.left >= 0:
            named["on_start"]()
            raise self.error
        return generate(*arguments, **named)


def test_a_generator_that_fails_once_is_run_again_on_the_servers_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metered: list[frozenset[int]] = []

    class Spied(Meter):
        def __init__(self, server: Served, *, cores: frozenset[int] = frozenset()) -> None:
            metered.append(cores)
            super().__init__(server, cores=cores)

    broken = Broken(1)
    monkeypatch.setattr(loaded, "generate", broken)
    monkeypatch.setattr(loaded, "Meter", Spied)
    cores = frozenset({min(os.sched_getaffinity(0))})
    block = run_block(launch(tmp_path, OK), SYNC, LOAD, Limits(cores=cores))
    assert block.answered.served > 0
    assert broken.left == -1
    assert metered == [cores] * 2


@pytest.mark.parametrize("error", [ServeError, UsageError])
def test_a_generator_that_goes_on_failing_fails_the_choice_and_a_wrong_option_the_command(
    error: type[GunituneError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = UsageError(BROKEN) if error is UsageError else None
    broken = Broken(2, own)
    monkeypatch.setattr(loaded, "generate", broken)
    with pytest.raises(error, match="MemoryError"):
        run_block(launch(tmp_path, OK), SYNC, LOAD, Limits())
    assert broken.left == (1 if own else 0)


def test_steal_is_a_share_of_the_cpus_that_were_metered() -> None:
    assert steal_share(usage(0.3), 1) == pytest.approx(0.3)
    assert steal_share(usage(0.3, wall_s=2.0), 3) == pytest.approx(0.05)
    assert steal_share(usage(NONE), 2) == 0
    assert steal_share(usage(0.1, wall_s=0.0), 2) == 0
    assert steal_share(usage(2 * 0.07), 2) < MOST_STEAL < steal_share(usage(0.2), 1)


def test_the_cpus_of_a_block_are_those_that_it_is_kept_to() -> None:
    assert cores_of(Limits(cores=frozenset({3}))) == {3}
    assert cores_of(Limits()) == os.sched_getaffinity(0)


def test_a_generator_on_other_cpus_takes_nothing_of_the_servers() -> None:
    answered = Answered("embedded", 0.0, 1.0, 9, {}, NONE, 1, 0.25)
    kept = Limits(cores=frozenset({0}))
    assert beside_s(answered, kept, frozenset({1})) == 0
    assert beside_s(answered, kept, frozenset({0, 1})) == 0.25
    assert beside_s(answered, kept, frozenset()) == 0.25
    assert beside_s(answered, Limits(), frozenset(os.sched_getaffinity(0))) == 0.25
