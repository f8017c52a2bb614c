"""Runs one load in a process of its own: the job on stdin, what was seen on stdout.

In: one line of JSON (as `embedded.py` writes it), then any line once the caller has read its
meters. The end of stdin means that the caller is gone, and ends the process. Out: the lines
`start SECONDS` and `end SECONDS` when the window begins and ends, one line of JSON, and then the
two arrays of doubles whose lengths it tells: latencies, and how late requests were sent.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from base64 import b64decode
from typing import Any

from gunitune.load.arrivals import ClosedLoop, OpenLoop
from gunitune.load.client import Encoded
from gunitune.load.loop import Loop, Plan
from gunitune.load.response import Heads
from gunitune.load.tally import tallied

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})  # RFC 9110, 9.2.2
SPARE_FILES = 32


def main(stdin: int = 0, stdout: int = 1) -> None:
    """Read the job, run it, write the results."""
    job = json.loads(_line(stdin))
    if job["cores"]:
        os.sched_setaffinity(0, job["cores"])
    # There are no cycles to collect, and looking for them would delay requests.
    gc.disable()
    loop = loop_of(job, _most_files() - SPARE_FILES, stdout)
    loop.watch(stdin, Caller(stdin, loop))
    loop.run()
    _write(stdout, b"".join(results(loop)))


def _line(descriptor: int) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        data = os.read(descriptor, 1 << 20)
        if not data:
            sys.exit(1)
        found += data
    return found


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _most_files() -> int:
    """Allow this process as many open files as it may have; gives how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def loop_of(job: dict[str, Any], most_connections: int, stdout: int) -> Loop:
    """The loop that the job asks for; it announces its window on `stdout`."""
    heads = {head: Heads(bodiless=head, keep=job["keep_alive"]) for head in (False, True)}
    encoded = [
        Encoded(b64decode(payload), heads[method == "HEAD"], method in IDEMPOTENT)
        for method, payload in job["requests"]
    ]
    plan = Plan(
        requests=encoded,
        weights=job["weights"],
        concurrency=job["concurrency"],
        rps=job["rps"],
        warmup_s=job["warmup_s"],
        duration_s=job["duration_s"],
        timeout_s=job["timeout_s"],
        expect=frozenset(job["expect"] or range(200, 300)),
        seed=job["seed"],
        most_connections=most_connections,
    )
    kind = ClosedLoop if plan.rps is None else OpenLoop

    def announce(what: str, at: float) -> None:
        _write(stdout, f"{what} {at!r}\n".encode())

    return kind(plan, job["host"], job["port"], announce)


class Caller:
    """The other end of stdin."""

    def __init__(self, descriptor: int, loop: Loop) -> None:
        self._descriptor = descriptor
        self._loop = loop

    def readable(self) -> None:
        """Let the load end; where the caller is gone, end at once."""
        if not os.read(self._descriptor, 4096):
            sys.exit(1)
        self._loop.released = True

    def writable(self) -> None:
        """Nothing is ever written to stdin."""


def results(loop: Loop) -> tuple[bytes, bytes, bytes]:
    """A line of JSON, the latencies and the lags."""
    tally = tallied(loop)
    told = {
        "started": loop.start,
        "ended": loop.end,
        "served": tally.served,
        "errors": tally.errors,
        "connections": loop.opened,
        "retries": loop.retries,
        "cpu_s": loop.cpu_s,
        "slices": tally.slices,
        "latencies": len(tally.latencies),
        "lags": len(loop.lags),
    }
    return f"{json.dumps(told)}\n".encode(), tally.latencies.tobytes(), loop.lags.tobytes()
