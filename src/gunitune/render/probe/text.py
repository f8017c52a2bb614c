"""The machine as a page: each number with its source, then every limit, then what else was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render.describe import plain
from gunitune.render.layout import Page
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gunitune.model import Fact, Host, Installed

_Row = tuple[str, str, str]


def render(host: Host, installed: Installed, *, width: int = 80, color: bool = False) -> str:
    """The page, `width` columns wide."""
    page = Page(width)
    _table(page, host.origin[:1].upper() + host.origin[1:], _machine(host))
    _table(page, "Project's environment", _environment(installed))
    _table(page, "Limits met (* binds)", [_limit(fact, host) for fact in host.limits])
    _table(page, "Also seen", [_fact(fact) for fact in host.facts])
    return page.coloured() if color else page.plain()


def _machine(host: Host) -> list[_Row]:
    memory = host.memory_bytes
    size = "unknown" if isinstance(memory, Unknown) else format_size(memory)
    shm = "unknown" if isinstance(host.shm, Unknown) else "tmpfs" if host.shm else "no tmpfs"
    pids = next((fact.source for fact in host.limits if fact.value == host.pids_max), "")
    return [
        ("CPUs", _shown(host.cpus), host.cpus_source),
        ("cores visible", _shown(host.cores_visible), host.cores_source),
        ("memory", size, host.memory_source),
        ("platform", _shown(host.platform), host.platform_source),
        ("/dev/shm", shm, _reason(host.shm) or "/proc/self/mountinfo"),  # noqa: S108  a label
        ("processes", _shown(host.pids_max), _reason(host.pids_max) or pids),
    ]


def _environment(installed: Installed) -> list[_Row]:
    return [
        ("Python", _shown(installed.python), installed.python_source),
        ("Gunicorn", _shown(installed.gunicorn), installed.gunicorn_source),
    ]


def _limit(fact: Fact, host: Host) -> _Row:
    binds = _binds(fact, host.cpus_source) or _binds(fact, host.memory_source)
    value = f"{_shown(fact.value)} {fact.unit}"
    if fact.unit == "bytes" and not isinstance(fact.value, str):
        value = format_size(fact.value)
    return "*" if binds else "", value, fact.source


def _binds(fact: Fact, source: str) -> bool:
    """Whether the host's number has this source, be it with a remark after it."""
    return source == fact.source or source.startswith(f"{fact.source} (")


def _fact(fact: Fact) -> _Row:
    return fact.name, f"{_shown(fact.value)} {fact.unit}".rstrip(), fact.source


def _shown(value: float | str | Unknown) -> str:
    if isinstance(value, Unknown):
        return "unknown"
    return value if isinstance(value, str) else format_number(value)


def _reason(value: float | Unknown) -> str:
    return value.reason if isinstance(value, Unknown) else ""


def _table(page: Page, title: str, rows: Iterable[_Row]) -> None:
    """A title and aligned columns below it; nothing without rows."""
    cells = [tuple(plain(cell) for cell in row) for row in rows]
    if not cells:
        return
    if page.lines:
        page.gap()
    page.row([(plain(title), 0, "bold")])
    names, values = (max(len(row[column]) for row in cells) + 2 for column in (0, 1))
    for name, value, source in cells:
        page.row([(name, names, ""), (value, values, "bold"), (source, 0, "dim")], indent=2)
