"""`emit --dynamic`: a conf that sizes itself from the cgroup limits when Gunicorn starts."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.facts import facts, in_flight
from gunitune.model import Unknown
from gunitune.render import describe
from gunitune.render.comments import app_header, comment
from gunitune.trial import UVICORN
from gunitune.units import release

if TYPE_CHECKING:
    from gunitune.model import Recommendation, Setting

# What the emitted file works out by itself; all else is written as it was recommended.
SIZED = (
    "worker_class",
    "workers",
    "threads",
    "worker_connections",
    "keepalive",
    "preload_app",
)
# Rules that exchange the class for threads: the emitted file does that itself.
EXCHANGES = ("GA220", "GA311")
ABOUT = (
    "Below, gunitune's rules for this app run on the machine that Gunicorn starts on: its CPUs, "
    "quota and memory limit. WEB_CONCURRENCY sets the workers."
)
_START = "# --- from here on the file is emitted\n"
_INPUTS, _END = "# --- inputs\n", "# --- end of inputs\n"


def render(advice: Recommendation, **_: object) -> str:
    """The template with this app's inputs; standard library only, from Python 3.7 on.

    What a project's own rule sets is written after the computed value, and holds.
    """
    before, meanings, after = _template()
    title = f"Gunicorn configuration that sizes itself at the start, by gunitune {__version__}."
    text = [
        *app_header(advice, title),
        comment(f"Start: {describe.start(advice.app)}"),
        "#",
        comment(ABOUT),
    ]
    before, meanings, after = _template()
    known = [f"{name} = {value!r}  # {meanings[name]}" for name, value in inputs(advice).items()]
    told = "\n".join(["# What is known of this app; all else is worked out below.", *known])
    blocks = ["\n".join(text) + "\n", f"{before}{told}\n{after}"]
    for item in advice.settings:
        if item.name not in SIZED or not item.rule.startswith("GA"):
            reason = comment(f"{item.reason} [{item.basis}, {item.rule}]")
            blocks.append(f"{reason}\n{_assignment(item)}\n")
    return "\n".join(blocks)


def _assignment(item: Setting) -> str:
    """The setting as a line; a folder that another machine may not have is looked for first."""
    if item.name == "worker_tmp_dir":
        return f"worker_tmp_dir = {item.value!r} if os.path.isdir({item.value!r}) else None"
    return f"{item.name} = {item.value!r}"


def inputs(advice: Recommendation) -> dict[str, Any]:
    """The values of the template's inputs."""
    scope = facts(advice.host, advice.app, advice.goal, advice.installed)
    asked = in_flight(advice.goal)
    least = scope["gunicorn.least"]
    return {
        "_KIND": advice.app.kind,
        "_CLASS": _class(advice),
        "_CLASS_ASKED": not isinstance(advice.goal.worker_class, Unknown),
        "_MASTER_BYTES": scope["app.master_memory"] + scope["app.shared_memory"],
        "_WORKER_BYTES": scope["app.worker_memory"],
        "_THREAD_BYTES": scope["app.thread_memory"],
        "_PRELOADED_BYTES": _preloaded(scope),
        "_MEMORY_TOLD": advice.app.kind == "memory"
        or scope["app.worker_memory_basis"] != "assumed",
        "_MEMORY_SHARE": advice.goal.memory_share,
        "_IN_FLIGHT": None if isinstance(asked, Unknown) else asked,
        **_measured(scope, _class(advice)),
        "_DB_SHARE": _database_share(advice),
        "_CONNECTIONS_AS_THREADS": not isinstance(least, Unknown)
        and least >= release("24")
        and not _cheap(scope),
    }


def _preloaded(scope: dict[str, Any]) -> tuple[int, int] | None:
    """What rule GA309 reads: master with shared, and one worker, of a preloaded app."""
    own, shared = scope["app.preload_worker_memory"], scope["app.preload_shared_memory"]
    known = not isinstance(own, Unknown) and not isinstance(shared, Unknown)
    if not known or scope["app.worker_memory_basis"] != "measured":
        return None
    return int(scope["app.master_memory"] + shared), max(1, int(own))


def _measured(scope: dict[str, Any], worker_class: str) -> dict[str, Any]:
    """What rules GA210 and GA311 make of the measured times, but for the machine."""
    cpu_ms, wait_ms = scope["app.cpu_ms"], scope["app.wait_ms"]
    if isinstance(cpu_ms, Unknown) or isinstance(wait_ms, Unknown):
        return {"_EACH": None, "_SPARE": 0, "_STILL": False, "_LOOPS": False, "_KNEE": None}

    def ratio(name: str) -> float:
        short = "uvicorn" if name == UVICORN else name
        own = scope.get(f"app.{short}_cpu_ms", cpu_ms)
        return float(wait_ms / max(cpu_ms if isinstance(own, Unknown) else own, 0.001))

    each, spare, still = 1.0, 0, False
    if worker_class in ("sync", "tornado"):
        each += ratio(worker_class)
    elif worker_class != "gthread":
        overlap, serial_ms = scope["app.overlap"], scope["app.serial_ms"]
        stands = 0.0 if isinstance(overlap, Unknown) else (1 - overlap) * ratio(worker_class)
        if stands and overlap < 0.9:
            each += stands
        spare = int(ratio(worker_class) > 1)
        still = stands > 0.1 or (not isinstance(serial_ms, Unknown) and serial_ms > 0)
    knee = max(4, ceil(round(1.25 * (1 + ratio("gthread")), 9)))
    loops = bool(scope["app.asgi"]) and worker_class not in ("sync", "tornado", "gthread")
    return {"_EACH": each, "_SPARE": spare, "_STILL": still, "_LOOPS": loops, "_KNEE": knee}


def _cheap(scope: dict[str, Any]) -> bool:
    """Whether rule GA360 leaves connections open: requests were measured to be that cheap."""
    names = ("app.cpu_ms", "app.gthread_cpu_ms", "app.wait_ms")
    cpu_ms, gthread_ms, wait_ms = (scope[name] for name in names)
    if any(isinstance(number, Unknown) for number in (cpu_ms, gthread_ms, wait_ms)):
        return False
    return bool(gthread_ms < 0.9 * cpu_ms and wait_ms <= cpu_ms)


def _class(advice: Recommendation) -> str:
    (setting,) = [item for item in advice.settings if item.name == "worker_class"]
    kept = [step for step in setting.trail if step.rule not in EXCHANGES]
    return str(kept[-1].value)


def _database_share(advice: Recommendation) -> int | None:
    connections = advice.goal.db_connections
    if isinstance(connections, Unknown):
        return None
    return max(1, connections // advice.goal.replicas)


def _template() -> tuple[str, dict[str, str], str]:
    """The text before and after the inputs, and what each input means."""
    text = (Path(__file__).parent / "_dynamic_conf.py").read_text(encoding="utf-8")
    before, rest = text.split(_START, 1)[1].split(_INPUTS, 1)
    given, after = rest.split(_END, 1)
    meanings = dict(re.findall(r"^(_[A-Z_]+) = .*  # (.*)$", given, re.MULTILINE))
    return before, meanings, after
