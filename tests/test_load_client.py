"""One client: every answer that HTTP/1.1 allows ends where it ends, however it is cut."""

from __future__ import annotations

import http.client
import io
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunitune.load.client import Client, Encoded
from gunitune.load.response import (
    HEAD_MOST_BYTES,
    HEADS_KEPT,
    UNTIL_CLOSE,
    Chunks,
    Heads,
    MalformedError,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.load.loop import Loop

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Noting:
    """Stands in for the event loop, so that the bytes arrive exactly as the test cuts them."""

    def __init__(self) -> None:
        self.outcomes: list[int | str] = []
        self.retries = 0

    def done(self, _: Client, outcome: int | str) -> None:
        self.outcomes.append(outcome)

    def forget(self, number: int) -> None:
        assert number >= 0


@contextmanager
def asked(
    *, bodiless: bool = False, request: Encoded | None = None
) -> Iterator[tuple[Noting, Client, socket.socket]]:
    """A client that has sent its request, and the server's end of its connection."""
    loop = Noting()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        client = Client(cast("Loop", loop))
        client._socket, client._number = ours, ours.fileno()
        client._send, client._receive = ours.send, ours.recv
        usual = Encoded(b"GET / HTTP/1.1\r\n\r\n", Heads(bodiless=bodiless), again=True)
        client.ask(request or usual, 0.0)
        yield loop, client, theirs


def outcome(*pieces: bytes, bodiless: bool = False, ends: bool = False) -> int | str | None:
    """What the client makes of an answer that comes in these pieces; None: it still waits."""
    with asked(bodiless=bodiless) as (loop, client, theirs):
        for piece in pieces:
            theirs.sendall(piece)
            client.readable()
        if ends:
            theirs.shutdown(socket.SHUT_WR)
            client.readable()
        assert len(loop.outcomes) <= 1
        assert client.asks is not bool(loop.outcomes)
        return loop.outcomes[0] if loop.outcomes else None


@pytest.mark.parametrize("keep", [True, False])
def test_only_where_each_has_its_own_connection_does_the_length_of_one_answer_count(
    keep: bool,
) -> None:
    """A shorter answer on a kept connection would not be seen until the server closes that."""
    answer = b"HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    request = Encoded(b"GET / HTTP/1.1\r\n\r\n", Heads(keep=keep), again=True)
    with asked(request=request) as (loop, client, theirs):
        theirs.sendall(answer)
        client.readable()
        assert loop.outcomes == [500]
    assert request.whole == (0 if keep else len(answer))


ANSWERS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200),
    "no body": (b"HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", 404),
    "no content": (b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n!", 200),
    "chunked": (CHUNKED + b"5\r\nhello\r\nA;q=1\r\n0123456789\r\n0\r\n\r\n", 200),
    "trailer": (CHUNKED + b"1\r\n\r\r\n000\r\nX: 1\r\nY: 2\r\n\r\n", 200),
    "repeated length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 200),
    "both": (CHUNKED[:-2] + b"Content-Length: 999\r\n\r\n0\r\n\r\n", 200),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_cut_anywhere_ends_with_its_last_byte(name: str) -> None:
    data, status = ANSWERS[name]
    assert outcome(data) == status
    assert outcome(*(data[at : at + 1] for at in range(len(data)))) == status
    for cut in range(1, len(data)):
        assert outcome(data[:cut]) is None
        assert outcome(data[:cut], data[cut:]) == status


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_the_server_cuts_short_is_no_success(name: str) -> None:
    data, _ = ANSWERS[name]
    for cut in range(len(data)):
        assert outcome(data[:cut] or b"H", ends=True) == "closed early"


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    assert outcome(b"HTTP/1.1 200 OK\r\n\r\nsome", b"text") is None
    assert outcome(b"HTTP/1.1 200 OK\r\n\r\nsome", b"text", ends=True) == 200
    assert outcome(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ends=True) == 200


def test_the_answer_to_head_has_no_body_whatever_it_announces() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert outcome(head, bodiless=True) == 200
    assert outcome(CHUNKED, bodiless=True) == 200
    assert outcome(head, bodiless=False) is None


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 600 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n folded: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmore than two",
        b"HTTP/1.1 204 No Content\r\n\r\nand yet",
        CHUNKED + b"xyz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"0\r\n\r\nmore",
        CHUNKED + b"1" * (HEAD_MOST_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * HEAD_MOST_BYTES,
    ],
)
def test_what_is_no_answer_is_malformed(data: bytes) -> None:
    pieces = [data[at : at + 30_000] for at in range(0, len(data), 30_000)]
    with asked() as (loop, client, theirs):
        for piece in pieces:
            theirs.sendall(piece)
            client.readable()
        assert loop.outcomes == ["malformed"]
        assert not client.connected


