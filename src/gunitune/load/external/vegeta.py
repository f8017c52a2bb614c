"""vegeta (https://github.com/tsenart/vegeta): closed loop, or a constant rate, any mix of requests.

As of 12.13: README.md for the flags and for the columns of `vegeta encode --to csv`.
"""

from __future__ import annotations

import csv
import json
import random
from array import array
from base64 import b64encode
from collections import Counter
from typing import TYPE_CHECKING

from gunitune.load.external.tool import (
    Command,
    Job,
    Outcome,
    Tool,
    added,
    is_expected,
    kind_of,
    missing,
    not_understood,
)
from gunitune.load.payload import authority, headers
from gunitune.load.quantiles import latency_of

if TYPE_CHECKING:
    from gunitune.trial import Load, Request

TARGETS = 1000  # lines of the file of targets, which vegeta takes in turn
SLICE_S = 0.1


def refused(load: Load) -> str:  # noqa: ARG001  (as the others)
    """Nothing: it takes any load."""
    return ""


def command(job: Job) -> Command:
    """Attack with the targets on stdin; the results go to a file, in vegeta's own encoding."""
    load = job.load
    pace = (
        ["-rate=0", f"-workers={load.concurrency}", f"-max-workers={load.concurrency}"]
        if load.rps is None
        else [f"-rate={round(1000 * load.rps)}/1000s", f"-workers={load.concurrency}"]
    )
    arguments = [
        *("attack", "-format=json", "-http2=false", "-redirects=-1", "-max-body=0"),
        *pace,
        f"-duration={round(1000 * job.duration_s)}ms",
        f"-timeout={round(1000 * load.timeout_s)}ms",
        f"-keepalive={'true' if load.keep_alive else 'false'}",
        f"-output={job.folder / 'results'}",
    ]
    return Command(arguments, targets(job))


def targets(job: Job) -> bytes:
    """Requests as vegeta's JSON, drawn by their weights."""
    load = job.load
    lines = [_target(request, job.host, job.port) for request in load.requests]
    draw = random.Random(load.seed)  # noqa: S311  (no secret)
    weights = [request.weight for request in load.requests]
    drawn = draw.choices(lines, weights, k=TARGETS) if len(lines) > 1 else lines
    return "".join(f"{line}\n" for line in drawn).encode()


def _target(request: Request, host: str, port: int) -> str:
    named: dict[str, list[str]] = {}
    for name, value in headers(request, host, port):
        named.setdefault(name, []).append(value)
    target = {
        "method": request.method,
        "url": f"http://{authority(host, port)}{request.path}",
        "header": named,
    }
    if request.body:
        target["body"] = b64encode(request.body).decode()
    return json.dumps(target)


def report(job: Job) -> Command:
    """Print every result as CSV."""
    return Command(["encode", "--to", "csv", str(job.folder / "results")])


def read(output: str, job: Job) -> Outcome:
    """Read the CSV: time (ns), status, latency (ns), bytes out, bytes in, error, and more."""
    try:
        rows = [
            (int(row[0]), int(row[1]), int(row[2]), row[5])
            for row in csv.reader(output.splitlines())
        ]
    except (ValueError, IndexError, csv.Error):
        raise not_understood("vegeta", output) from None
    begun = min((at for at, *_ in rows), default=0)
    served, errors = array("d"), Counter[str]()
    slices = [0] * max(round(job.duration_s / SLICE_S), 1)
    for at, status, took, error in rows:
        done_s = (at - begun + took) / 1e9
        if job.load.rps is None and done_s > job.duration_s:
            continue  # vegeta waits for those under way
        if not is_expected(status, job.load.expect):
            errors[f"status {status}" if status else kind_of(error)] += 1
            continue
        served.append(took / 1e9)
        if done_s < job.duration_s:
            slices[min(int(done_s / SLICE_S), len(slices) - 1)] += 1
    dropped = missing(job.load.rps * job.duration_s, len(rows)) if job.load.rps else 0
    return Outcome(
        len(served),
        added(errors.items()),
        latency_of(served),
        job.duration_s,
        dropped,
        tuple(slices),
    )


TOOL = Tool(
    name="vegeta",
    version=("-version",),
    known=r"^Version: .*\nCommit: .*\nRuntime: go",
    refused=refused,
    command=command,
    read=read,
    report=report,
)
