"""What the rules on worker classes say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from effect_workers import (
    VERSION_APP,
    Place,
    answers,
    answers_twice,
    closes,
    example,
    until,
)
from held import await_booted, await_in_flight, holding
from serving import BootError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are told by their /proc")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT401": "test_threads_start_none_on_other_classes",
    "GT402": "test_asgi_takes_more_connections_than_it_is_told",
    "GT403": "test_sync_keeps_no_connection_alive",
    "GT405": "test_keepalive_is_not_applied",
    "GT406": "test_asgi_listens_with_a_queue_of_100",
    "GT407": "test_limits_do_not_hold_on_other_parsers",
    "GT408": "test_uvicorn_does_not_see_the_asgi_settings",
    "GT409": "test_request_hooks_are_not_called",
    "GT422": "test_timeout_ends_no_request_outside_sync",
    "GT423": "test_an_asgi_app_fails_on_a_wsgi_class",
    "GT424": "test_a_wsgi_app_fails_on_an_asgi_class",
    "GT425": "test_tornado_serves_a_wsgi_app_one_request_at_a_time",
    "GT430": "test_gevent_counts_connections_per_address",
    "GT431": "test_asgi_waits_for_a_closed_connection_on_stop",
}
SLOW_APP = """
import time


def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(4)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]
"""
BACKLOG_APP = """
import os
import socket
import struct


def backlog():
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            found = socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        with found:
            if found.family == socket.AF_INET and found.getsockopt(socket.SOL_SOCKET, 30):
                return struct.unpack_from("I", found.getsockopt(socket.IPPROTO_TCP, 11, 104), 28)[0]


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    body = str(backlog()).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


@pytest.mark.parametrize(("number", "interface"), [(0, "wsgi"), (1, "asgi"), (2, "asgi")])
def test_threads_start_none_on_other_classes(place: Place, number: int, interface: str) -> None:
    place.take(interface)
    conf = example("GT401", number).replace("uvicorn.workers.", "uvicorn_worker.")
    with place.serve(conf, "--workers", "1") as server:
        (pid,) = await_booted(server, 1)
        with holding(server, place.held, 3) as held:
            await_in_flight(held, 3)
            assert server.threads(pid) == 1


@pytest.mark.parametrize("number", [0, 2])
def test_asgi_takes_more_connections_than_it_is_told(place: Place, number: int) -> None:
    place.take("asgi")
    conf = example("GT402", number)
    with (
        place.serve(conf, "--worker-connections", "2") as server,
        holding(server, place.held, 6) as held,
    ):
        await_in_flight(held, 6, of_one_worker=True)


def test_sync_keeps_no_connection_alive(place: Place) -> None:
    place.app(VERSION_APP)
    with place.serve(example("GT403")) as server:
        assert closes(server)
    with place.serve(example("GT403"), "-k", "gthread") as server:
        assert not closes(server)


@pytest.mark.parametrize(
    ("number", "release", "interface"), [(0, "newest", "wsgi"), (1, "25.3.0", "asgi")]
)
def test_keepalive_is_not_applied(place: Place, number: int, release: str, interface: str) -> None:
    place.take(interface)
    with place.serve(example("GT405", number), release=release) as server:
        assert answers_twice(server, 3)
    place.take("wsgi")
    with place.serve(example("GT405", number), "-k", "gthread", release=release) as server:
        assert not answers_twice(server, 3)


def test_asgi_listens_with_a_queue_of_100(place: Place) -> None:
    place.app(BACKLOG_APP)
    most = int(Path("/proc/sys/net/core/somaxconn").read_text(encoding="ascii"))
    with place.serve(example("GT406")) as server:
        assert server.get()[1] == b"100"
    with place.serve(example("GT406"), "-k", "uvicorn_worker.UvicornWorker") as server:
        assert int(server.get()[1]) == min(most, 4096)


