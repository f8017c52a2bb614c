"""The plots of a study, as plotly's own dictionaries."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render.describe import plain
from gunitune.render.tune import _words as words
from gunitune.render.tune._courses import over_clients, over_load, trials
from gunitune.render.tune._plot import FATES, OTHERS, Figure, Trace, layout_of, logarithmic, name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.tune.result import Standing, Tuned


def all_of(tuned: Tuned) -> Iterator[Figure]:
    """The plots there is something to show in, in the order of the page."""
    if run := [item for item in tuned.standings if item.blocks]:
        yield _throughput(run)
    if any(_placed(item) for item in tuned.standings):
        yield _front(tuned)
    yield from over_clients(tuned)
    if tuned.finals:
        yield over_load(tuned.finals)
    if tuned.blocks:
        yield trials(tuned)
    if any(_both(item) for item in tuned.standings):
        yield _model(tuned.standings)


def _throughput(standings: Sequence[Standing]) -> Figure:
    traces = [_bars([item for item in standings if item.fate == fate], fate) for fate in FATES]
    expected = [item for item in standings if item.predicted is not None]
    if expected:
        traces.append(_expected(expected))
    rows = [_label(item) for item in standings]
    layout = layout_of("requests per second", "")
    layout["yaxis"] |= {"categoryorder": "array", "categoryarray": rows[::-1], "showgrid": False,
                        "range": [-0.6, len(rows) - 0.4]}  # fmt: skip
    layout["xaxis"] |= {"range": [0, _reach(standings)]}
    return Figure(
        "Throughput",
        "Requests per second of each choice with the 95 % interval, best first; the diamond is "
        "what the model expected.",
        {"data": [trace for trace in traces if trace["x"]], "layout": layout},
        130 + 26 * len(rows),
    )


def _reach(standings: Sequence[Standing]) -> float:
    """How far the axis goes: an interval that knows nothing must not dwarf the others."""
    expected = [item.predicted.rps for item in standings if item.predicted]
    values = [value for item in standings for value in (item.rps.value, *expected)]
    most = max([value for value in values if value < math.inf], default=0.0)
    ends = [item.rps.high for item in standings if item.rps.high <= 2 * most]
    return 1.05 * max([most, *ends]) or 1.0


def _bars(items: Sequence[Standing], fate: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": fate,
        "y": [_label(item) for item in items],
        "x": [item.rps.value for item in items],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, item.rps.high - item.rps.value) for item in items],
            "arrayminus": [max(0.0, item.rps.value - item.rps.low) for item in items],
            "thickness": 2,
        },
        "marker": {"color": FATES[fate], "size": 9},
        "text": [_hover(item) for item in items],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _label(item: Standing) -> str:
    role = words.role(item)
    return name(item.choice) + (f" <i>({escape(role)})</i>" if role else "")


def _hover(item: Standing) -> str:
    """A line each: what is known of a choice."""
    lines = [
        f"{plain(str(item.choice))}: {words.fate(item)}",
        f"{words.estimate(item.rps)} requests/s in {item.blocks} runs",
        f"p50 {words.milliseconds(item.p50_ms)}, p99 {words.milliseconds(item.p99_ms)}",
        f"{words.size(item.memory_bytes)}, {item.cores:.2f} cores",
        f"model: {words.model(item)}",
        words.said(item.why),
    ]
    return "<br>".join(escape(line) for line in lines if line)


def _expected(items: Sequence[Standing]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "model",
        "y": [_label(item) for item in items],
        "x": [item.predicted.rps for item in items if item.predicted],
        "marker": {"symbol": "diamond-open", "color": "#3A4350", "size": 8},
        "hovertemplate": "model: %{x:.3s} requests/s<extra></extra>",
    }


def _front(tuned: Tuned) -> Figure:
    """Throughput against p99; the area of a dot is memory."""
    items = [item for item in tuned.standings if _placed(item)]
    most = max([_memory(item) for item in items] + [1])
    traces = [
        _dots([item for item in items if item.fate == fate], fate, most) for fate in reversed(FATES)
    ]  # the winner's is drawn last, over the others
    best = sorted((item for item in items if item.choice in tuned.front),
                  key=lambda item: item.rps.value)  # fmt: skip
    traces.insert(0, {
        "type": "scatter",
        "mode": "lines",
        "name": "front",
        "x": [item.rps.value for item in best],
        "y": [item.p99_ms for item in best],
        "line": {"color": OTHERS, "dash": "dot"},
        "hoverinfo": "skip",
    })  # fmt: skip
    layout = layout_of("requests per second", "p99 in ms")
    layout["yaxis"] |= logarithmic([value for trace in traces for value in trace["y"]])
    layout["xaxis"] |= {"rangemode": "tozero"}
    layout["legend"] |= {"traceorder": "reversed"}
    return Figure(
        "Throughput, p99 and memory",
        "Right is faster, low answers sooner, a small dot takes little memory. On the dotted line: "
        "those that no other beat in all three at once.",
        {"data": [trace for trace in traces if trace["x"]], "layout": layout},
        420,
    )


def _placed(item: Standing) -> bool:
    """Whether it has a place on a logarithmic axis of p99."""
    return not isinstance(item.p99_ms, Unknown) and 0 < item.p99_ms < math.inf


def _dots(items: Sequence[Standing], fate: str, most: int) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": fate,
        "x": [item.rps.value for item in items],
        "y": [item.p99_ms for item in items],
        "marker": {
            "color": FATES[fate],
            "opacity": 0.85,
            "size": [8 + 26 * (_memory(item) / most) ** 0.5 for item in items],
        },
        "text": [_hover(item) for item in items],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _memory(item: Standing) -> int:
    return 0 if isinstance(item.memory_bytes, Unknown) else item.memory_bytes


def _both(item: Standing) -> bool:
    """Whether it can stand on logarithmic axes, predicted beside measured."""
    expected = 0 if item.predicted is None else item.predicted.rps
    return 0 < expected < math.inf and 0 < item.rps.value < math.inf


def _model(standings: Sequence[Standing]) -> Figure:
    items = [item for item in standings if _both(item)]
    rates = [item.rps.value for item in items]
    expected = [item.predicted.rps for item in items if item.predicted]
    ends = [min(rates + expected) * 0.8, max(rates + expected) * 1.25]
    traces = [_diagonal(ends, 1.15, "±15 %", "dot"), _diagonal(ends, 1 / 1.15, "", "dot"),
              _diagonal(ends, 1, "as predicted", "solid")]  # fmt: skip
    traces.append({
        "type": "scatter",
        "mode": "markers",
        "name": "choices",
        "x": rates,
        "y": expected,
        "marker": {"color": [FATES.get(item.fate, OTHERS) for item in items], "size": 10},
        "text": [_hover(item) for item in items],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    })  # fmt: skip
    layout = layout_of("measured requests per second", "predicted")
    layout["xaxis"] |= logarithmic(ends)
    layout["yaxis"] |= logarithmic(ends)
    return Figure(
        "Predicted and measured",
        "Each dot is a choice; on the line the model was right.",
        {"data": traces, "layout": layout},
        460,
    )


def _diagonal(ends: list[float], factor: float, label: str, dash: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label,
        "showlegend": bool(label),
        "x": ends,
        "y": [end * factor for end in ends],
        "line": {"color": OTHERS, "dash": dash},
        "hoverinfo": "skip",
    }
