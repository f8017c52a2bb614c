"""How the numbers of a study are put into words: the same ones in every format."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunitune.mask import mask, shown
from gunitune.model import Unknown
from gunitune.render.describe import plain
from gunitune.trial import Choice
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunitune.model import Value
    from gunitune.trial import Block, Estimate, Load
    from gunitune.tune.result import Objective, OpenRun, Ratio, Standing, Tuned

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


def said(text: str) -> str:
    """What the app, its log or its config may have put in: no secrets, nothing of a terminal's."""
    return plain(mask(text))


def neutral(settings: Mapping[str, Value]) -> dict[str, Value]:
    """What a trial of these settings set besides: Gunicorn's defaults, whatever a config says.

    Not what the class has no use for: the `worker_connections` of sync.
    """
    idle = {"worker_connections"} if settings.get("worker_class") == "sync" else set()
    applied = Choice("sync", 1).applied()
    return {name: applied[name] for name in applied if name not in {*settings, *idle}}


def settings(choice: Choice, conf: Path | None = None) -> str:
    """`worker_class = gevent, workers = 2`, and what a config beneath must not change."""
    held = choice.settings()
    items = (held if conf is None else held | neutral(held)).items()
    return plain(", ".join(f"{name} = {_value(name, value)}" for name, value in items))


def _value(name: str, value: Value) -> str:
    return mask(value) if isinstance(value, str) else shown(name, value)


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
    others = [item for item in tuned.against if item.choice != mine]
    if not tuned.load.open or tuned.winner is None:
        return [ratio(item) for item in others]
    by_choice = {item.choice: item for item in tuned.standings}
    return [_paced(item, tuned.winner, by_choice.get(item.choice)) for item in others]


def _paced(found: Ratio, winner: Standing, other_: Standing | None) -> str:
    """`p99 40 ms; 2*cpu+1 (sync 5): 80 ms, and 0.92 times the requests`."""
    p99 = "-" if other_ is None else milliseconds(other_.p99_ms)
    less = f", and {1 / found.ratio:.2f} times the requests" if found.low > 1 else ""
    return plain(
        f"p99 {milliseconds(winner.p99_ms)}; {other(found.name)} ({found.choice}): {p99}{less}"
    )


def ratio(found: Ratio) -> str:
    """`3.68 times the requests of 2*cpu+1 (sync 5): 3.52 to 3.85 from 4 pairs of runs`."""
    pairs = f"{found.pairs} pair{'' if found.pairs == 1 else 's'} of runs in turn"
    runs = pairs if found.pairs else "runs that were not in turn"
    none = ", no difference shown" if found.low <= 1 <= found.high else ""
    return plain(
        f"{found.ratio:.2f} times the requests of {other(found.name)} ({found.choice}): "
        f"{found.low:.2f} to {found.high:.2f} from {runs}{none}"
    )


def after(tuned: Tuned) -> str:
    """What the winner served once it was chosen: the best of many was also lucky."""
    if tuned.winner is None:
        return ""
    since = [block for block in tuned.blocks if _closing(block, tuned.winner.choice)]
    rates = [block.rps for block in since if not block.void]
    if not rates:
        none = "all runs since were disturbed" if since else "none since"
        return f"that includes the luck of the runs that chose it: {none}"
    runs = f"{len(rates)} run{'' if len(rates) == 1 else 's'}"
    mean = number(math.fsum(rates) / len(rates))
    return f"that includes the runs that chose it; in the {runs} since, {mean} requests/s"


def _closing(block: Block, choice: Choice) -> bool:
    return block.choice == choice and block.phase == "closing"


def ties(tuned: Tuned) -> list[str]:
    """Who may be as fast, and what the winner has before them, where it has something."""
    found: dict[str, list[str]] = {}
    for item in tuned.standings:
        if item.fate == "tie" and tuned.winner is not None:
            found.setdefault(_beside(item, tuned.winner), []).append(str(item.choice))
    return [said(f"{', '.join(names)}: {text}") for text, names in found.items()]


