"""A server on loopback that answers as its path says, and counts what it got: test support."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
STALL_S = 0.3


@dataclass
class Answering:
    """What the server got: requests by path, their first bytes, connections; `port` is its own."""

    port: int
    paths: Counter[str] = field(default_factory=Counter)
    heads: list[bytes] = field(default_factory=list)
    bodies: Counter[bytes] = field(default_factory=Counter)
    connections: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stalled: bool = False

    @property
    def requests(self) -> int:
        """All that came."""
        return self.paths.total()


class End(Exception):  # noqa: N818  (no error: the connection ends)
    """The connection is to be closed."""


def _chunked(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
    peer.sendall(b"lo\r\n1;x=y\r\n!\r")
    peer.sendall(b"\n0\r\nX-Trailer: 1\r\n\r\n")


def _end(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(peer: socket.socket) -> None:
        for part in parts:
            peer.sendall(part)
        raise End

    return answer


def _reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise End


def _slow(peer: socket.socket) -> None:
    time.sleep(STALL_S)
    peer.sendall(OK)


def _send(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(peer: socket.socket) -> None:
        for part in parts:
            peer.sendall(part)

    return answer


BEHAVIOURS: dict[str, Callable[[socket.socket], None]] = {
    "/": _send(OK),
    "/chunked": _chunked,
    "/interim": _send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", OK),
    "/empty": _send(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "/unchanged": _send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    "/head": _send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    "/large": _send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000),
    "/error": _send(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"),
    "/close": _end(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    "/old": _end(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "/until-close": _end(b"HTTP/1.1 200 OK\r\n\r\nsome ", b"text"),
    "/cut": _end(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
    "/nothing": _end(),
    "/reset": _reset,
    "/junk": _send(b"SSH-2.0-OpenSSH\r\n\r\n"),
    "/more": _send(OK + b"and more"),
    "/slow": _slow,
}


@contextmanager
def answering(
    once: Callable[[Answering, socket.socket], None] | None = None,
) -> Iterator[Answering]:
    """Serve on a free port, a thread for each connection; `once` may act before each answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        got = Answering(listener.getsockname()[1])
        peers: list[socket.socket] = []

        def serve(peer: socket.socket) -> None:
            with suppress(OSError, End), peer:
                buffered = b""
                while True:
                    path, buffered = _read(got, peer, buffered)
                    if once:
                        once(got, peer)
                    BEHAVIOURS[path](peer)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    got.connections += 1
                    peers.append(peer)
                    threading.Thread(target=serve, args=(peer,), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield got
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for peer in peers:
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)


def _read(got: Answering, peer: socket.socket, buffered: bytes) -> tuple[str, bytes]:
    """The path of the next request, and what came after it. End where there is none."""
    while b"\r\n\r\n" not in buffered:
        buffered += _some(peer)
    head, _, rest = buffered.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name == b"Content-Length":
            length = int(value)
    body = bytearray(rest)
    while len(body) < length:
        body += _some(peer)
    rest = bytes(body)
    path = head.split(b" ", 2)[1].decode()
    with got.lock:
        got.paths[path] += 1
        got.heads.append(head)
        got.bodies[rest[:length]] += 1
    return path, rest[length:]


def _some(peer: socket.socket) -> bytes:
    data = peer.recv(65_536)
    if not data:
        raise End
    return data
