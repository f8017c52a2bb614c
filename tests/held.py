"""Holds requests in the served apps and counts what serves them meanwhile: test support."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving import handles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving import Server

LOOPS = ("gevent", "eventlet", "asgi", "uvicorn")  # a worker of these holds any number of requests
MOST_HELD = 40  # requests at once; a pool with more threads is not filled


def count(server: Server, settings: dict[str, Any], folder: Path) -> None:
    """Workers, threads and requests in flight are what the settings name.

    Meanwhile the app holds one request more than there are places; where those are many, two per
    worker and one more, which are then all in flight.
    """
    workers, threads = settings["workers"], settings.get("threads", 1)
    pids = await_booted(server, workers)
    roomy = holds_many(settings)
    requests = 2 * workers + 1 if roomy else workers * threads + 1
    with holding(server, folder, requests) as held:
        if roomy:
            await_in_flight(held, requests)
        elif shares_out(settings):
            met = await_in_flight(held, workers * threads)
            assert set(met.values()) == {threads}, met
        else:
            await_in_flight(held, threads, of_one_worker=True)
        pool = max(server.threads(pid) for pid in pids) - 1  # beside the main thread
    peak = max(held.peaks().values())
    assert pool == (peak if settings["worker_class"] == "gthread" else 0), f"{pool} {held.peaks()}"
    assert roomy or peak == threads, held.peaks()
    assert server.worker_pids() == pids, server.log()


def holds_many(settings: dict[str, Any]) -> bool:
    """Whether a worker has more places than are worth filling."""
    looping = any(name in settings["worker_class"] for name in LOOPS)
    return looping or settings["workers"] * settings.get("threads", 1) > MOST_HELD


def shares_out(settings: dict[str, Any]) -> bool:
    """Whether each worker accepts only what it has a thread for, so that all of them get full."""
    threads = settings.get("threads", 1)
    if settings["worker_class"] == "gthread":
        return bool(settings.get("worker_connections") == threads)
    return bool(settings["worker_class"] == "sync")


def await_booted(server: Server, workers: int) -> list[int]:
    """The workers once each has signal handlers of its own: a stop before that would pass it by.

    From the fork until then a worker has copies of the master's, which do nothing in it: SIGTERM is
    lost, and Gunicorn waits until `graceful_timeout`. They tell by SIGHUP, which no worker handles.
    """
    pids = server.await_workers(workers)
    deadline = time.monotonic() + 30
    while any(handles(pid, signal.SIGHUP) for pid in pids):
        assert time.monotonic() < deadline, f"a worker does not come up\n{server.log()}"
        time.sleep(0.02)
    return pids


@dataclass(frozen=True, slots=True)
class Held:
    """Requests that the app holds: `folder` has a file for each one in flight."""

    folder: Path
    answers: list[dict[str, Any]] = field(default_factory=list)

    def in_flight(self) -> Counter[int]:
        """Requests in flight by worker."""
        return Counter(int(mark.stem) for mark in self.folder.iterdir())

    def peaks(self) -> Counter[int]:
        """The most requests that each worker had in flight, as the answers tell."""
        peaks: Counter[int] = Counter()
        for answer in self.answers:
            peaks[answer["pid"]] = max(peaks[answer["pid"]], answer["in_flight"])
        return peaks


@contextmanager
def holding(server: Server, folder: Path, requests: int) -> Iterator[Held]:
    """Send so many requests at once, each held until the end, and then collect their answers."""
    held = Held(folder)
    with ThreadPoolExecutor(requests) as clients:
        sent = [clients.submit(server.get, "/hold") for _ in range(requests)]
        try:
            yield held
        finally:
            (folder / "let-go").touch()
        for status, body in [request.result() for request in sent]:
            assert status == 200, body
            held.answers.append(json.loads(body))


def await_in_flight(held: Held, requests: int, *, of_one_worker: bool = False) -> Counter[int]:
    """The requests in flight by worker once there are so many of them, in all or in one worker."""
    deadline = time.monotonic() + 30
    while True:
        found = held.in_flight()
        if (max(found.values(), default=0) if of_one_worker else found.total()) >= requests:
            return found
        assert time.monotonic() < deadline, f"{found} in flight instead of {requests}"
        time.sleep(0.02)
