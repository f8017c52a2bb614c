"""oha (https://github.com/hatoo/oha): closed loop, or a constant rate with latency correction.

As of 1.15: README.md, and schema.json for what `--output-format json` prints.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
from gunitune.load.payload import authority
from gunitune.load.quantiles import NONE, summarised
from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.trial import Load

CUT = "aborted due to deadline"  # by the end of the run, not by the server
LEVELS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def refused(load: Load) -> str:
    """Why oha can't do this load."""
    return "oha sends one kind of request" if len(load.requests) > 1 else ""


def command(job: Job) -> Command:
    """As the README has it. With a rate, those under way at the end are waited for."""
    load, request = job.load, job.load.requests[0]
    rate = [] if load.rps is None else ["-q", f"{load.rps:g}", "--latency-correction", "-w"]
    body = ["-D", str(job.folder / "body")] if request.body else []
    if request.body:
        (job.folder / "body").write_bytes(request.body)
    return Command(
        [
            *("--no-tui", "--no-color", "--output-format", "json", "--redirect", "0"),
            *("--http-version", "1.1", "-c", str(load.concurrency)),
            *("-z", f"{round(1000 * job.duration_s)}ms", "-t", f"{round(1000 * load.timeout_s)}ms"),
            *rate,
            *([] if load.keep_alive else ["--disable-keepalive"]),
            *("-m", request.method, *body),
            *(word for name, value in request.headers for word in ("-H", f"{name}: {value}")),
            f"http://{authority(job.host, job.port)}{request.path}",
        ]
    )


def read(output: str, job: Job) -> Outcome:
    """Read the JSON summary. GunituneError where it is none."""
    try:
        told = json.loads(output)
        return _outcome(told, job)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise not_understood("oha", output) from None


def _outcome(told: dict[str, Any], job: Job) -> Outcome:
    statuses = {int(code): int(count) for code, count in told["statusCodeDistribution"].items()}
    served = sum(n for code, n in statuses.items() if is_expected(code, job.load.expect))
    broken = {text: int(n) for text, n in told["errorDistribution"].items() if text != CUT}
    errors = added(
        [
            *(
                (f"status {c}", n)
                for c, n in statuses.items()
                if not is_expected(c, job.load.expect)
            ),
            *((kind_of(text), count) for text, count in broken.items()),
        ]
    )
    sent = sum(statuses.values()) + sum(broken.values())
    dropped = missing(job.load.rps * job.duration_s, sent) if job.load.rps else 0
    answered = sum(statuses.values())
    summary, levels = told["summary"], told["latencyPercentiles"]
    latency = (
        summarised(
            answered,
            summary["average"],
            summary["slowest"],
            {share: levels[name] for name, share in LEVELS.items()},
        )
        if answered
        else Unknown(NONE)
    )
    return Outcome(served, errors, latency, job.duration_s, dropped)


TOOL = Tool(
    name="oha",
    version=("--version",),
    known=r"^oha \d+\.\d+",
    refused=refused,
    command=command,
    read=read,
)