def _beside(tie: Standing, winner: Standing) -> str:
    """`as fast within the noise; takes more memory than the winner, has more workers`."""
    words = [
        _compared(tie.memory_bytes, winner.memory_bytes, "takes {} memory"),
        _compared(tie.choice.workers, winner.choice.workers, "has {} workers"),
    ]
    told = " and ".join(word for word in words if word)
    return "as fast within the noise" + (f"; {told} than the winner" if told else "")


def _compared(of: int | Unknown, other: int | Unknown, words: str) -> str:
    if isinstance(of, Unknown) or isinstance(other, Unknown) or of == other:
        return ""
    more, less = ("more", "less") if "memory" in words else ("more", "fewer")
    return words.format(more if of > other else less)


def spent(tuned: Tuned) -> str:
    """`2 m 51 s of 3 m, 26 blocks of 9 choices, of which 1 was disturbed`."""
    blocks = tuned.blocks
    disturbed = sum(1 for block in blocks if block.void)
    beside = f", of which {disturbed} {'was' if disturbed == 1 else 'were'} disturbed"
    choices = len({block.choice for block in blocks})
    return (
        f"{duration(tuned.spent_s)} of {duration(tuned.budget_s)}, "
        f"{len(blocks)} block{'' if len(blocks) == 1 else 's'} of "
        f"{choices} choice{'' if choices == 1 else 's'}{beside if disturbed else ''}"
    )


def kept(tuned: Tuned) -> list[str]:
    """What it means for the current config, where that does as well."""
    fates = {item.fate for item in tuned.standings if "current" in item.roles}
    if "winner" in fates:
        return ["that is the current config: there is nothing to change"]
    return ["the current config is within the noise of it"] if "tie" in fates else []


def steps(tuned: Tuned) -> list[str]:
    """What to do next: with the study, and with the config that comes of it."""
    told = [mask(text) for text in tuned.next]
    if tuned.winner is None or "current" in tuned.winner.roles:
        return told
    conf = tuned.launch.conf
    place = "gunicorn.conf.py" if conf is None else f"{conf}, in place of what it has"
    return [*told, f"put these settings into {place}; run gunitune check; commit"]


def objective(tuned: Tuned) -> str:
    """`most requests per second with p99 within 200 ms`."""
    limit = tuned.max_p99_ms
    within = "" if limit is None else f", p99 within {milliseconds(limit)}"
    return wanted(tuned.objective, paced=tuned.load.open) + within


def wanted(objective: Objective, *, paced: bool) -> str:
    """What was best; of arrivals that come by themselves all that keep up serve the same."""
    if paced and objective == "throughput":
        return "lowest p99 of those that keep up with the arrivals"
    return OBJECTIVES[objective]


def load(of: Load) -> list[str]:
    """How the app was loaded, and with which requests."""
    pace = f"{number(of.rps)} requests/s, Poisson arrivals" if of.rps is not None else (
        f"{of.concurrency} client{'' if of.concurrency == 1 else 's'}, each asks again when "
        "answered"
    )  # fmt: skip
    kept = "connections kept alive" if of.keep_alive else "a new connection for each request"
    asked = [f"{item.method} {mask(item.path)}" for item in of.requests[:SHOWN_REQUESTS]]
    if more := len(of.requests) - len(asked):
        asked.append(f"and {more} more")
    return [f"{pace}; {kept}", plain(", ".join(asked))]


def open_run(run: OpenRun) -> str:
    """`p50 47 ms, p95 94 ms, p99 113 ms`, and what was not served."""
    lost = f", {run.errors} failed" if run.errors else ""
    short = "" if run.served_rps >= 0.97 * run.offered_rps else (
        f", only {number(run.served_rps)}/s served"
    )  # fmt: skip
    disturbed = f" (disturbed: {said('; '.join(run.void))})" if run.void else ""
    return (
        f"p50 {milliseconds(run.p50_ms)}, p95 {milliseconds(run.p95_ms)}, "
        f"p99 {milliseconds(run.p99_ms)}{lost}{short}{disturbed}"
    )
