"""Serves a rule's own example on real Gunicorn, beside what it would be without: test support."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.data import rules_dir
from served import releases
from serving import NO_ENV, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

RELEASES = releases()
# An address of this machine that Gunicorn does not trust by default, as it does 127.0.0.1.
STRANGER = "127.0.0.2"
# Answers with its environment; /hold is in flight until the file let-go is there.
APP = """
import json
import os
from pathlib import Path
from time import sleep

HELD = Path(os.environ["HELD"])


def app(environ, start_response):
    if environ["PATH_INFO"] == "/hold":
        (HELD / "in-flight").touch()
        while not (HELD / "let-go").exists():
            sleep(0.02)
    texts = {name: value for name, value in environ.items() if isinstance(value, str)}
    body = json.dumps(texts).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def examples(rule: str) -> list[str]:
    """The configs of the rule's examples that fire."""
    (path,) = (rules_dir() / "check").glob(f"{rule}-*.toml")
    cases = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    return [str(case["conf"]) for case in cases if case.get("finds", 1)]


def example(rule: str) -> str:
    """The config of the rule's first example that fires."""
    return examples(rule)[0]


@dataclass
class Place:
    """A folder with an app, where configs are served."""

    folder: Path
    held: Path = field(init=False)

    def __post_init__(self) -> None:
        self.held = self.folder / "held"
        self.held.mkdir()
        self.write("app.py", APP)

    def write(self, name: str, text: str) -> Path:
        """Put a file into it."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @contextmanager
    def serve(
        self, conf: str, *args: str, release: str = "newest", env: Mapping[str, str] = NO_ENV
    ) -> Iterator[Server]:
        """Serve the app with a config; more arguments overrule what that says."""
        for mark in self.held.iterdir():
            mark.unlink()
        path = self.write("conf.py", conf)
        arguments = ["-c", str(path), *args, "app:app"]
        environment = {"HELD": str(self.held), **env}
        with serving(RELEASES[release].python(), arguments, self.folder, environment) as server:
            yield server

    @contextmanager
    def serve_tls(self, conf: str) -> Iterator[tuple[str, int]]:
        """Serve over TLS, which no plain request gets through: where it listens."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            found: tuple[str, int] = listener.getsockname()
            path = self.write("conf.py", conf)
            bind = ["--bind", f"fd://{listener.fileno()}"]
            master = subprocess.Popen(
                [RELEASES["newest"].python(), "-m", "gunicorn", "-c", path, *bind, "app:app"],
                cwd=self.folder,
                env={
                    "HELD": str(self.held),
                    "XDG_RUNTIME_DIR": str(self.folder),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                pass_fds=[listener.fileno()],
                stderr=subprocess.DEVNULL,
            )
            try:
                yield found
            finally:
                master.send_signal(signal.SIGINT)
                master.wait(30)

    @contextmanager
    def hold(self, server: Server) -> Iterator[Future[tuple[int, bytes]]]:
        """A request that is in flight until the end, or until it is let go."""
        with ThreadPoolExecutor(1) as client:
            sent = client.submit(server.get, "/hold")
            try:
                until((self.held / "in-flight").exists, server)
                yield sent
            finally:
                self.let_go()

    def let_go(self) -> None:
        """Let the held request be answered."""
        (self.held / "let-go").touch()


def until(holds: Callable[[], object], server: Server) -> None:
    """Wait until something holds; AssertionError with the log where it does not come to."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.02)


def address(server: Server) -> tuple[str, int]:
    """Where it listens."""
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def environ(server: Server, path: str = "/", **headers: str) -> dict[str, str]:
    """The environment in which the app sees a stranger's request; `_` in a header's name is `-`."""
    connection = http.client.HTTPConnection(*address(server), 30, (STRANGER, 0))
    try:
        connection.putrequest("GET", path)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        found: dict[str, str] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def exchange(server: Server, request: str) -> str:
    """All that the server answers to these bytes of a stranger until it closes."""
    with socket.create_connection(address(server), 30, (STRANGER, 0)) as client:
        client.sendall(request.encode("latin-1"))
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    return answer.decode("latin-1")


def head(*lines: str, first: str = "GET / HTTP/1.1") -> str:
    """A request's head with these lines in it, whose connection is not kept."""
    return "\r\n".join([first, "Host: x", "Connection: close", *lines, "", ""])


def status(answer: str) -> int:
    """The status of an answer."""
    return int(answer.split(" ", 2)[1])
