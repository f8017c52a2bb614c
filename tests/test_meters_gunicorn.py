"""A real Gunicorn's work is metered: its workers, also one that dies, and their memory."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from gunitune.meters.idle import await_idle
from gunitune.meters.memory import Memory, memory_of
from gunitune.meters.meter import Meter
from served import releases
from serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = """
import time
block = b"x" * (24 << 20)

def app(environ, start_response):
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
WORKERS = 2


@dataclass
class Metered:
    """The running Gunicorn as a meter needs it."""

    server: Server
    cgroups: tuple[Path, ...] = ()

    def pids(self) -> list[int]:
        master = psutil.Process(self.server.master_pid)
        return [master.pid, *(child.pid for child in master.children(recursive=True))]

    def workers(self) -> list[int]:
        return self.server.worker_pids()

    def died(self) -> int:
        return self.server.log().count("Booting worker") - len(self.workers())


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metered]:
    folder = tmp_path_factory.mktemp("metered")
    (folder / "app.py").write_text(APP)
    python = releases()["newest"].python()
    with serving(python, ["--preload", f"--workers={WORKERS}", "app:app"], folder) as server:
        server.await_workers(WORKERS)
        yield Metered(server)


def test_the_work_of_requests_is_counted_and_memory_is_shared(gunicorn: Metered) -> None:
    assert await_idle(gunicorn, most_s=30) == ""
    meter = Meter(gunicorn)
    meter.start()
    for _ in range(3):
        gunicorn.server.get()
    meter.stop()
    usage = meter.usage()
    assert 0.15 <= usage.cpu_s <= 0.6
    assert sum(usage.per_worker_cpu_s) == pytest.approx(usage.cpu_s, rel=0.2)
    assert (usage.workers, usage.restarts) == (WORKERS, 0)
    memories = [memory_of(pid) for pid in gunicorn.pids()]
    assert all(isinstance(memory, Memory) for memory in memories)
    resident = sum(memory.rss_bytes for memory in memories if isinstance(memory, Memory))
    assert isinstance(usage.pss_bytes, int)
    assert usage.pss_bytes < resident - (24 << 20)


def test_a_worker_that_dies_is_a_restart_and_its_work_counts(gunicorn: Metered) -> None:
    meter = Meter(gunicorn)
    meter.start()
    for _ in range(3):
        gunicorn.server.get()
    dead = gunicorn.workers()
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(now := set(gunicorn.workers())) < WORKERS or now & set(dead):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    meter.stop()
    usage = meter.usage()
    assert (usage.workers, usage.restarts) == (WORKERS, WORKERS)
    assert usage.cpu_s >= 0.15
