"""What the rules on preload_app and reuse_port say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest

from effect import address
from effect_workers import NEW_APP, VERSION_APP, Place, answers, example, until, without
from held import await_booted, await_in_flight, holding

if TYPE_CHECKING:
    from pathlib import Path

    from serving import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are told by their /proc")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT416": "test_reload_serves_old_code_of_a_preloaded_app",
    "GT417": "test_a_preloaded_app_blocks_gevent",
    "GT418": "test_hup_keeps_the_code_of_a_preloaded_app",
    "GT419": "test_reuse_port_loses_requests_of_a_recycled_worker",
    "GT420": "test_reuse_port_lets_requests_wait_beside_an_idle_worker",
}
SLEEPER_APP = """
import os
from pathlib import Path
from time import sleep

HELD = Path(os.environ["HELD"])


def app(environ, start_response):
    if environ["PATH_INFO"] == "/hold":
        (HELD / f"{os.getpid()}.1").touch()
        while not (HELD / "let-go").exists():
            sleep(0.02)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"{}"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


@pytest.mark.parametrize("preloaded", [True, False])
def test_reload_serves_old_code_of_a_preloaded_app(place: Place, preloaded: bool) -> None:
    conf = example("GT416")
    place.app(VERSION_APP)
    with place.serve(conf if preloaded else without(conf, "preload_app")) as server:
        before = await_booted(server, 1)
        place.app(NEW_APP)
        until(lambda: server.worker_pids() not in (before, []))
        assert server.get()[1] == (b"old" if preloaded else b"new")


@pytest.mark.parametrize("preloaded", [True, False])
def test_hup_keeps_the_code_of_a_preloaded_app(place: Place, preloaded: bool) -> None:
    place.app(VERSION_APP)
    with place.serve(example("GT418") if preloaded else "") as server:
        (before,) = await_booted(server, 1)
        place.app(NEW_APP)
        os.kill(server.master_pid, signal.SIGHUP)
        until(lambda: before not in server.worker_pids() and server.worker_pids())
        assert server.get()[1] == (b"old" if preloaded else b"new")


def test_a_preloaded_app_blocks_gevent(place: Place) -> None:
    place.app(SLEEPER_APP)
    for conf, serves in (
        (example("GT417"), False),
        (without(example("GT417"), "preload_app"), True),
        ("from gevent import monkey; monkey.patch_all()\n" + example("GT417"), True),
    ):
        with place.serve(conf) as server, holding(server, place.held, 1) as held:
            await_in_flight(held, 1)
            assert answers(server) is serves


@pytest.mark.parametrize("release", ["25.3.0", "newest"])
def test_reuse_port_loses_requests_of_a_recycled_worker(place: Place, release: str) -> None:
    place.take("wsgi")
    conf = example("GT419")
    assert _answered_by_a_recycled_worker(place, conf, release) == 0
    assert _answered_by_a_recycled_worker(place, without(conf, "reuse_port"), release) == 4


def _answered_by_a_recycled_worker(place: Place, conf: str, release: str) -> int:
    """Of four requests that wait while the worker is at its last one."""
    with place.serve(conf, release=release) as server, ThreadPoolExecutor(5) as clients:
        until(server.worker_pids)
        last = clients.submit(_until_held, server, place.held)
        until(lambda: list(place.held.iterdir()))
        waiting = [clients.submit(answers, server, "/", 15) for _ in range(4)]
        until(lambda: _clients_of(server) >= 5)
        (place.held / "let-go").touch()
        assert last.result()
        return sum(request.result() for request in waiting)


def _until_held(server: Server, held: Path) -> bool:
    """A request that comes to be held, however often a stopping worker drops it."""
    while not answers(server, "/hold", timeout_s=30):
        assert not (held / "let-go").exists()
    return True


def _clients_of(server: Server) -> int:
    """Connections to the server from this process."""
    return sum(
        item.status == psutil.CONN_ESTABLISHED and item.raddr == address(server)
        for item in psutil.Process().net_connections()
    )


def test_reuse_port_lets_requests_wait_beside_an_idle_worker(place: Place) -> None:
    place.take("wsgi")
    conf = example("GT420")
    assert _unanswered_beside_an_idle_worker(place, conf) > 0
    assert _unanswered_beside_an_idle_worker(place, without(conf, "reuse_port")) == 0


def _unanswered_beside_an_idle_worker(place: Place, conf: str) -> int:
    """Of thirty requests while one of two workers is busy."""
    with place.serve(conf) as server:
        await_booted(server, 2)
        with holding(server, place.held, 1) as held, ThreadPoolExecutor(30) as clients:
            await_in_flight(held, 1)
            sent = [clients.submit(answers, server, "/", 3) for _ in range(30)]
            return sum(not request.result() for request in sent)
