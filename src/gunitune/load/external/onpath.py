"""Loads a server with a generator that was found on PATH.

The warm-up is a run of its own, and so is the window: its connections are opened anew, and meters
read around it see the tool's start as well.
"""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError, UsageError
from gunitune.load.external.process import Ran, run
from gunitune.load.external.tool import Command, Job, Outcome, Tool
from gunitune.load.limit import limit_of
from gunitune.trial import Answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.trial import Load

VERSION_TIMEOUT_S = 10.0
SPARE_S = 30.0  # beyond the run and the last request's timeout


def generate(  # noqa: PLR0913, PLR0917  (as run.py has it, with the tool's name)
    name: str,
    load: Load,
    host: str,
    port: int,
    cores: frozenset[int],
    on_start: Callable[[], object],
    on_end: Callable[[], object],
) -> Answered:
    """Load the server with the tool. UsageError where it is missing, another, or can't do it."""
    tool = tool_of(name)
    if why := tool.refused(load):
        raise UsageError(why, "leave --load-generator out: the embedded one can")
    program = found(tool)
    with TemporaryDirectory(prefix="gunitune-") as folder:
        if load.warmup_s:
            _run(tool, program, Job(load, host, port, load.warmup_s, Path(folder)), cores, _nothing)
        on_start()
        started = monotonic()
        job = Job(load, host, port, load.duration_s, Path(folder))
        outcome, cpu_s = _run(tool, program, job, cores, on_end)
    return _answered(tool, started, outcome, cpu_s, cores)


def tool_of(name: str) -> Tool:
    """What is known of the tool."""
    tool = import_module(f"gunitune.load.external.{name}").TOOL
    assert isinstance(tool, Tool)
    return tool


def found(tool: Tool) -> str:
    """The tool's program on PATH. UsageError where there is none, or one of the same name alone."""
    program = shutil.which(tool.name)
    hint = "install it, or leave --load-generator out: the embedded one needs nothing"
    if program is None:
        raise UsageError(f"the load generator {tool.name} is not on PATH", hint)
    try:
        ran = run([program, *tool.version], timeout_s=VERSION_TIMEOUT_S, environ=tool.environ)
    except GunituneError:
        ran = Ran("", "", 1, 0)
    said = ran.output + ran.complaint
    if not re.search(tool.known, said, re.MULTILINE):
        first = said.strip().partition("\n")[0][:80]
        raise UsageError(
            f"{program} is not the load generator {tool.name}: it says {first!r}", hint
        )
    return program


def _nothing() -> None:
    """The end of a warm-up is nobody's."""


def _run(
    tool: Tool, program: str, job: Job, cores: frozenset[int], on_end: Callable[[], object]
) -> tuple[Outcome, float]:
    """What came of the run; `on_end` is called when the load ends, before it is reported."""
    timeout_s = job.duration_s + job.load.timeout_s + SPARE_S
    asked = tool.command(job)

    def ran(command: Command) -> Ran:
        done = run(
            [program, *command.arguments],
            stdin=command.stdin,
            cores=cores,
            environ=tool.environ,
            timeout_s=timeout_s,
        )
        if done.code:
            last = (done.complaint.strip() or done.output.strip()).rpartition("\n")[2][:200]
            raise GunituneError(f"{tool.name} failed with code {done.code}: {last}")
        return done

    main = ran(asked)
    on_end()
    output = ran(tool.report(job)).output if tool.report else main.output
    return tool.read(output, job), main.cpu_s


def _answered(
    tool: Tool, started: float, outcome: Outcome, cpu_s: float, cores: frozenset[int]
) -> Answered:
    import os

    usable = tool.threads or len(cores or os.sched_getaffinity(0))
    used = cpu_s / outcome.duration_s
    return Answered(
        generator=tool.name,
        started=started,
        ended=started + outcome.duration_s,
        served=outcome.served,
        errors=outcome.errors,
        latency=outcome.latency,
        connections=0,
        generator_cpu_s=cpu_s,
        dropped=outcome.dropped,
        limit=limit_of(used, usable, outcome.latency, 0.0, outcome.errors),
        per_slice=outcome.slices,
    )