def test_limits_do_not_hold_on_other_parsers(place: Place) -> None:
    headers = {f"X-Header-{number}": "x" for number in range(20)}
    place.take("asgi")
    with place.serve(example("GT407")) as server:
        assert server.request("GET", "/", headers=headers)[0] == 200
    with place.serve(example("GT407"), "-k", "asgi") as server:
        assert server.request("GET", "/", headers=headers)[0] in (400, 431)
    place.take("wsgi")
    with place.serve(example("GT407", 1)) as server:
        assert server.get("/" + "x" * 400)[0] == 200
    with place.serve(example("GT407", 1), "-k", "gthread") as server:
        assert server.get("/" + "x" * 400)[0] in (400, 414)


def test_uvicorn_does_not_see_the_asgi_settings(place: Place) -> None:
    place.app(BACKLOG_APP)  # which knows no lifespan
    with place.serve(example("GT408")) as server:
        assert answers(server)
    with pytest.raises(BootError), place.serve(example("GT408"), "-k", "asgi"):
        pass


@pytest.mark.parametrize(
    ("number", "interface", "other"), [(0, "asgi", "asgi"), (1, "wsgi", "gthread")]
)
def test_request_hooks_are_not_called(
    place: Place, number: int, interface: str, other: str
) -> None:
    place.take(interface)
    with place.serve(example("GT409", number)) as server:
        assert answers(server)
        assert "seen" not in server.log()
    with place.serve(example("GT409", number), "-k", other) as server:
        assert answers(server)
        until(lambda: "seen" in server.log())


def test_timeout_ends_no_request_outside_sync(place: Place) -> None:
    place.app(SLOW_APP)
    with place.serve(example("GT422"), "--timeout", "1") as server:
        assert answers(server, "/slow", 20)
    with place.serve(example("GT422"), "--timeout", "1", "-k", "sync", "--threads", "1") as server:
        assert not answers(server, "/slow", 20)
        assert "WORKER TIMEOUT" in server.log()


def test_an_asgi_app_fails_on_a_wsgi_class(place: Place) -> None:
    place.take("asgi")
    for worker_class in ("sync", "gthread", "gevent"):
        with place.serve(example("GT423"), "-k", worker_class) as server:
            assert [server.get()[0] for _ in range(3)] == [500, 500, 500]


@pytest.mark.parametrize("number", [0, 1])
def test_a_wsgi_app_fails_on_an_asgi_class(place: Place, number: int) -> None:
    place.take("wsgi")
    conf = example("GT424", number).replace("uvicorn.workers.", "uvicorn_worker.")
    with place.serve(conf) as server:
        assert [server.get()[0] for _ in range(3)] == [500, 500, 500]


def test_tornado_serves_a_wsgi_app_one_request_at_a_time(place: Place) -> None:
    place.take("wsgi")
    with place.serve(example("GT425")) as server, holding(server, place.held, 1) as held:
        await_in_flight(held, 1)
        assert not answers(server)


def test_gevent_counts_connections_per_address(place: Place) -> None:
    place.take("wsgi")
    with (
        place.serve(example("GT430"), "--bind", "unix:second.sock") as server,
        holding(server, place.held, 1) as held,
        socket.socket(socket.AF_UNIX) as second,
    ):
        await_in_flight(held, 1)
        second.connect(str(place.folder / "second.sock"))
        second.sendall(b"GET /hold HTTP/1.0\r\n\r\n")
        await_in_flight(held, 2, of_one_worker=True)
        assert not answers(server)


def test_asgi_waits_for_a_closed_connection_on_stop(place: Place) -> None:
    place.take("asgi")
    for release, waits in (("25.3.0", True), ("newest", False)):
        with place.serve(example("GT431"), "--graceful-timeout", "2", release=release) as server:
            await_booted(server, 1)
            assert server.request("GET", "/", headers={"Connection": "close"})[0] == 200
            os.kill(server.master_pid, signal.SIGTERM)
            until(lambda: "Shutting down: Master" in server.log())
            assert ("connections to finish" in server.log()) is waits, server.log()
