"""Starts Gunicorn with a rule's own example, to its end or until it speaks: test support."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gunitune.checkrule import load_check_rules
from gunitune.checks.example import findings
from served import effective, releases
from serving import BootError, environment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RULES = {rule.id: rule for rule in load_check_rules(cases=True)}
NEWEST = "newest"
APP = """
import json, os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(dict(os.environ)).encode()]
"""
ASGI_APP = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["root_path"].encode()})
"""
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"


def fires(rule_id: str, *names: str) -> list[Any]:
    """The examples in which a rule fires, or those of these names: parameters for a test."""
    cases = [case for case in RULES[rule_id].cases if case.get("finds", 1)]
    chosen = [case for case in cases if not names or case["name"] in names]
    assert len(chosen) == len(names or chosen)
    return [pytest.param(case, id=case["name"]) for case in chosen]


def example(rule_id: str, name: str) -> str:
    """The config of one such example."""
    (parameter,) = fires(rule_id, name)
    return str(parameter.values[0]["conf"])


def message(rule_id: str, case: Mapping[str, Any]) -> str:
    """What the rule says of an example."""
    rule = RULES[rule_id]
    (finding,) = findings(rule, (rule,), case, case["conf"])
    return finding.message


def python(release: str = NEWEST) -> Path:
    """The interpreter of an environment with this release."""
    return releases()[release].python()


def project(folder: Path, conf: str, app: str = APP) -> Path:
    """A folder with an app and this config."""
    (folder / "app.py").write_text(app, encoding="utf-8")
    (folder / "gunicorn.conf.py").write_text(conf, encoding="utf-8")
    return folder


def held(folder: Path, conf: str, release: str = NEWEST, **env: str) -> dict[str, str]:
    """The settings that Gunicorn holds with this config, by --print-config."""
    command: list[str | Path] = [python(release), "-m", "gunicorn"]
    return effective(command, project(folder, conf), env=clean(folder, **env))


def clean(folder: Path, **env: str) -> dict[str, str]:
    """An environment without the settings of this one."""
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": "/usr/bin:/bin"} | home | env


def refused(folder: Path, conf: str, release: str = NEWEST, **env: str) -> str:
    """What Gunicorn says when its check of this config fails."""
    command = [python(release), "-m", "gunicorn", "--check-config", "app:app"]
    ran = run(command, project(folder, conf), env)
    assert ran.returncode == 1, ran.stderr
    return ran.stderr


def run(
    command: list[Any], folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        command,
        cwd=folder,
        env=clean(folder, **env),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def started(folder: Path, conf: str, release: str = NEWEST) -> Iterator[tuple[Any, Path]]:
    """A Gunicorn that listens where its config says; its process, and the path of its log."""
    log_path = project(folder, conf) / "log"
    with log_path.open("wb") as log:
        master = subprocess.Popen(
            [python(release), "-m", "gunicorn", "app:app"],
            cwd=folder,
            env=clean(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield master, log_path
    finally:
        with suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)
        master.wait()


def ends(folder: Path, conf: str, release: str = NEWEST) -> tuple[int, str]:
    """The exit code and the log of a Gunicorn that listens where its config says."""
    with started(folder, conf, release) as (master, log_path):
        code = master.wait(60)
    return code, log_path.read_text(encoding="utf-8", errors="replace")


def comes_to_say(folder: Path, conf: str, text: str, release: str = NEWEST) -> None:
    """Wait until the log of a Gunicorn has a text."""
    with started(folder, conf, release) as (_, log_path):
        await_that(lambda: text in log_path.read_text(encoding="utf-8", errors="replace"))


def await_that(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def checks_well(folder: Path, conf: str, release: str = NEWEST) -> bool:
    """Whether Gunicorn's own --check-config is content with a config."""
    command = [python(release), "-m", "gunicorn", "--check-config", "app:app"]
    return run(command, project(folder, conf), {}).returncode == 0


def never_answers(folder: Path, conf: str) -> bool:
    """Whether a Gunicorn listens and does not answer."""
    with (
        pytest.raises(BootError, match="no answer") as caught,
        serving(python(), ["app:app"], project(folder, conf), timeout_s=4),
    ):
        pass
    return "Listening at" in str(caught.value)


def http2() -> Path:
    """The newest Gunicorn with what HTTP/2 takes."""
    return environment("gunicorn-http2", ["gunicorn[http2]"])


@contextmanager
def serving_http2(folder: Path, conf: str) -> Iterator[str]:
    """A Gunicorn that may speak HTTP/2 alone, once it listens; its address."""
    log_path = project(folder, conf) / "log"
    address = f"127.0.0.1:{free_port()}"
    with log_path.open("wb") as log:
        master = subprocess.Popen(
            [http2(), "-m", "gunicorn", "--bind", address, "app:app"],
            cwd=folder,
            env=clean(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        await_that(lambda: "Booting worker" in log_path.read_text())
        yield f"http://{address}"
    finally:
        master.terminate()
        master.wait(30)


def exchange(url: str, request: bytes) -> bytes:
    """The first bytes that come back for these."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(request)
        return client.recv(64)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_bind() -> str:
    """A line of config with an address that nobody listens on."""
    return f'\nbind = "127.0.0.1:{free_port()}"\n'


def mode_of_socket(folder: Path, conf: str) -> int:
    """The mode of the Unix socket that Gunicorn makes with this config."""
    path = folder / "socket"
    path.unlink(missing_ok=True)
    with started(folder, f'{conf}\nbind = "unix:{path}"\n'):
        await_that(path.exists)
        await_that(lambda: "Listening at" in (folder / "log").read_text())
        return stat.S_IMODE(path.stat().st_mode)
