"""What the rules on gthread say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from effect import address
from effect_workers import (
    VERSION_APP,
    Place,
    accepted,
    answers,
    closes,
    example,
    idle_connections,
    until,
    without,
)
from held import await_booted, await_in_flight, holding

if TYPE_CHECKING:
    from pathlib import Path

    from serving import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are told by their /proc")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT410": "test_sync_with_threads_is_gthread",
    "GT411": "test_gthread_with_one_thread_answers_one_request_at_a_time",
    "GT412": "test_gthread_keeps_what_an_idle_sibling_could_serve",
    "GT413": "test_gthread_hangs_for_good_on_idle_connections",
    "GT414": "test_gthread_with_few_spare_connections_starves_clients",
    "GT415": "test_gthread_without_room_keeps_no_connection_alive",
    "GT432": "test_idle_connections_hold_the_threads_of_old_releases",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    return Place(tmp_path)


def test_sync_with_threads_is_gthread(place: Place) -> None:
    place.take("wsgi")
    with place.serve(example("GT410")) as server:
        assert "Using worker: gthread" in server.log()
        with holding(server, place.held, 4) as held:
            await_in_flight(held, 4, of_one_worker=True)


def test_gthread_with_one_thread_answers_one_request_at_a_time(place: Place) -> None:
    place.take("wsgi")
    with place.serve(example("GT411")) as server, holding(server, place.held, 1) as held:
        await_in_flight(held, 1)
        assert not answers(server)


def test_gthread_keeps_what_an_idle_sibling_could_serve(place: Place) -> None:
    place.take("wsgi")
    assert _in_flight_beside_a_sibling(place) == 2
    assert _in_flight_beside_a_sibling(place, "--worker-connections", "2") == 4


def _in_flight_beside_a_sibling(place: Place, *more: str) -> int:
    """Requests in flight of six, where one of the two workers was not there to accept any."""
    with place.serve(example("GT412"), "--keep-alive", "0", *more) as server:
        pid, other = await_booted(server, 2)
        os.kill(other, signal.SIGSTOP)
        try:
            with holding(server, place.held, 6) as held:
                await_in_flight(held, 2)
                until(lambda: accepted(pid) == (2 if more else 6))
                os.kill(other, signal.SIGCONT)
                if more:
                    await_in_flight(held, 4)
                else:  # the sibling answers what it gets, and it has nothing else to do
                    until(lambda: answers(server, timeout_s=0.3))
                return held.in_flight().total()
        finally:
            os.kill(other, signal.SIGCONT)


def test_gthread_hangs_for_good_on_idle_connections(place: Place) -> None:
    place.take("wsgi")
    for release, recovers in (("23.0.0", False), ("newest", True)):
        with place.serve(example("GT413"), release=release) as server:
            with idle_connections(server, 5):
                pass
            assert answers(server, timeout_s=5) is recovers
            assert len(server.worker_pids()) == 1


def test_gthread_with_few_spare_connections_starves_clients(place: Place) -> None:
    place.app(
        VERSION_APP.replace("def app", "import time\n\n\ndef app").replace(
            "    start_response", "    time.sleep(0.005)\n    start_response"
        )
    )
    starved, served = _least_served(place), _least_served(place, "--worker-connections", "4")
    assert starved < served


def _least_served(place: Place, *more: str) -> int:
    """Answers that the worst off of 24 clients has when another has 200."""
    with place.serve(example("GT414"), *more) as server, ThreadPoolExecutor(24) as clients:
        counts = [0] * 24
        for done in [clients.submit(_go_on, server, counts, who) for who in range(24)]:
            done.result()
    return min(counts)


def _go_on(server: Server, counts: list[int], who: int) -> None:
    """Requests on one connection, for as long as the server keeps it, until one client has 200."""
    connection = http.client.HTTPConnection(*address(server), timeout=20)
    while max(counts) < 200:
        connection.request("GET", "/")
        connection.getresponse().read()
        counts[who] += 1
    connection.close()


def test_gthread_without_room_keeps_no_connection_alive(place: Place) -> None:
    place.app(VERSION_APP)
    with place.serve(example("GT415")) as server:
        assert closes(server)
        assert "No keepalived connections can be handled" in server.log()
    with place.serve(without(example("GT415"), "worker_connections")) as server:
        assert not closes(server)


def test_idle_connections_hold_the_threads_of_old_releases(place: Place) -> None:
    place.take("wsgi")
    for release, serves in (("20.1.0", False), ("23.0.0", True)):
        with place.serve(example("GT432"), release=release) as server:
            with idle_connections(server, 2):
                assert answers(server, timeout_s=4) is serves
            assert answers(server)
