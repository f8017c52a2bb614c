"""Apps for real servers, and what starts and finds these: test support.

The file is copied into a project's folder and served from there, so that it imports nothing but
the standard library before it is asked to. The environment says what the app does: FAULT (how it
fails), BROOD (what it starts), LIFESPAN_S and LIVED (its start-up as an ASGI app).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gunitune.trial import Launch

MARK = "SERVE_APPS_TREE"  # names a tree of processes; all of it inherits the value
FAULT = os.environ.get("FAULT", "")
# Leaves its parent and its session, and does not heed signals.
_DAEMON = """
import os, signal, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
os.closerange(0, 100)
time.sleep(600)
"""
_CHILD = "import time; time.sleep(600)"


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/stall":
        start_response("404 Not Found", [("Content-Length", "9")])
        return stalled()
    status, headers, body = answer(environ["PATH_INFO"])
    facts = {"threads": environ["wsgi.multithread"], "scheme": environ["wsgi.url_scheme"]}
    start_response(status, [*headers, ("Content-Length", str(len(body(facts))))])
    return [body(facts)]


def stalled() -> Iterator[bytes]:
    yield b""
    time.sleep(600)
    yield b"too late."


async def asgi(
    scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    status, headers, body = answer(scope["path"])
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    raw.append((b"content-length", b"%d" % len(body({}))))
    await send({"type": "http.response.start", "status": int(status[:3]), "headers": raw})
    await send({"type": "http.response.body", "body": body({})})


async def live(receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    await receive()
    await asyncio.sleep(float(os.environ.get("LIFESPAN_S", "0")))
    if "LIVED" in os.environ:
        Path(os.environ["LIVED"], str(os.getpid())).touch()  # noqa: ASYNC240  (at start-up)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def answer(path: str) -> tuple[str, list[tuple[str, str]], Callable[[dict[str, Any]], bytes]]:
    if path == "/raise":
        raise RuntimeError("the app's own fault")
    if path == "/exit":
        os._exit(1)
    if path == "/slow":
        time.sleep(600)
    statuses = {"/moved": "301 Moved Permanently", "/lost": "404 Not Found"}
    headers = [("Location", "https://example.com/")] if path == "/moved" else []
    if path == "/lost":
        return statuses[path], headers, lambda _: b"<title>No \x1b[31mpage</title>"
    if path == "/bad":
        return "400 Bad Request", headers, lambda _: b""
    if path == "/page":
        return "403 Forbidden", headers, lambda _: b"<!doctype html>\n<h1>Not yours</h1>"
    return statuses.get(path, "200 OK"), headers, told


def told(facts: dict[str, Any]) -> bytes:
    """What the worker sees of itself."""
    seen = {
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "argv": sys.argv,
        "ours": importlib.util.find_spec("watchdog") is not None,
        "running": threading.active_count(),
    }
    return json.dumps(seen | facts).encode()


def make() -> Callable[..., Any]:
    """A factory of the WSGI app."""
    return wsgi


def make_asgi() -> Callable[..., Any]:
    """A factory of the ASGI app."""
    return asgi


class Dirty:
    """An app of Gunicorn's dirty workers."""

    def init(self) -> None: ...

    def __call__(self, action: str, *_: Any, **__: Any) -> str:
        return action

    def close(self) -> None: ...


def breed() -> None:
    """A thread, a child, a fork that is a copy of this process, and a daemon."""
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    subprocess.Popen([sys.executable, "-c", _CHILD])
    if os.fork() == 0:
        while True:
            time.sleep(600)
    subprocess.run([sys.executable, "-c", _DAEMON], check=True)


def fail() -> None:
    """What happens when the app is imported."""
    if FAULT == "import":
        import nosuch_package  # type: ignore[import-not-found]  # noqa: F401
    if FAULT == "key":
        raise KeyError("SECRET_KEY")
    if FAULT == "exit":
        raise SystemExit("no \x1b[31mconfiguration")
    if FAULT == "signal":
        os.kill(os.getpid(), 11)
    if FAULT == "hang":
        time.sleep(600)


fail()
if "BROOD" in os.environ:
    breed()


def project(folder: Path, conf: str | None = None, name: str = "own.conf.py") -> Path:
    """A folder with the apps, and a config for Gunicorn if there is to be one."""
    folder.mkdir(exist_ok=True)
    shutil.copy(__file__, folder / "serve_apps.py")
    if conf is not None:
        (folder / name).write_text(conf, encoding="utf-8")
    return folder


def launch(
    folder: Path,
    python: Path,
    spec: str = "serve_apps:wsgi",
    env: Mapping[str, str] | None = None,
    *,
    conf: str | None = None,
) -> Launch:
    """How the apps in the folder are started."""
    from gunitune.trial import Launch

    return Launch(
        python=python,
        python_source="--python",
        spec=spec,
        interface="asgi" if "asgi" in spec else "wsgi",
        folder=folder,
        conf=folder / conf if conf else None,
        environ={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
    )


def marked(mark: str) -> dict[int, str]:
    """The living processes whose environment holds the mark: their command lines by pid."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            if f"{MARK}={mark}".encode() in variables:
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it has ended meanwhile, or is another user's
    return found
