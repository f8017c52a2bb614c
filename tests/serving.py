"""Runs real Gunicorn in real virtual environments, and leaves no process behind: test support."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VENVS = Path(__file__).resolve().parent.parent / ".venvs"
BOOT_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
NO_ENV: Mapping[str, str] = MappingProxyType({})


class BootError(Exception):
    """Gunicorn did not come to answer a request; the message ends with its last log lines."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running Gunicorn: where it listens, its processes and its log."""

    url: str
    master_pid: int
    log_path: Path

    def get(self, path: str = "/", timeout_s: float = 30) -> tuple[int, bytes]:
        """GET on a connection of its own: status and body. OSError or HTTPException if none."""
        return self.request("GET", path, timeout_s=timeout_s)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = NO_ENV,
        timeout_s: float = 30,
    ) -> tuple[int, bytes]:
        """Any request on a connection of its own: status and body."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=timeout_s)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def log(self) -> str:
        """Everything Gunicorn and the app wrote to stdout and stderr so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def worker_pids(self) -> list[int]:
        """The workers in the order of their birth: the master's forks, with its command line."""
        master = psutil.Process(self.master_pid)
        return [
            child.pid
            for child in sorted(
                master.children(), key=lambda child: (child.create_time(), child.pid)
            )
            if _is_worker(child, master)
        ]

    def await_workers(self, count: int, timeout_s: float = 30) -> list[int]:
        """The workers once there are `count` of them: the first answers while others are born."""
        deadline = time.monotonic() + timeout_s
        while len(pids := self.worker_pids()) != count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(pids)} workers instead of {count}\n{_last_lines(self)}")
            time.sleep(0.05)
        return pids

    def threads(self, pid: int) -> int:
        """How many threads of the operating system the process has."""
        return psutil.Process(pid).num_threads()


def _is_worker(child: psutil.Process, master: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        titles = [part.replace("gunicorn: master", "gunicorn: worker") for part in master.cmdline()]
        return child.status() != psutil.STATUS_ZOMBIE and child.cmdline() == titles
    return False


def environment(name: str, requirements: Sequence[str] | Path, python: str | None = None) -> Path:
    """The interpreter of a virtual environment with these requirements, created once and kept.

    `requirements` are specifiers or the path of a requirements file (without any, there is no pip
    either); `python` is the interpreter to build it on, this one if not given. The environment is
    found again by name and a hash of both. A lock file makes others wait for the one that creates
    it; what an aborted creation left has no `complete` marker and is made anew, in its place, since
    the scripts of an environment do not survive a renaming. CalledProcessError where pip fails.
    """
    arguments, text = _pip_arguments(requirements)
    digest = hashlib.sha256(f"{python or sys.version}\n{text}".encode()).hexdigest()[:12]
    home = VENVS / f"{name}-{digest}"
    VENVS.mkdir(exist_ok=True)
    with (VENVS / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ((home / "complete").exists() and (home / "bin/python").exists()):
            _create(home, arguments, python or sys.executable)
    return home / "bin" / "python"


def _pip_arguments(requirements: Sequence[str] | Path) -> tuple[list[str], str]:
    if isinstance(requirements, Path):
        return ["-r", str(requirements)], requirements.read_text(encoding="utf-8")
    return list(requirements), "\n".join(requirements)


def _create(home: Path, arguments: list[str], python: str) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _run([python, "-m", "venv", *([] if arguments else ["--without-pip"]), str(home)])
    if arguments:
        pip = [str(home / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "install", *arguments])
    (home / "complete").touch()


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@contextmanager
def serving(
    python: Path,
    args: Sequence[str],
    cwd: Path,
    env: Mapping[str, str] = NO_ENV,
    *,
    timeout_s: float = BOOT_TIMEOUT_S,
    ready_path: str = "/",
) -> Iterator[Server]:
    """Run `python -m gunicorn *args` in `cwd` on a free port, from its first answer to its end.

    The environment is a clean one plus `env`; HOME and XDG_RUNTIME_DIR are temporary, so that no
    control socket is shared. BootError where the master exits first, or where `ready_path` is not
    answered, with whatever status, within `timeout_s`. On leaving, Gunicorn gets SIGTERM, and
    what is left SIGKILL: AssertionError where the master needed that after ten seconds, or where
    a process outlived it.
    """
    with tempfile.TemporaryDirectory(prefix="serving-") as home:
        url = f"127.0.0.1:{_free_port()}"
        command = [str(python), "-m", "gunicorn", "--bind", url, *args]
        log_path = Path(home) / "log"
        with log_path.open("wb") as log:
            master = subprocess.Popen(
                command,
                cwd=cwd,
                env=_clean_environment(home) | dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        server = Server(f"http://{url}", master.pid, log_path)
        try:
            _await_answer(server, master, ready_path, timeout_s)
        except BaseException:
            _kill(master, home)
            raise
        try:
            yield server
        finally:
            _stop(master, home)


def _clean_environment(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    # Bytecode of a config that was written anew within the second would be taken for its own.
    python = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | {"HOME": home, "XDG_RUNTIME_DIR": home} | python


def _free_port() -> int:
    """A port below the range the kernel hands out by itself: no other client gets it meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def _await_answer(
    server: Server, master: subprocess.Popen[bytes], path: str, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while master.poll() is None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise BootError(f"no answer within {timeout_s:g} s\n{_last_lines(server)}")
        with suppress(OSError, http.client.HTTPException):
            server.get(path, timeout_s=left)
            return
        time.sleep(0.05)
    raise BootError(f"Gunicorn exited with code {master.returncode}\n{_last_lines(server)}")


def _last_lines(server: Server) -> str:
    return "\n".join(server.log().splitlines()[-40:])


def _stop(master: subprocess.Popen[bytes], home: str) -> None:
    """SIGTERM, then SIGKILL to all that is left; AssertionError where anything was.

    A worker may lose the first one (Gunicorn tells it once), and gets another.
    """
    _await_handlers(master.pid)
    master.terminate()
    try:
        master.wait(STOP_TIMEOUT_S / 2)
    except subprocess.TimeoutExpired:
        for process in _offspring(master.pid, home):
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        with suppress(subprocess.TimeoutExpired):
            master.wait(STOP_TIMEOUT_S)
    psutil.wait_procs(_offspring(master.pid, home), timeout=1)
    killed = _kill(master, home)
    assert not killed, f"left behind by Gunicorn: {killed}"


def _await_handlers(master_pid: int) -> None:
    """Wait until every worker has signal handlers of its own: a SIGTERM before that is lost on it.

    From the fork until then it has copies of the master's, which do nothing in it. They tell by
    SIGHUP, which no worker handles.
    """
    deadline = time.monotonic() + STOP_TIMEOUT_S
    with suppress(psutil.NoSuchProcess, OSError):
        workers = psutil.Process(master_pid).children()
        while any(handles(worker.pid, signal.SIGHUP) for worker in workers):
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def _kill(master: subprocess.Popen[bytes], home: str) -> list[str]:
    """SIGKILL to all that is left; gives what that was."""
    left = _offspring(master.pid, home)
    names = [str(process) for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    master.wait(STOP_TIMEOUT_S)
    psutil.wait_procs(left, timeout=STOP_TIMEOUT_S)
    return names


def _offspring(session: int, home: str) -> list[psutil.Process]:
    """Every process of the session, and any that left it but kept the environment."""
    return [process for process in psutil.process_iter() if _belongs(process, session, home)]


def _belongs(process: psutil.Process, session: int, home: str) -> bool:
    with suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return os.getsid(process.pid) == session or process.environ().get("HOME") == home
    return False
