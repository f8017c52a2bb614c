"""The frame of the HTML page: the outcome in words, the plots, the table and the inputs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from gunitune import __version__
from gunitune.render import describe
from gunitune.render.tune import _words as words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gunitune.render.tune._plot import Figure
    from gunitune.tune.result import Standing, Tuned

# Nothing is fetched from anywhere, whatever the page holds.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
)
STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1.2rem 1rem 4rem; color: #1f2733;
  background: #fff; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem; }
p { margin: .3rem 0; }
.about, footer { color: #566172; }
.verdict { border-left: 4px solid #009e73; background: #f2f8f5; padding: .7rem 1rem; }
.verdict.none { border-color: #d55e00; background: #fdf4ee; }
.verdict strong { font-size: 1.15rem; }
.verdict ul, .notes { margin: .3rem 0; padding-left: 1.2rem; }
code { font: .92em ui-monospace, Menlo, "DejaVu Sans Mono", monospace; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; min-width: 46rem; width: 100%; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #e6e9ed;
  overflow-wrap: normal; vertical-align: top; white-space: nowrap; }
td.why { white-space: normal; min-width: 9rem; }
tr.winner td { font-weight: 600; background: #f2f8f5; }
tr.barred td { color: #9c4500; }
tr.dropped td { color: #6b7686; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .4rem 0; }
dt { color: #566172; }
dd { margin: 0; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
"""
HEAD = ("choice", "requests/s", "p50", "p99", "memory", "cores", "CPU/request", "runs", "model",
        "fate")  # fmt: skip


def page(tuned: Tuned, drawn: Sequence[tuple[Figure, str]], script: str) -> str:
    """The document; `drawn` are the plots with their HTML, `script` is what draws them."""
    title = f"gunitune: {tuned.launch.spec}"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(title)}</title>\n<style>{STYLE}</style>",
            f"<script>{script}</script>\n</head>\n<body>",
            f"<h1>{_text(tuned.launch.spec)}: {_text(words.objective(tuned))}</h1>",
            _verdict(tuned),
            *(_section(figure, html) for figure, html in drawn),
            "<h2>All choices</h2>",
            _table(tuned),
            "<h2>What was measured</h2>",
            _inputs(tuned),
            _list("Notes", tuned.notes),
            _list("Next", words.steps(tuned)),
            f"<footer><p>gunitune {__version__}</p></footer>\n</body>\n</html>\n",
        ]
    )


def _text(text: str) -> str:
    """Text of an element or attribute: no secret, no markup and no control character."""
    return escape(words.said(text)).encode("utf-8", "backslashreplace").decode()


def _verdict(tuned: Tuned) -> str:
    winner = tuned.winner
    if winner is None:
        return '<div class="verdict none"><strong>No choice met the goal</strong></div>'
    measured = (
        f"{words.estimate(winner.rps)} requests/s, p99 {words.milliseconds(winner.p99_ms)}, "
        f"{words.size(winner.memory_bytes)} of memory"
    )
    ties = [f"Tie: {text}" for text in words.ties(tuned)]
    told = [*words.ratios(tuned), *words.kept(tuned), *ties]
    ratios = "".join(f"<li>{_text(text)}</li>" for text in told)
    return (
        f'<div class="verdict"><strong>{_text(str(winner.choice))}</strong> '
        f"<code>{_text(words.settings(winner.choice, tuned.launch.conf))}</code>"
        f"<p>{_text(measured)}; {_text(words.after(tuned))}</p><ul>{ratios}</ul>"
        f"<p>Limited by {_text(tuned.limited)}</p></div>"
    )


def _section(figure: Figure, drawn: str) -> str:
    return (
        f"<section><h2>{_text(figure.title)}</h2>"
        f'<p class="about">{_text(figure.about)}</p>\n{drawn}</section>'
    )


def _table(tuned: Tuned) -> str:
    head = "".join(f"<th>{_text(text)}</th>" for text in HEAD)
    rows = "\n".join(_row(item, starred=item.choice in tuned.front) for item in tuned.standings)
    about = (
        "* no other was better in throughput, p99 and memory at once; in brackets: the 95 % "
        "interval, and how far off the model was"
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>'
        f'</div>\n<p class="about">{_text(about)}</p>'
    )


def _row(item: Standing, *, starred: bool) -> str:
    cells = (
        f"{item.choice}{' *' if starred else ''}",
        words.throughput(item),
        words.milliseconds(item.p50_ms),
        words.milliseconds(item.p99_ms),
        words.size(item.memory_bytes),
        words.cores(item),
        words.cpu(item),
        str(item.blocks),
        words.model(item),
    )
    told = words.fate(item) + (f": {item.why}" if item.why else "")
    plain_cells = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
    return f'<tr class="{_text(item.fate)}">{plain_cells}<td class="why">{_text(told)}</td></tr>'


def _inputs(tuned: Tuned) -> str:
    launch = tuned.launch
    rows: list[tuple[str, Iterable[str]]] = [
        ("app", describe.app(tuned.app)),
        ("machine", [*describe.machine(tuned.host)[:2], tuned.confined]),
        ("Gunicorn", [f"{tuned.gunicorn} of {launch.python} ({launch.python_source})",
                      f"with what else {launch.conf} sets" if launch.conf else ""]),
        ("load", words.load(tuned.load)),
        ("wanted", [words.objective(tuned)]),
        ("spent", [words.spent(tuned)]),
        ("study", [tuned.study]),
    ]  # fmt: skip
    shown = ((label, "<br>".join(_text(text) for text in texts if text)) for label, texts in rows)
    return "<dl>" + "".join(f"<dt>{label}</dt><dd>{text}</dd>" for label, text in shown) + "</dl>"


def _list(title: str, texts: Sequence[str]) -> str:
    items = "".join(f"<li>{_text(text)}</li>" for text in texts)
    return f'<h2>{title}</h2>\n<ul class="notes">{items}</ul>' if items else ""
