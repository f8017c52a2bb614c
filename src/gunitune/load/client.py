"""Asks on one connection, and finds the end and status of each answer."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.load.response import (
    CHUNKED,
    HEAD_MOST_BYTES,
    INTERIM,
    UNTIL_CLOSE,
    Chunks,
    Heads,
    MalformedError,
)

if TYPE_CHECKING:
    from gunitune.load.loop import Loop

READ_BYTES = 65_536
HEAD_END = b"\r\n\r\n"
OPEN = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
LARGE_BYTES = 16_384  # a request that may need several segments
KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EADDRNOTAVAIL: "no free port",
}


@dataclass(slots=True)
class Encoded:
    """A request as it is sent, and what its answers look like.

    `heads` are the heads seen so far, parsed; `last` is the last answer that came in one piece,
    with `status` and `keep`: an app that says the same again need not be parsed again. `whole` is
    how many bytes the next answer is expected to have, 0 where its connection may be kept.
    """

    payload: bytes
    heads: Heads
    again: bool  # may be sent again where a kept connection turns out to be closed
    last: bytes = b"-"
    status: int = 0
    keep: bool = False
    whole: int = 0


class Client:
    """One client: at most one connection, opened when there is a request to send."""

    __slots__ = (
        "_chunks", "_held", "_keep", "_left", "_loop", "_number", "_plain", "_receive", "_request",
        "_reused", "_send", "_socket", "_status", "_unsent", "asks", "due",
    )  # fmt: skip
    _request: Encoded
    _number: int

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._socket: socket.SocketType | None = None
        self._reused = False
        self._unsent = b""
        self._held = b""  # the beginning of a head
        self._status = 0  # of an answer whose body still comes
        self._left = 0  # of that body, or how else it ends
        self._keep = False
        self._chunks = Chunks()
        self._plain = False  # the request is sent, and nothing of its answer has come
        self.asks = False
        self.due = 0.0

    @property
    def connected(self) -> bool:
        """Whether its connection is open, or being opened."""
        return self._socket is not None

    def ask(self, request: Encoded, due: float) -> None:
        """Send the request, on the open connection where there is one; it was due at `due`."""
        self._request = request
        self._plain = self.asks = True
        self.due = due
        payload = request.payload
        try:
            if self._socket is None:
                self._connect()
            sent = self._send(payload)
        except BlockingIOError:  # still connecting
            sent = 0
        except OSError as error:
            self._lose(_kind(error))
            return
        if sent != len(payload):
            self._plain = False
            self._unsent = payload[sent:]
            self._loop.rewatch(self._number, sends=True)

    def _connect(self) -> None:
        """Open a connection; it may still be under way when this returns. OSError if none."""
        loop = self._loop
        self._socket = opened = socket.SocketType(loop.family, OPEN)
        self._number = opened.fileno()
        self._reused = False
        self._send, self._receive = opened.send, opened.recv
        if len(self._request.payload) > LARGE_BYTES:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._request.whole:
            # Gunicorn sends head and body apart: one look for both, or earlier for the end
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, self._request.whole)
        loop.connections += 1
        code = opened.connect_ex(loop.address)
        if code and code != errno.EINPROGRESS:
            raise OSError(code, os.strerror(code))
        loop.watch(self._number, self)

    def writable(self) -> None:
        """Send what is left of the request."""
        try:
            self._unsent = self._unsent[self._send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_kind(error))
            return
        if not self._unsent:
            self._loop.rewatch(self._number, sends=False)

    def readable(self) -> None:
        """Take what has arrived; tell the loop when it completes the answer."""
        try:
            data = self._receive(READ_BYTES)
            request = self._request
            if data == request.last and self._plain:
                self._plain = self.asks = False
                self._reused = True
                if not request.keep:
                    self.close()
                self._loop.done(self, request.status)
                return
            self._take(data)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_kind(error))
        except MalformedError:
            self._fail("malformed")

    def _take(self, data: bytes) -> None:
        self._plain = False
        if not data:
            self._ended()
        elif self._status:
            self._body(data)
        elif self.asks:
            self._head(self._held + data)
        else:
            self.close()  # an answer to nothing

    def _head(self, data: bytes) -> None:
        end = data.find(HEAD_END)
        if end < 0:
            if len(data) > HEAD_MOST_BYTES:
                raise MalformedError
            self._held = data
            return
        self._held = b""
        status, self._left, self._keep = self._request.heads[data[:end]]
        rest = data[end + 4 :]
        if self._left == INTERIM:
            self._head(rest)
            return
        self._status = status
        if self._left == len(rest):
            request = self._request
            request.last, request.status, request.keep = data, status, self._keep
        if self._left == CHUNKED:
            self._chunks = Chunks()
        elif not self._request.heads.keep and 0 < self._left < LARGE_BYTES:
            # each has a connection of its own: a shorter one comes with the end of that
            self._request.whole = end + 4 + self._left
        self._body(rest)

    def _body(self, data: bytes) -> None:
        if self._left >= 0:
            self._left -= len(data)
            if self._left < 0:
                raise MalformedError
            ended = not self._left
        else:
            ended = self._left == CHUNKED and self._chunks.feed(data)
        if ended:
            self._finish()

    def _finish(self) -> None:
        status, self._status = self._status, 0
        self.asks = False
        self._reused = True
        if not self._keep or self._unsent:
            self.close()
        self._loop.done(self, status)

    def _ended(self) -> None:
        """The server closed the connection."""
        if not self.asks:
            self.close()
        elif self._status and self._left == UNTIL_CLOSE:
            self._finish()
        else:
            self._lose("closed early")

    def _lose(self, kind: str) -> None:
        """The connection broke; one that was kept open may have been closed before the request."""
        unanswered = self.asks and not (self._held or self._status)
        if self._reused and unanswered and self._request.again:
            self.close()
            self._loop.retries += 1
            self.ask(self._request, self.due)
        else:
            self._fail(kind)

    def expire(self) -> None:
        """Give the request up: it took too long."""
        self._fail("timeout")

    def _fail(self, kind: str) -> None:
        self.close()
        self._held = b""
        self._status = 0
        if self.asks:
            self.asks = self._plain = False
            self._loop.done(self, kind)

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._unsent = b""
        if self._socket is not None:
            self._loop.forget(self._number)
            self._socket.close()
            self._socket = None


def _kind(error: OSError) -> str:
    return KINDS.get(error.errno or 0) or os.strerror(error.errno or 0).lower()
