"""k6 (https://grafana.com/docs/k6): closed loop, or constant arrivals, any mix of requests.

A script is written and its own summary read; dropped_iterations are arrivals that k6 could not
send, for want of virtual users.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from gunitune.load.external.tool import Command, Job, Outcome, Tool, added, not_understood
from gunitune.load.payload import authority, headers
from gunitune.load.quantiles import NONE, summarised
from gunitune.model import Unknown

if TYPE_CHECKING:
    from gunitune.trial import Latency, Load

MARK = "gunitune summary: "
LEAST_USERS, MOST_USERS = 64, 2000
LEVELS = (0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
# https://grafana.com/docs/k6/latest/javascript-api/error-codes/
CODES = {1050: "timeout", 1211: "timeout", 1201: "reset", 1212: "refused", 1220: "reset"}
SCRIPT = """\
import http from 'k6/http';
import encoding from 'k6/encoding';
import {Counter, Trend} from 'k6/metrics';
const job = JSON.parse(open(__ENV.GUNITUNE_JOB));
export const options = job.options;
http.setResponseCallback(null);
const bodies = job.requests.map(r => r.body ? encoding.b64decode(r.body) : null);
const latency = new Trend('latency', true);
const counters = {};
for (const kind of job.kinds) counters[kind] = new Counter('kind_' + kind);
function drawn() {
  let left = Math.random() * job.weight;
  for (let i = 0; i < job.requests.length; i++) {
    left -= job.requests[i].weight;
    if (left < 0) return i;
  }
  return job.requests.length - 1;
}
export default function () {
  const i = job.requests.length > 1 ? drawn() : 0;
  const r = job.requests[i];
  const res = http.request(r.method, r.url, bodies[i], {headers: r.headers, timeout: job.timeout});
  if (job.expect.includes(res.status)) {
    counters.served.add(1);
    latency.add(res.timings.blocked + res.timings.duration);
  } else {
    const kind = res.status ? 'status_' + res.status : 'error_' + res.error_code;
    (counters[kind] || counters.other).add(1);
  }
}
export function handleSummary(data) {
  return {stdout: job.mark + JSON.stringify(data.metrics) + '\\n'};
}
"""
STATUSES = (
    *(200, 201, 204, 206, 301, 302, 303, 304, 307, 308),
    *(400, 401, 403, 404, 405, 408, 413, 422, 429, 500, 501, 502, 503, 504),
)


def refused(load: Load) -> str:  # noqa: ARG001  (as the others)
    """Nothing: it takes any load."""
    return ""


def command(job: Job) -> Command:
    """Write the script and its job; all else that k6 can do beside is turned off."""
    (job.folder / "script.js").write_text(SCRIPT, encoding="utf-8")
    (job.folder / "job.json").write_text(json.dumps(told(job)), encoding="utf-8")
    return Command(
        [
            *("run", "--quiet", "--no-usage-report", "--no-color", "--log-format=raw"),
            *("--address=", "--env", f"GUNITUNE_JOB={job.folder / 'job.json'}"),
            str(job.folder / "script.js"),
        ]
    )


def told(job: Job) -> dict[str, Any]:
    """What the script needs to know."""
    load = job.load
    kinds = [f"status_{code}" for code in STATUSES] + [f"error_{code}" for code in CODES]
    return {
        "options": options(job),
        "requests": [
            {
                "method": request.method,
                "url": f"http://{authority(job.host, job.port)}{request.path}",
                "headers": dict(headers(request, job.host, job.port)),
                "body": b64encode(request.body).decode(),
                "weight": request.weight,
            }
            for request in load.requests
        ],
        "weight": sum(request.weight for request in load.requests),
        "expect": sorted(load.expect or range(200, 300)),
        "timeout": f"{round(1000 * load.timeout_s)}ms",
        "kinds": ["served", "other", *kinds],
        "mark": MARK,
    }


def options(job: Job) -> dict[str, Any]:
    """k6's options; at the end the arrivals under way are waited for, the clients are not."""
    load = job.load
    scenario: dict[str, Any] = (
        {
            "executor": "constant-vus",
            "vus": load.concurrency,
            "gracefulStop": "0s",
        }
        if load.rps is None
        else {
            "executor": "constant-arrival-rate",
            "rate": round(1000 * load.rps),
            "timeUnit": "1000s",
            "preAllocatedVUs": max(load.concurrency, LEAST_USERS),
            "maxVUs": max(MOST_USERS, load.concurrency),
            "gracefulStop": f"{round(1000 * load.timeout_s)}ms",
        }
    )
    return {
        "scenarios": {"load": {**scenario, "duration": f"{round(1000 * seconds(job))}ms"}},
        "discardResponseBodies": True,
        "maxRedirects": 0,
        "noConnectionReuse": not load.keep_alive,
        "summaryTrendStats": ["avg", "max", "count", *(f"p({100 * level:g})" for level in LEVELS)],
    }


def seconds(job: Job) -> float:
    """How long the run is: k6 takes a second at least."""
    return max(job.duration_s, 1.0)


def read(output: str, job: Job) -> Outcome:
    """Read the metrics of the summary. GunituneError where there are none."""
    try:
        _, _, text = output.partition(MARK)
        metrics = {name: metric["values"] for name, metric in json.loads(text).items()}
        return _outcome(metrics, job)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise not_understood("k6", output) from None


def _outcome(metrics: dict[str, Any], job: Job) -> Outcome:
    counts = {
        name.removeprefix("kind_"): int(values["count"])
        for name, values in metrics.items()
        if name.startswith("kind_")
    }
    served = counts.pop("served", 0)
    dropped = int(metrics.get("dropped_iterations", {"count": 0})["count"])
    errors = added((_kind(name), count) for name, count in counts.items())
    latency = _latency(metrics["latency"], served) if served else Unknown(NONE)
    return Outcome(served, errors, latency, seconds(job), dropped)


def _latency(values: dict[str, float], count: int) -> Latency:
    levels = {level: values[f"p({100 * level:g})"] / 1000 for level in LEVELS}
    return summarised(count, values["avg"] / 1000, values["max"] / 1000, levels)


def _kind(name: str) -> str:
    word, _, code = name.partition("_")
    return CODES[int(code)] if word == "error" else name.replace("_", " ")


TOOL = Tool(
    name="k6",
    version=("version",),
    known=r"^k6(\.exe)? v\d+\.\d+.*go",
    refused=refused,
    command=command,
    read=read,
    environ={"K6_NO_USAGE_REPORT": "true"},
)
