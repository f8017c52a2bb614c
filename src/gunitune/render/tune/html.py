"""A study as one page with plots that opens in any browser, offline."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gunitune.errors import UsageError
from gunitune.render.tune import _figures as figures
from gunitune.render.tune._page import page

if TYPE_CHECKING:
    from gunitune.render.tune._plot import Figure
    from gunitune.tune.result import Tuned

# Looked at, not worked with: no tool bar, and a finger that scrolls does not zoom.
CONFIG = {"responsive": True, "displayModeBar": False, "scrollZoom": False}


def render(tuned: Tuned, **_: object) -> str:
    """The whole page, plotly.js included (4.8 MB); raises UsageError where plotly is missing."""
    check_library()
    drawn = [(figure, _drawn(figure, at)) for at, figure in enumerate(figures.all_of(tuned))]
    script: str = import_module("plotly.offline").get_plotlyjs()
    return page(tuned, drawn, script)


def check_library() -> None:
    """Raises UsageError where plotly is missing: better before an hour of trials than after."""
    try:
        import_module("plotly.io")
    except ImportError:
        raise UsageError(
            "an HTML page needs plotly, which is not installed", "pip install 'gunitune[html]'"
        ) from None


def _drawn(figure: Figure, at: int) -> str:
    """The element and the script that draws a figure into it; data escaped for a script."""
    plotly: Any = import_module("plotly.io")
    drawn: str = plotly.to_html(
        figure.content,
        config=CONFIG,
        include_plotlyjs=False,
        full_html=False,
        default_height=f"{figure.height}px",
        div_id=f"figure-{at}",
    )
    return drawn
