"""How the numbers of a study are put into words: the same ones in every format."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render.describe import plain
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from gunitune.trial import Choice, Estimate, Load
    from gunitune.tune.result import OpenRun, Ratio, Standing, Tuned

OBJECTIVES = {
    "throughput": "most requests per second",
    "p99": "lowest p99",
    "memory": "least memory",
}
RULES_OF_THUMB = {"current": "the current config"}
SHOWN_REQUESTS = 5
LONGEST_NAME = 26


def number(value: float | Unknown) -> str:
    """Three digits or whole: `0.25`, `41.3`, `1,234`; `?` where it is unknown or no number."""
    if isinstance(value, Unknown) or not math.isfinite(value):
        return "?"
    return f"{value:,.0f}" if abs(value) >= 100 else format_number(float(f"{value:.3g}"))


def estimate(found: Estimate) -> str:
    """`412 (400-425)`: the value with its 95 % interval, where it has one."""
    low, high = number(found.low), number(found.high)
    known = found.low < found.high and "?" not in (low, high)
    return f"{number(found.value)} ({low}-{high})" if known else number(found.value)


def throughput(found: Standing) -> str:
    """Its requests per second with their interval; `-` where it was never run."""
    return estimate(found.rps) if found.blocks else "-"


def cores(found: Standing) -> str:
    """CPUs in use."""
    return f"{found.cores:.2f}" if found.blocks else "-"


def cpu(found: Standing) -> str:
    """CPU time per request."""
    return milliseconds(found.cpu_ms) if found.blocks else "-"


def milliseconds(value: float | Unknown) -> str:
    """`82 ms`, `1.21 s`."""
    if isinstance(value, Unknown) or not math.isfinite(value):
        return "?"
    return f"{number(value / 1000)} s" if value >= 1000 else f"{number(value)} ms"


def duration(seconds: float) -> str:
    """`45 s`, `2 m 51 s`, `3 m`, `1 h 5 m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    first, unit, rest, less = (whole // 60, "m", whole % 60, "s") if whole < 3600 else (
        (whole // 3600, "h", whole % 3600 // 60, "m")
    )  # fmt: skip
    return f"{first} {unit}" + (f" {rest} {less}" if rest else "")


def size(value: int | Unknown) -> str:
    """`96 MiB`."""
    return "?" if isinstance(value, Unknown) else format_size(value)


def share(value: float) -> str:
    """`+4 %`: an error or a part as percent, with its sign."""
    return f"{value:+.0%}".replace("%", " %")


def model(found: Standing) -> str:
    """`433 (+5 %)`: what the model expects, and how far off it is."""
    error = model_error(found)
    if found.predicted is None or error is None:
        return "-"
    return f"{number(found.predicted.rps)} ({share(error)})"


def model_error(found: Standing) -> float | None:
    """Predicted over measured throughput, less 1; None where one of them is missing or 0."""
    if found.predicted is None or not found.rps.value > 0:
        return None
    error = found.predicted.rps / found.rps.value - 1
    return error if math.isfinite(error) else None


def name(choice: Choice) -> str:
    """A choice's name, short enough for a table."""
    text = plain(str(choice))
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 3] + "..."


def settings(choice: Choice) -> str:
    """`worker_class = gevent, workers = 2`."""
    return plain(", ".join(f"{name} = {value}" for name, value in choice.settings().items()))


def role(found: Standing) -> str:
    """Why it took part, where that is more than the search's own doing."""
    asked = ("2*cpu+1", "current", "recommended", "default")
    return ", ".join(name for name in found.roles if name in asked)


def fate(found: Standing) -> str:
    """`beaten: current`, `barred`: how it fared, and whose choice it was."""
    return plain(f"{found.fate}: {role(found)}" if role(found) else found.fate)


def other(name: str) -> str:
    """What the winner is held against, in words."""
    return plain(RULES_OF_THUMB.get(name, name))


def ratios(tuned: Tuned) -> list[str]:
    """The winner against each other; what it is itself is not compared."""
    mine = None if tuned.winner is None else tuned.winner.choice
    return [ratio(item) for item in tuned.against if item.choice != mine]


def ratio(found: Ratio) -> str:
    """`3.68 times the requests of 2*cpu+1 (sync 5): 3.52 to 3.85 from 4 pairs of runs`."""
    pairs = f"{found.pairs} pair{'' if found.pairs == 1 else 's'} of runs in turn"
    runs = pairs if found.pairs else "runs that were not in turn"
    none = ", no difference shown" if found.low <= 1 <= found.high else ""
    return plain(
        f"{found.ratio:.2f} times the requests of {other(found.name)} ({found.choice}): "
        f"{found.low:.2f} to {found.high:.2f} from {runs}{none}"
    )


def kept(tuned: Tuned) -> list[str]:
    """What it means for the current config, where that does as well."""
    fates = {item.fate for item in tuned.standings if "current" in item.roles}
    if "winner" in fates:
        return ["that is the current config: there is nothing to change"]
    return ["the current config is within the noise of it"] if "tie" in fates else []


def steps(tuned: Tuned) -> list[str]:
    """What to do next: with the study, and with the config that comes of it."""
    if tuned.winner is None or "current" in tuned.winner.roles:
        return list(tuned.next)
    conf = tuned.launch.conf
    place = "gunicorn.conf.py" if conf is None else f"{conf}, in place of what it has"
    return [*tuned.next, f"put these settings into {place}; run gunitune check; commit"]


def objective(tuned: Tuned) -> str:
    """`most requests per second with p99 within 200 ms`."""
    limit = tuned.max_p99_ms
    within = "" if limit is None else f", p99 within {milliseconds(limit)}"
    return OBJECTIVES[tuned.objective] + within


def load(of: Load) -> list[str]:
    """How the app was loaded, and with which requests."""
    pace = f"{number(of.rps)} requests/s, Poisson arrivals" if of.rps is not None else (
        f"{of.concurrency} client{'' if of.concurrency == 1 else 's'}, each asks again when "
        "answered"
    )  # fmt: skip
    kept = "connections kept alive" if of.keep_alive else "a new connection for each request"
    asked = [f"{item.method} {item.path}" for item in of.requests[:SHOWN_REQUESTS]]
    if more := len(of.requests) - len(asked):
        asked.append(f"and {more} more")
    return [f"{pace}; {kept}", plain(", ".join(asked))]


def open_run(run: OpenRun) -> str:
    """`p50 47 ms, p95 94 ms, p99 113 ms`, and what was not served."""
    lost = f", {run.errors} failed" if run.errors else ""
    short = "" if run.served_rps >= 0.97 * run.offered_rps else (
        f", only {number(run.served_rps)}/s served"
    )  # fmt: skip
    return (
        f"p50 {milliseconds(run.p50_ms)}, p95 {milliseconds(run.p95_ms)}, "
        f"p99 {milliseconds(run.p99_ms)}{lost}{short}"
    )
