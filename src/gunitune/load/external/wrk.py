"""wrk (https://github.com/wg/wrk): throughput of a closed loop of one GET, nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.load.external.tool import Command, Job, Outcome, Tool, added, not_understood
from gunitune.load.payload import authority
from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.trial import Load

# wrk.c changes the recorded latencies after the run (stats_correct), so they are no samples.
NO_LATENCY = Unknown("wrk's latencies are corrected afterwards, not measured")
_DONE = re.compile(r"^ *(\d+) requests in ([0-9.]+)(us|ms|s|m|h),", re.MULTILINE)
_SOCKET = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_STATUS = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def refused(load: Load) -> str:
    """Why wrk can't do this load."""
    if load.open:
        return "wrk has no open loop (--rps)"
    if len(load.requests) > 1 or load.requests[0].method != "GET" or load.requests[0].body:
        return "wrk sends one GET without a body here"
    if not all(200 <= status < 400 for status in load.expect):
        return "wrk takes every status from 200 to 399 as served, and no other"
    return ""


def command(job: Job) -> Command:
    """One thread, for it must not take the server's CPUs; whole seconds, for wrk knows no less."""
    load, request = job.load, job.load.requests[0]
    headers = [*request.headers, *([] if load.keep_alive else [("Connection", "close")])]
    return Command(
        [
            "--threads=1",
            f"--connections={load.concurrency}",
            f"--duration={seconds(job.duration_s)}s",
            f"--timeout={seconds(load.timeout_s)}s",
            *(f"--header={name}: {value}" for name, value in headers),
            f"http://{authority(job.host, job.port)}{request.path}",
        ]
    )


def seconds(duration_s: float) -> int:
    """Whole seconds, one at least."""
    return max(round(duration_s), 1)


def read(output: str, job: Job) -> Outcome:  # noqa: ARG001  (as the others)
    """Read the summary that wrk prints. GunituneError where it is none."""
    done = _DONE.search(output)
    if not done:
        raise not_understood("wrk", output)
    socket = _SOCKET.search(output)
    refused, reset_read, reset_write, timeout = map(int, socket.groups()) if socket else (0,) * 4
    status = _STATUS.search(output)
    unexpected = int(status[1]) if status else 0
    errors = added(
        [
            ("refused", refused),
            ("reset", reset_read + reset_write),
            ("timeout", timeout),
            ("status of 400 or more", unexpected),
        ]
    )
    served = int(done[1]) - unexpected
    return Outcome(served, errors, NO_LATENCY, float(done[2]) * _SECONDS[done[3]])


TOOL = Tool(
    name="wrk",
    version=("--version",),
    known=r"^wrk .*Copyright \(C\) \d+ Will Glozer",
    refused=refused,
    command=command,
    read=read,
    threads=1,
)
