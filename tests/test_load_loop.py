"""The event loop: what a server on loopback got is what was counted, closed loop and open."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from array import array
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from answering import STALL_S, Answering, answering
from gunitune.load import arrivals
from gunitune.load.embedded import job
from gunitune.load.loop import TICK_S, picked
from gunitune.load.program import Caller, loop_of, results
from gunitune.load.tally import tallied
from gunitune.trial import Load, Request

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's two ends, closed afterwards."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def loaded(
    load: Load, port: int, host: str = "127.0.0.1", most: int = 1000
) -> tuple[dict[str, Any], array[float], array[float]]:
    """Run the load in this process: what the program would tell, latencies and lags in seconds."""
    with pipe() as (inside, caller), pipe() as (out, announced):
        loop = loop_of(job(load, host, port, frozenset()), most, announced)
        loop.watch(inside, Caller(inside, loop))
        os.write(caller, b"stop\n")  # the load need not go on after its window
        loop.run()
        line, latencies, lags = results(loop)
        words = os.read(out, 1000).split()
        assert words[::2] == [b"start", b"end"]
        assert float(words[3]) - float(words[1]) == pytest.approx(load.duration_s)
    return json.loads(line), array("d", latencies), array("d", lags)


def short(path: str = "/", **changes: Any) -> Load:
    """Two clients for a moment; the window begins at once."""
    usual: dict[str, Any] = {"concurrency": 2, "warmup_s": 0.0, "duration_s": 0.2, "timeout_s": 5.0}
    usual["requests"] = (Request(path, changes.pop("method", "GET")),)
    return Load(**{**usual, **changes})


def test_a_closed_loop_counts_every_answer_of_its_window() -> None:
    with answering() as got:
        told, latencies, _ = loaded(short(concurrency=3), got.port)
    assert 0 < told["served"] <= got.requests <= told["served"] + 3 + told["served"] // 5
    assert len(latencies) == told["served"] == sum(told["slices"])
    assert (told["errors"], told["connections"]) == ({}, 3)
    assert got.connections <= 3
    assert min(latencies) > 0
    assert told["cpu_s"] > 0


def test_a_request_has_the_headers_that_a_browser_would_send() -> None:
    with answering() as got:
        loaded(short(), got.port)
    assert set(got.heads) == {
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{got.port}\r\n"
        "User-Agent: gunitune\r\nAccept: */*".encode()
    }


@pytest.mark.parametrize(
    "path", ["/chunked", "/interim", "/empty", "/large", "/close", "/old", "/until-close"]
)
def test_every_framing_is_served_without_error(path: str) -> None:
    with answering() as got:
        told, _, _ = loaded(short(path), got.port)
    assert told["served"] > 0
    assert told["errors"] == {}
    closed = path in {"/close", "/old", "/until-close"}
    assert (got.connections > 2) is closed
    assert told["retries"] == 0


def test_the_answer_to_head_ends_with_its_head() -> None:
    with answering() as got:
        told, _, _ = loaded(short("/head", method="HEAD"), got.port)
    assert told["served"] > 0
    assert (told["errors"], told["connections"]) == ({}, 2)
    assert got.heads[0].startswith(b"HEAD /head ")


def test_each_request_may_have_a_connection_of_its_own() -> None:
    with answering() as got:
        told, _, _ = loaded(short(keep_alive=False), got.port)
    assert told["served"] > 2
    assert all(head.endswith(b"\r\nConnection: close") for head in got.heads)
    assert got.requests <= got.connections <= got.requests + 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/error", "status 500"),
        ("/unchanged", "status 304"),
        ("/cut", "closed early"),
        ("/nothing", "closed early"),
        ("/reset", "reset"),
        ("/junk", "malformed"),
        ("/more", "malformed"),
    ],
)
def test_what_is_not_served_is_an_error_of_its_kind(path: str, kind: str) -> None:
    with answering() as got:
        told, latencies, _ = loaded(short(path), got.port)
    assert told["served"] == len(latencies) == 0
    assert list(told["errors"]) == [kind]
    assert 0 < told["errors"][kind] <= got.requests


def test_a_status_may_be_expected_in_place_of_success() -> None:
    with answering() as got:
        load = short(requests=(Request("/error"), Request("/")), expect=frozenset({500}))
        told, _, _ = loaded(load, got.port)
    assert told["served"] > 0
    assert list(told["errors"]) == ["status 200"]


def test_a_client_that_failed_rests_before_it_asks_again() -> None:
    with answering() as got:
        loaded(short("/error", concurrency=1, duration_s=0.5), got.port)
    assert 2 <= got.requests <= 0.5 / TICK_S + 2


def test_nobody_listening_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    closed, _, _ = loaded(short(), port)
    opened, _, lags = loaded(short(rps=100.0, duration_s=0.2), port)
    assert list(closed["errors"]) == list(opened["errors"]) == ["refused"]
    assert opened["errors"]["refused"] == len(lags) > 0
    assert closed["served"] == opened["served"] == 0


def test_a_request_that_takes_too_long_is_given_up() -> None:
    with answering() as got:
        told, _, _ = loaded(short("/slow", duration_s=0.3, timeout_s=0.1), got.port)
    assert told["served"] == 0
    assert list(told["errors"]) == ["timeout"]
    assert told["connections"] >= 4  # two at first, and anew after the first timeout


def test_a_request_that_is_open_all_through_the_window_shows_in_the_latencies() -> None:
    with answering() as got:
        load = short("/slow", warmup_s=0.05, duration_s=0.1)
        told, latencies, _ = loaded(load, got.port)
    assert told["served"] == 0
    assert told["errors"] == {}
    assert len(latencies) == 2
    assert min(latencies) >= 0.15


def test_a_kept_connection_that_was_closed_meanwhile_is_no_error() -> None:
    def close_the_second(got: Answering, peer: socket.socket) -> None:
        if got.requests % 2 == 0:
            peer.close()

    with answering(close_the_second) as got:
        told, _, _ = loaded(short(concurrency=1), got.port)
        refused, _, _ = loaded(short(concurrency=1, method="POST"), got.port)
    assert told["errors"] == {}
    assert told["retries"] > 0
    assert told["served"] > 0
    # What may have changed something is not sent twice.
    assert list(refused["errors"]) in (["closed early"], ["reset"])


def test_requests_come_by_their_weights_and_the_same_ones_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[int]:
        load = short(seed=seed, requests=(Request(), Request("/b", weight=3), Request("/c")))
        plan = loop_of(job(load, "127.0.0.1", 1, frozenset()), 10, 1).plan
        return [plan.requests.index(request) for request in islice(picked(plan), 5000)]

    first = drawn(1)
    assert first == drawn(1) != drawn(2)
    assert [round(first.count(number) / 1000) for number in range(3)] == [1, 3, 1]


def test_several_kinds_of_requests_are_sent() -> None:
    requests = (Request("/"), Request("/empty", "POST", body=b"x" * 50_000))
    with answering() as got:
        told, _, _ = loaded(short(requests=requests, duration_s=0.3), got.port)
    assert told["errors"] == {}
    assert set(got.paths) == {"/", "/empty"}
    assert set(got.bodies) == {b"", b"x" * 50_000}


def test_a_server_that_breaks_off_while_it_is_sent_to_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        breaking = threading.Thread(target=_break_off, args=(listener,))
        breaking.start()
        request = Request("/", "POST", body=bytes(8_000_000))
        load = short(requests=(request,), concurrency=1, rps=1000.0, duration_s=0.01)
        told, _, _ = loaded(load, listener.getsockname()[1], most=1)
        breaking.join()
    assert told["served"] == 0
    assert set(told["errors"]) <= {"reset", "refused"}
    assert told["errors"]["reset"] >= 1


def _break_off(listener: socket.socket) -> None:
    peer, _ = listener.accept()
    peer.recv(10)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    listener.close()


def test_a_large_request_is_sent_in_as_many_parts_as_it_takes() -> None:
    body = b"0123456789" * 600_000  # more than the sockets' buffers hold
    with answering() as got:
        load = Load(
            requests=(Request("/", "POST", body=body),),
            concurrency=1,
            warmup_s=0.0,
            duration_s=0.3,
        )
        told, _, _ = loaded(load, got.port)
    assert told["errors"] == {}
    assert told["served"] > 0
    assert set(got.bodies) == {body}


def test_a_server_that_accepts_no_connection_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        address = listener.getsockname()
        for _ in range(3):  # until the backlog is full
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
        told, _, _ = loaded(short(timeout_s=0.05), address[1])
    assert (told["served"], list(told["errors"])) == (0, ["timeout"])


def test_an_address_that_can_not_be_connected_to_is_an_error() -> None:
    told, _, _ = loaded(short(), 80, "255.255.255.255")
    assert told["served"] == 0
    assert len(told["errors"]) == 1
    assert "refused" not in told["errors"]


def test_a_request_that_ends_after_the_window_shows_in_the_latencies() -> None:
    with answering() as got, pipe() as (inside, caller), pipe() as (_, announced):
        load = short("/slow", warmup_s=0.05, duration_s=0.1, concurrency=1)
        loop = loop_of(job(load, "127.0.0.1", got.port, frozenset()), 1000, announced)
        loop.watch(inside, Caller(inside, loop))
        threading.Timer(1.5 * STALL_S, os.write, (caller, b"stop\n")).start()
        loop.run()
        tally = tallied(loop)
    assert tally.served == 0
    assert len(tally.latencies) == 1
    assert tally.latencies[0] >= STALL_S


def test_an_ipv6_server_is_loaded_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        served = threading.Thread(target=_answer_once, args=(listener,))
        served.start()
        told, _, _ = loaded(short(concurrency=1), listener.getsockname()[1], "::1")
        served.join()
    assert told["served"] == 1


def _answer_once(listener: socket.socket) -> None:
    peer, _ = listener.accept()
    with peer:
        assert b"\r\nHost: [::1]:" in peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        peer.recv(1)  # the next request is not answered: the connection closes under it


def test_an_open_loop_serves_what_it_offers() -> None:
    with answering() as got:
        told, latencies, lags = loaded(short(rps=200.0, duration_s=0.5), got.port)
    assert told["served"] == got.requests == len(latencies) == len(lags)
    assert 50 < told["served"] < 150
    assert told["errors"] == {}
    assert min(lags) >= 0


def test_an_open_loop_uses_as_many_connections_as_there_are_clients() -> None:
    with answering() as got:
        told, _, _ = loaded(short(rps=400.0, concurrency=5, duration_s=0.3), got.port)
        assert told["connections"] == got.connections >= 5
    with answering() as got:
        told, _, _ = loaded(short(rps=100.0, keep_alive=False, duration_s=0.3), got.port)
        assert told["connections"] == got.connections == got.requests == told["served"]


def test_latency_in_an_open_loop_counts_from_when_a_request_was_due() -> None:
    lock = threading.Lock()

    def stall(got: Answering, _: socket.socket) -> None:
        with lock:  # one after the other, and the tenth holds up all that come meanwhile
            if got.requests >= 10 and not got.stalled:
                got.stalled = True
                threading.Event().wait(STALL_S)

    with answering(stall) as got:
        told, latencies, _ = loaded(short(rps=100.0, duration_s=0.5), got.port)
    assert told["served"] == got.requests == len(latencies)
    held_up = [latency for latency in latencies if latency > STALL_S / 3]
    # Arrivals went on meanwhile, about 30 of them, and two thirds waited that long.
    assert len(held_up) >= 8
    assert max(latencies) >= STALL_S * 0.9


def test_arrivals_wait_in_an_open_loop_that_may_open_no_more_connections() -> None:
    with answering() as got:
        load = short("/slow", rps=12.0, concurrency=1, duration_s=0.3, timeout_s=10.0)
        told, latencies, _ = loaded(load, got.port, most=1)
    assert got.connections == 1
    assert told["served"] == len(latencies) == got.requests > 1
    assert max(latencies) > STALL_S


def test_arrivals_that_are_never_answered_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "DRAIN_LEAST_S", 0.0)
    with answering() as got:
        load = short("/slow", rps=40.0, concurrency=1, duration_s=0.2, timeout_s=10.0)
        told, _, _ = loaded(load, got.port, most=1)
    assert list(told["errors"]) == ["unanswered"]
    assert told["served"] + told["errors"]["unanswered"] > 1


def test_a_kept_connection_that_the_server_closes_while_idle_is_opened_anew() -> None:
    def close_soon(_: Answering, peer: socket.socket) -> None:
        def close() -> None:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

        threading.Timer(0.001, close).start()

    with answering(close_soon) as got:
        told, _, _ = loaded(short(rps=30.0, concurrency=1, duration_s=0.4), got.port)
    assert told["served"] > 1
    assert got.connections > 1
