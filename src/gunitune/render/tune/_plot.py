"""What the plots of a study share: colours, axes, names, and how a plot is handed on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from gunitune.render.tune import _words as words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunitune.trial import Choice

# Okabe and Ito's colours, which the colour-blind tell apart.
FATES = {
    "winner": "#009E73",
    "tie": "#56B4E9",
    "beaten": "#5F6B7A",
    "dropped": "#B4BCC6",
    "barred": "#D55E00",
}
LINES = ("#009E73", "#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9")
OTHERS = "#C3C9D1"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

Trace = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One plot: its heading, what it shows, what plotly draws, and how high it is in pixels."""

    title: str
    about: str
    content: dict[str, Any]
    height: int


def name(choice: Choice) -> str:
    """A choice's name for plotly, which takes some HTML in texts: short, and escaped."""
    return escape(words.name(choice))


def logarithmic(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis whose ticks are 1, 2 and 5 of each decade, more where that are few."""
    least, most = min(values), max(values)
    low, high = (math.floor(math.log10(edge)) for edge in (least, most))
    digits = (1, 2, 5) if most > 20 * least else (1, 1.5, 2, 3, 4, 5, 7)
    ticks = [digit * 10.0**power for power in range(low, high + 1) for digit in digits]
    return {"type": "log", "tickvals": ticks, "ticktext": [words.number(tick) for tick in ticks]}


def layout_of(x: str, y: str) -> dict[str, Any]:
    """What all plots share: white, legend above, nothing that a finger moves by accident."""
    axis = {"gridcolor": "#E6E9ED", "zerolinecolor": "#C9CFD6", "automargin": True}
    return {
        "font": {"family": FONT, "size": 13, "color": "#1F2733"},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": "white"},
        "xaxis": {**axis, "title": {"text": x}, "fixedrange": True},
        "yaxis": {**axis, "title": {"text": y}, "fixedrange": True},
    }
