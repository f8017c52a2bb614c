"""The plots of what changes with the load and from trial to trial."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render.describe import plain
from gunitune.render.tune import _words as words
from gunitune.render.tune._plot import LINES, OTHERS, Figure, Trace, layout_of, name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.trial import AppFacts, Block, Choice, Prediction
    from gunitune.tune.result import OpenRun, Standing, Tuned

# Of the model's lines.
STEPS = 32


def over_load(finals: Sequence[OpenRun]) -> Figure:
    choices = list(dict.fromkeys(run.choice for run in finals))
    traces = []
    for at, choice in enumerate(choices):
        runs = sorted((run for run in finals if run.choice == choice),
                      key=lambda run: run.offered_rps)  # fmt: skip
        color = LINES[at % len(LINES)]
        for part, dash in (("p50", "dot"), ("p95", "dash"), ("p99", "solid")):
            traces.append(_line(runs, part, {"color": color, "dash": dash}))
    layout = layout_of("requests arriving per second", "latency in ms")
    layout["yaxis"] |= {"rangemode": "tozero"}
    return Figure(
        "Latency over load",
        "The finalists with requests that arrive by themselves (Poisson), whether or not the "
        "server keeps up.",
        {"data": traces, "layout": layout},
        420,
    )


def over_clients(tuned: Tuned) -> Iterator[Figure]:
    """What the model expects from few clients to many, through what was measured at one number.

    Nothing where the load was no closed loop, or nothing was learned of the app.
    """
    if tuned.load.open or tuned.facts is None:
        return
    standings = {item.choice: item for item in tuned.standings if item.blocks}
    items = [standings[choice] for choice in compared(tuned) if choice in standings]
    courses = [(item, _course(tuned, tuned.facts, item.choice)) for item in items]
    if not any(course for _, course in courses):
        return
    for title, unit, field in (
        ("Throughput over clients", "requests per second", "rps"),
        ("Latency over clients", "p99 in ms", "p99_ms"),
    ):
        traces = []
        for (item, course), color in zip(courses, LINES, strict=False):
            traces += [_expected(item, course, field, color), _measured(tuned, item, field, color)]
        layout = layout_of("clients that ask at once", unit)
        layout["yaxis"] |= {"rangemode": "tozero"}
        about = "A line is what the model expects, a dot what was measured."
        yield Figure(title, about, {"data": traces, "layout": layout}, 400)


def _course(tuned: Tuned, facts: AppFacts, choice: Choice) -> list[tuple[int, Prediction]]:
    """The choice from one client to twice as many as were there; empty where it can't be told."""
    from gunitune.predict.demands import PredictError

    most = 2 * tuned.load.concurrency
    counts = sorted({max(1, round(most * step / STEPS)) for step in range(STEPS + 1)})
    try:
        beside = _beside(tuned, facts)
        return [(count, _predict(tuned, facts, choice, count, beside)) for count in counts]
    except PredictError:
        return []


def _beside(tuned: Tuned, facts: AppFacts) -> float:
    """The generator's CPU time per request, if the study's own predictions reckoned with it."""
    clients = tuned.load.concurrency
    for item in tuned.standings:
        if item.predicted is not None and item.predicted.feasible:
            alone = _predict(tuned, facts, item.choice, clients, 0.0)
            return 0.0 if math.isclose(alone.rps, item.predicted.rps) else facts.generator_ms
    return 0.0


def _predict(
    tuned: Tuned, facts: AppFacts, choice: Choice, clients: int, beside: float
) -> Prediction:
    from gunitune.predict.model import predict

    cpus, kept = tuned.host.cpus, tuned.load.keep_alive
    return predict(facts, choice, cpus, concurrency=clients, keep_alive=kept, generator_ms=beside)


def _expected(
    item: Standing, course: Sequence[tuple[int, Prediction]], field: str, color: str
) -> Trace:
    values = [getattr(found, field) for _, found in course]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name(item.choice),
        "x": [count for count, _ in course],
        "y": [None if isinstance(value, Unknown) else value for value in values],
        "line": {"color": color},
        "text": [escape(plain(f"{item.choice}: {found.why}")) for _, found in course],
        "hovertemplate": "%{x} clients: %{y:.3s}<br>%{text}<extra></extra>",
    }


def _measured(tuned: Tuned, item: Standing, field: str, color: str) -> Trace:
    value = item.rps.value if field == "rps" else item.p99_ms
    label = escape(plain(f"{item.choice}: measured"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name(item.choice),
        "x": [tuned.load.concurrency],
        "y": [None if isinstance(value, Unknown) else value],
        "marker": {"color": color, "size": 10},
        "showlegend": False,
        "text": [label],
        "hovertemplate": "%{text} %{y:.3s}<extra></extra>",
    }


def _line(runs: Sequence[OpenRun], part: str, line: dict[str, str]) -> Trace:
    said = [f"{plain(str(run.choice))}: {words.open_run(run)}" for run in runs]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{name(runs[0].choice)} {part}",
        "x": [run.offered_rps for run in runs],
        "y": [getattr(run, f"{part}_ms") for run in runs],
        "line": line,
        "text": [escape(text) for text in said],
        "hovertemplate": "%{text}<extra></extra>",
    }


def trials(tuned: Tuned) -> Figure:
    """Every block in the order it ran, those that matter in colour."""
    shown = compared(tuned)
    numbered = list(enumerate(tuned.blocks, 1))
    traces = [_runs([(at, block) for at, block in numbered if block.choice not in shown],
                    "other choices", OTHERS)]  # fmt: skip
    for choice, color in zip(shown, LINES, strict=False):
        runs = [(at, block) for at, block in numbered if block.choice == choice]
        traces.append(_runs(runs, name(choice), color))
    layout = layout_of("trial", "requests per second")
    layout["yaxis"] |= {"rangemode": "tozero"}
    layout["hovermode"] = "closest"
    return Figure(
        "The trials",
        "Every run in its order. A cross does not count, and was repeated; a diamond is a run with "
        "requests arriving by themselves.",
        {"data": [trace for trace in traces if trace["x"]], "layout": layout},
        420,
    )


def compared(tuned: Tuned) -> list[Choice]:
    """The choices that the outcome speaks of."""
    winner = [] if tuned.winner is None else [tuned.winner.choice]
    ties = [item.choice for item in tuned.standings if item.fate == "tie"]
    named = [*winner, *(item.choice for item in tuned.against), *ties]
    return list(dict.fromkeys(named))[: len(LINES)]


def _runs(runs: Sequence[tuple[int, Block]], label: str, color: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label,
        "x": [at for at, _ in runs],
        "y": [block.rps for _, block in runs],
        "marker": {"color": color, "size": 9, "symbol": [_symbol(block) for _, block in runs]},
        "text": [_told(block) for _, block in runs],
        "hovertemplate": "trial %{x}: %{text}<extra></extra>",
    }


def _symbol(block: Block) -> str:
    if block.void:
        return "x"
    return "diamond" if block.load.open else "circle"


def _told(block: Block) -> str:
    latency = block.answered.latency
    p99 = latency if isinstance(latency, Unknown) else latency.p99_ms
    lines = [
        f"{plain(str(block.choice))}, {block.phase}, round {block.round}",
        f"{words.number(block.rps)} requests/s, p99 {words.milliseconds(p99)}",
        f"{block.answered.failed} failed" if block.answered.failed else "",
        *(f"does not count: {words.said(reason)}" for reason in block.void),
    ]
    return "<br>".join(escape(line) for line in lines if line)