def test_an_answer_that_nothing_asked_for_closes_the_connection() -> None:
    with asked() as (loop, client, theirs):
        theirs.sendall(ANSWERS["length"][0])
        client.readable()
        client.readable()  # nothing to read yet
        kept = client.connected
        theirs.sendall(b"and more")
        client.readable()
        assert (kept, client.connected) == (True, False)
        assert loop.outcomes == [200]


def test_a_connection_that_breaks_while_idle_is_no_error() -> None:
    with asked() as (loop, client, theirs):
        theirs.sendall(ANSWERS["length"][0])  # the request is still unread: closing resets
        client.readable()
        theirs.close()
        client.readable()
        assert not client.connected
        assert loop.outcomes == [200]


def test_the_same_answer_again_is_known_again_and_another_one_is_not_taken_for_it() -> None:
    first, second = ANSWERS["length"][0], ANSWERS["no body"][0]
    with asked() as (loop, client, theirs):
        for data in (first, first, second, first, ANSWERS["chunked"][0], first):
            theirs.sendall(data)
            client.readable()
            client.ask(client._request, 0.0)
        assert loop.outcomes == [200, 200, 404, 200, 200, 200]


def test_heads_are_kept_within_bounds() -> None:
    heads = Heads(bodiless=False)
    for number in range(HEADS_KEPT * 2 + 1):
        assert heads[b"HTTP/1.1 200 OK\r\nContent-Length: %d" % number] == (200, number, True)
    assert len(heads) <= HEADS_KEPT


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x\r\nconnection: close", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive", True),
        (b"HTTP/1.1 200 OK", False),
    ],
)
def test_a_connection_is_kept_where_both_sides_may(head: bytes, *, keep: bool) -> None:
    assert parse(head, bodiless=False)[2] is keep


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.lists(st.integers(1, 12), min_size=1),
)
@settings(max_examples=200, deadline=None)
def test_chunks_end_with_the_last_byte_however_they_are_fed(
    bodies: list[bytes], steps: list[int]
) -> None:
    data = b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies) + b"0\r\n\r\n"
    chunks, at, turn = Chunks(), 0, 0
    while at < len(data):
        step = steps[turn % len(steps)]
        assert chunks.feed(data[at : at + step]) is (at + step >= len(data))
        at, turn = at + step, turn + 1


@given(st.binary(max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_an_answer_or_malformed_or_wait_for_more(data: bytes) -> None:
    assert outcome(b"HTTP/1.1 200 OK\r\n" + data) in {None, 200, "malformed"}


@given(
    st.integers(200, 599),
    st.integers(0, 10_000),
    st.sampled_from([b"", b"\r\nConnection: close", b"\r\nConnection: keep-alive"]),
    st.sampled_from([b"", b"\r\nTransfer-Encoding: chunked"]),
)
@settings(max_examples=200, deadline=None)
def test_heads_are_read_as_the_standard_library_reads_them(
    status: int, length: int, connection: bytes, coding: bytes
) -> None:
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d" % (status, length) + connection + coding

    class Sock:
        """A connection of which http.client wants the file alone."""

        def makefile(self, *_: object, **__: object) -> io.BytesIO:
            return io.BytesIO(head + b"\r\n\r\n")

    oracle = http.client.HTTPResponse(cast("socket.socket", Sock()), method="GET")
    oracle.begin()
    found, size, keep = parse(head, bodiless=False)
    assert (found, keep) == (oracle.status, not oracle.will_close)
    assert (size >= 0) is not oracle.chunked or oracle.length == 0
    if size >= 0:
        assert size == oracle.length


def test_an_unknown_coding_ends_with_the_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip"
    assert parse(head, bodiless=False) == (200, UNTIL_CLOSE, False)


def test_a_chunk_size_is_hexadecimal() -> None:
    with pytest.raises(MalformedError):
        Chunks().feed(b"0x5\r\nhello\r\n")
