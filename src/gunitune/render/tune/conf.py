"""The winner of a study as a gunicorn.conf.py: beside each setting, what was measured of it."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from gunitune import __version__
from gunitune.errors import ProjectError
from gunitune.render.comments import comment
from gunitune.render.describe import plain
from gunitune.render.tune import _words as words
from gunitune.units import format_number, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.model import Value
    from gunitune.tune.document import Measured, Study
    from gunitune.tune.result import Tuned

# Enough to see where the hill ends.
SHOWN_OTHERS = 6


def render(tuned: Tuned, **_: object) -> str:
    """The winner's settings; raises ProjectError where nothing met the goal."""
    from gunitune.tune.document import study_of

    return conf_of(study_of(tuned))


def conf_of(study: Study) -> str:
    """A file that Gunicorn loads; the same study gives the same bytes.

    Raises ProjectError where the study has no winner.
    """
    winner = study.winner
    if winner is None:
        raise ProjectError(
            "the study found no choice that meets the goal", "loosen it, or give it more --budget"
        )
    blocks = ["\n".join(_header(study, winner))]
    for name, value in winner.settings.items():
        blocks.append(_setting(name, value, _reason(study, winner, name)))
    if study.gunicorn.conf:
        for name, value in words.neutral(winner.settings).items():
            blocks.append(_setting(name, value, _default(study, winner, name)))
    return "\n\n".join(blocks) + "\n"


def _setting(name: str, value: Value, reason: str) -> str:
    return f"{comment(f'{reason} [measured]')}\n{name} = {value!r}"


def _default(study: Study, winner: Measured, name: str) -> str:
    """Why Gunicorn's default is written out: the config beneath might say something else."""
    found = _value_rivals(study.standings, winner, name)
    shown = [_rival(label, item, winner) for label, item in found[:SHOWN_OTHERS]]
    kept = f"Gunicorn's default, as in the trials, whatever {study.gunicorn.conf} says"
    return f"{kept}; of its throughput {', '.join(shown)}" if shown else kept


def _header(study: Study, winner: Measured) -> Iterator[str]:
    yield comment(
        f"Gunicorn configuration, written by gunitune {__version__} from measured trials."
    )
    yield "#"
    app = study.app
    yield comment(f"App: {app.framework or 'app'} {app.app} ({app.interface.upper()})")
    yield comment(f"Machine: {_machine(study)}")
    if study.confined:
        yield comment(f"Limits: {study.confined}")
    yield comment(f"Gunicorn {study.gunicorn.version} ({study.gunicorn.python_source})")
    yield comment(f"Load: {_load(study)}")
    yield comment(f"Measured: {_measured(winner)}, in {_runs(winner.blocks)}")
    for other in study.against:
        if other.ratio is not None and other.low is not None and other.high is not None:
            yield comment(
                f"Against {words.other(other.name)} ({other.choice}): {other.ratio:.2f} times the "
                f"requests ({other.low:.2f} to {other.high:.2f})"
            )
    yield comment(f"Limited by: {study.limited}")
    if ties := [item.choice for item in study.standings if item.fate == "tie"]:
        yield comment(f"As fast within the noise: {', '.join(ties)}")
    if study.gunicorn.conf:
        yield comment(
            f"The trials ran on top of {study.gunicorn.conf}: put these lines in place of its "
            "own, and keep what else it sets."
        )
    if study.study:
        yield comment(f"Study: {study.study}")
    yield comment(f"Start: {_start(study)}")


def _machine(study: Study) -> str:
    host = study.host
    memory = "memory unknown" if host.memory_bytes is None else (
        f"{format_size(host.memory_bytes)} memory ({host.memory_source})"
    )  # fmt: skip
    return f"{format_number(host.cpus)} CPUs ({host.cpus_source}), {memory}"


def _load(study: Study) -> str:
    load = study.load
    pace = f"{load.concurrency} clients" if load.rps is None else f"{load.rps:g} requests/s"
    kept = "kept alive" if load.keep_alive else "a connection for each request"
    asked = [f"{item.method} {item.path}" for item in load.requests[: words.SHOWN_REQUESTS]]
    more = ", ..." if len(load.requests) > len(asked) else ""
    return f"{pace}, {kept}: {', '.join(asked)}{more}"


def _measured(found: Measured) -> str:
    parts = [f"{_number(found.rps)} requests/s"]
    if found.rps_low is not None and found.rps_high is not None:
        parts[0] += f" ({_number(found.rps_low)}-{_number(found.rps_high)})"
    if found.p99_ms is not None:
        parts.append(f"p99 {words.milliseconds(found.p99_ms)}")
    if found.memory_bytes is not None:
        parts.append(f"{format_size(found.memory_bytes)} of memory")
    return ", ".join(parts)


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _start(study: Study) -> str:
    options = "".join(f" {quote(plain(option))}" for option in study.app.start_options)
    return f"gunicorn -c gunicorn.conf.py{options} {quote(plain(study.app.app))}"


def _reason(study: Study, winner: Measured, name: str) -> str:
    """What the other values of one setting came to, in shares of the winner's throughput."""
    found = _class_rivals(study.standings, winner) if name == "worker_class" else (
        _value_rivals(study.standings, winner, name)
    )  # fmt: skip
    wanted = words.wanted(study.goal.objective, paced=study.load.rps is not None)
    best = f"best by measurement: {wanted}"
    shown = [_rival(label, item, winner) for label, item in found[:SHOWN_OTHERS]]
    return f"{best}; of its throughput {', '.join(shown)}" if shown else best


def _class_rivals(standings: Sequence[Measured], winner: Measured) -> list[tuple[str, Measured]]:
    """The best of each other worker class."""
    best: dict[Value, Measured] = {}
    for item in standings:
        name = item.settings.get("worker_class")
        if name != winner.settings.get("worker_class"):
            best.setdefault(name, item)
    return [(item.choice, item) for item in best.values()]


def _value_rivals(
    standings: Sequence[Measured], winner: Measured, name: str
) -> list[tuple[str, Measured]]:
    """The choices that differ from the winner in this setting alone, by its value."""
    rest = _without(winner, name)
    found = [item for item in standings if _without(item, name) == rest]
    others = [item for item in found if item.settings.get(name) != winner.settings.get(name)]
    others.sort(key=lambda item: (isinstance(item.settings.get(name), str),
                                  item.settings.get(name) or 0))  # fmt: skip
    return [(_named(name, item.settings.get(name)), item) for item in others]


def _without(item: Measured, name: str) -> dict[str, Value]:
    return {key: value for key, value in item.settings.items() if key != name}


def _named(name: str, value: Value) -> str:
    """`3 workers`, `worker_connections 8`."""
    if value is None:
        return f"{name} at Gunicorn's default"
    return f"{value} {name}" if name in ("workers", "threads") else f"{name} {value}"


def _rival(label: str, item: Measured, winner: Measured) -> str:
    if item.fate == "barred":
        return f"{label} was barred" + (f" ({item.why})" if item.why else "")
    if not item.rps or not winner.rps:
        return f"{label} has an unknown share"
    return f"{label} reached {item.rps / winner.rps:.2f}"


def _number(value: float | None) -> str:
    return "?" if value is None else words.number(value)
