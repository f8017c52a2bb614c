"""The measurement as a page: what was learned of the app, how surely, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render.describe import KINDS, plain
from gunitune.render.layout import Page
from gunitune.trial import Estimate
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gunitune.measure.profile import Profile

    _Row = tuple[str, str, str]

_RANGE = "range "  # of the readings, where the interval is not that of 95 %


def render(profile: Profile, *, stored: str = "", width: int = 80, color: bool = False) -> str:
    """The page, `width` columns wide; `stored` names the file that the numbers were written to."""
    page = Page(width)
    page.labelled("app", _app(profile))
    page.labelled("machine", _machine(profile))
    page.labelled("gunicorn", [_versions(profile)])
    page.labelled("load", [_load(profile)])
    page.gap()
    _table(page, list(_rows(profile)))
    page.gap()
    page.labelled("kind", _kind(profile))
    if profile.facts.notes:
        page.gap()
        page.labelled("note", [plain(note) for note in profile.facts.notes], "yellow")
    page.gap()
    if stored:
        page.labelled("stored", [f"{plain(stored)}: used until the code or dependencies change"])
    page.labelled("next", _next(profile))
    return page.coloured() if color else page.plain()


def _app(profile: Profile) -> list[str]:
    return [
        plain(f"{profile.framework or 'app'} {profile.spec} ({profile.interface.upper()})"),
        f"measured on {profile.day} in {profile.spent_s:.0f} s",
    ]


def _machine(profile: Profile) -> list[str]:
    memory = profile.memory_bytes
    size = "memory unknown" if isinstance(memory, Unknown) else f"{format_size(memory)} memory"
    cpus = f"{format_number(profile.cpus)} CPU{'' if profile.cpus == 1 else 's'}"
    lines = [f"{cpus} ({profile.cpus_source}), {size}"]
    if profile.confined:
        lines.append(profile.confined)
    return [plain(line) for line in lines]


def _versions(profile: Profile) -> str:
    names = (("Gunicorn", profile.gunicorn), ("Python", profile.python))
    return plain(
        ", ".join(
            f"{name} {'unknown' if isinstance(version, Unknown) else version}"
            for name, version in names
        )
    )


def _load(profile: Profile) -> str:
    shown = ", ".join(profile.requests[:3])
    more = len(profile.requests) - 3
    kept = "kept alive" if profile.keep_alive else "one per request"
    return plain(f"{shown}{f' and {more} more' if more > 0 else ''}; connections {kept}")


def _rows(profile: Profile) -> Iterator[_Row]:
    facts = profile.facts
    for name, spent in facts.cpu_ms.items():
        yield _row(f"CPU per request, {name.partition('.')[0]}", spent, _ms)
    yield _row("waiting per request", facts.wait_ms, _ms)
    yield _row("CPU under the GIL", facts.gil_share, _share)
    yield _row("waiting overlaps", facts.overlap, _share)
    yield _row("waiting in turn", facts.serial_ms, _ms)
    if isinstance(facts.worker_serial_ms, Estimate) and facts.worker_serial_ms.value > 0:
        yield _row("in turn, per worker", facts.worker_serial_ms, _ms)
    yield _row("boot", facts.boot_s, _seconds)
    yield _row("master's memory", facts.master_bytes, format_size)
    yield _row("worker's memory", facts.worker_bytes, format_size, _RANGE)
    yield _row("shared", facts.shared_bytes, format_size, _RANGE)
    yield _row("worker, preloaded", facts.preload_worker_bytes, format_size, _RANGE)
    yield _row("shared, preloaded", facts.preload_shared_bytes, format_size, _RANGE)
    yield _row("a thread's memory", facts.thread_bytes, format_size)


def _row(
    name: str, number: Estimate | Unknown, show: Callable[[float], str], is_of: str = ""
) -> _Row:
    """What, the value with its interval, and how it was measured or why not."""
    if isinstance(number, Unknown):
        return name, "unknown", number.reason
    low, high = show(number.low), show(number.high)
    if low.rpartition(" ")[2] == high.rpartition(" ")[2]:
        low = low.rpartition(" ")[0] or low
    interval = "" if number.low == number.high else f" ({is_of}{low} to {high})"
    times = f"; {number.n} {'look' if number.n == 1 else 'looks'}"
    return name, show(number.value) + interval, number.source + times


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value < 100 else f"{value:.0f} ms"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"


def _table(page: Page, rows: list[_Row]) -> None:
    cells = [tuple(plain(cell) for cell in row) for row in rows]
    head = ("WHAT", "MEASURED (95 %)", "HOW")
    names = max(len(row[0]) for row in cells) + 2
    values = max(len(row[1]) for row in [*cells, head]) + 2
    page.row([(head[0], names, "bold"), (head[1], values, "bold"), (head[2], 0, "bold")])
    for name, value, source in cells:
        page.row([(name, names, ""), (value, values, "green bold"), (source, 0, "dim")])


def _kind(profile: Profile) -> list[str]:
    judged = profile.judged
    sure = "" if judged.kind == "unknown" else f" ({judged.confidence} confidence)"
    return [KINDS[judged.kind] + sure, plain(judged.why)]


def _next(profile: Profile) -> list[str]:
    first = "gunitune recommend: the settings that follow from these numbers, for any target"
    predict = "gunitune predict --cpus 16 --concurrency 500: what a bigger machine would do"
    tune = "gunitune tune: the best settings by trial, in minutes"
    return [first, predict, tune] if profile.judged.kind != "unknown" else [tune]
