"""The served apps, emitted configurations and releases of Gunicorn they meet on: test support."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project import gunitune
from serving import Server, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SERVED = Path(__file__).parent / "fixtures" / "served"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Gunicorn: what to install, which classes it lacks, and what it warns of."""

    name: str
    requirements: tuple[str, ...]
    without: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warns: Mapping[str, str] = field(default_factory=dict)

    def python(self) -> Path:
        """The interpreter of its environment, made at the first call."""
        return environment(f"gunicorn-{self.name}", self.requirements)

    def version(self) -> str:
        """Its number: that of the newest is known once it is installed."""
        return _version(self.python()) if self.name == "newest" else self.name


def releases() -> dict[str, Release]:
    """The releases by name, oldest first."""
    found = tomllib.loads((SERVED / "releases.toml").read_text(encoding="utf-8"))["release"]
    made = [Release(**{**item, "requirements": tuple(item["requirements"])}) for item in found]
    return {release.name: release for release in made}


@cache
def _version(python: Path) -> str:
    return _run([python, "-c", "import gunicorn; print(gunicorn.__version__)"]).strip()


def checkout(interface: str, folder: Path) -> Path:
    """A copy of the served app, with an environment of its own that has no Gunicorn."""
    project = Path(shutil.copytree(SERVED / interface, folder / "app"))
    (project / ".git").mkdir()
    (project / ".venv").mkdir()
    (project / ".venv" / "pyvenv.cfg").touch()
    return project


def emit(project: Path, *options: str, name: str = "conf.py") -> Path:
    """What the real command writes for the project, as a file beside it."""
    file = project.parent / name
    written = gunitune("emit", project, "--quiet", "-o", file, *options, cwd=project)
    output = written.stdout + written.stderr
    assert (written.returncode, output) == (0, ""), output
    return file


def named(conf: Path) -> dict[str, Any]:
    """The settings that an emitted conf names, with their values."""
    scope: dict[str, Any] = {}
    exec(compile(conf.read_text(encoding="utf-8"), str(conf), "exec"), scope)
    return {name: value for name, value in scope.items() if not name.startswith("_")}


def effective(command: Sequence[str | Path], cwd: Path, **options: Any) -> dict[str, str]:
    """The settings in effect by what `--print-config` printed; `--check-config` goes with it."""
    printed = _run([*command, "--check-config", "--print-config", "app:app"], cwd=cwd, **options)
    pairs = [line.partition("=") for line in printed.splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _run(command: Sequence[str | Path], **options: Any) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def await_booted(server: Server, workers: int) -> list[int]:
    """The workers once each catches signals for itself: a stop before that would pass it by.

    Between the fork and its own handlers a worker has the master's, which take no SIGTERM of its
    own; Gunicorn then waits for it until `graceful_timeout`.
    """
    pids = server.await_workers(workers)
    masters = _caught(server.master_pid)
    deadline = time.monotonic() + 30
    while any(_caught(pid) == masters for pid in pids):
        assert time.monotonic() < deadline, f"a worker does not come up\n{server.log()}"
        time.sleep(0.02)
    return pids


def _caught(pid: int) -> str:
    """The signals that the process has handlers for, a mask."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(line for line in status.splitlines() if line.startswith("SigCgt:"))


@dataclass(frozen=True, slots=True)
class Held:
    """Requests that the app holds: `folder` has a file for each one in flight."""

    folder: Path
    answers: list[dict[str, Any]] = field(default_factory=list)

    def in_flight(self) -> Counter[int]:
        """Requests in flight by worker."""
        return Counter(int(mark.stem) for mark in self.folder.iterdir())

    def peaks(self) -> Counter[int]:
        """The most requests that each worker had in flight, as the answers tell."""
        peaks: Counter[int] = Counter()
        for answer in self.answers:
            peaks[answer["pid"]] = max(peaks[answer["pid"]], answer["in_flight"])
        return peaks


@contextmanager
def holding(server: Server, folder: Path, requests: int) -> Iterator[Held]:
    """Send so many requests at once, each held until the end, and then collect their answers."""
    held = Held(folder)
    with ThreadPoolExecutor(requests) as clients:
        sent = [clients.submit(server.get, "/hold") for _ in range(requests)]
        try:
            yield held
        finally:
            (folder / "let-go").touch()
        for status, body in [request.result() for request in sent]:
            assert status == 200, body
            held.answers.append(json.loads(body))


def await_in_flight(held: Held, requests: int, *, of_one_worker: bool = False) -> Counter[int]:
    """The requests in flight by worker once there are so many of them, in all or in one worker."""
    deadline = time.monotonic() + 30
    while True:
        found = held.in_flight()
        if (max(found.values(), default=0) if of_one_worker else found.total()) >= requests:
            return found
        assert time.monotonic() < deadline, f"{found} in flight instead of {requests}"
        time.sleep(0.02)
