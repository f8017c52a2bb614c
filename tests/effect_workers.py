"""Serves apps with the configs of rules on workers, and looks at what comes of it: test support."""

from __future__ import annotations

import http.client
import shlex
import socket
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from effect import address, examples
from served import SERVED, releases
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from serving import Server

RELEASES = releases()
EXAMPLES = Path(__file__).parent.parent / "examples"
VERSION_APP = """
VERSION = b"old"


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [VERSION]
"""
NEW_APP = VERSION_APP.replace("old", "new") + "# and of another size\n"  # else the .pyc is taken


def example(rule: str, number: int = 0) -> str:
    """The config of the rule's first example that fires, or of a later one."""
    return examples(rule)[number]


class Place:
    """A folder with an app, where configs are served; `held` is where it marks held requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held = folder / "held"
        self.held.mkdir()

    def app(self, text: str) -> None:
        """Write the app."""
        (self.folder / "app.py").write_text(text, encoding="utf-8")

    def take(self, interface: str) -> None:
        """Take the app of the fixtures that holds requests."""
        self.app((SERVED / interface / "app.py").read_text(encoding="utf-8"))

    @contextmanager
    def serve(
        self,
        conf: str,
        *args: str,
        release: str = "newest",
        python: Path | None = None,
    ) -> Iterator[Server]:
        """Serve it with a config; more arguments overrule what that says."""
        for mark in self.held.iterdir():
            mark.unlink()
        path = self.folder / "gunicorn.conf.py"
        path.write_text(conf, encoding="utf-8")
        python = python or RELEASES[release].python()
        arguments = ["-c", str(path), *args, "app:app"]
        with serving(python, arguments, self.folder, {"HELD": str(self.held)}) as server:
            yield server


def without(conf: str, setting: str) -> str:
    """A config without the line of a setting."""
    kept = [line for line in conf.splitlines() if not line.startswith(f"{setting} =")]
    assert len(kept) < len(conf.splitlines())
    return "\n".join(kept) + "\n"


@contextmanager
def idle_connections(server: Server, count: int) -> Iterator[None]:
    """So many connections on which nothing is sent, once the worker has accepted them."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(address(server), timeout=10))
        (pid,) = server.worker_pids()
        until(lambda: accepted(pid) >= count)
        yield


def accepted(pid: int) -> int:
    """Connections that a process holds."""
    return sum(
        item.status == psutil.CONN_ESTABLISHED for item in psutil.Process(pid).net_connections()
    )


def until(holds: Callable[[], object], timeout_s: float = 20) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


def answers(server: Server, path: str = "/", timeout_s: float = 2) -> bool:
    """Whether a request of its own is answered before the client gives up."""
    try:
        return server.get(path, timeout_s=timeout_s)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def answers_twice(server: Server, pause_s: float) -> bool:
    """Whether a connection carries a second request after a pause."""
    connection = http.client.HTTPConnection(*address(server), timeout=5)
    connection.auto_open = 0
    connection.connect()
    try:
        for pause in (pause_s, 0):
            connection.request("GET", "/")
            connection.getresponse().read()
            time.sleep(pause)
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()


def closes(server: Server) -> bool:
    """Whether a response says that its connection ends."""
    connection = http.client.HTTPConnection(*address(server), timeout=5)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.getheader("Connection") == "close"


def inside(folder: Path, joined: Sequence[Path], python: Path) -> Path:
    """A command that runs the interpreter inside cgroups."""
    command = folder / "python-inside"
    joins = "\n".join(f"echo $$ > {shlex.quote(str(group))}/cgroup.procs" for group in joined)
    command.write_text(f'#!/bin/sh\n{joins}\nexec {shlex.quote(str(python))} "$@"\n')
    command.chmod(0o755)
    return command
