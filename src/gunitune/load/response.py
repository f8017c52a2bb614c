"""Tells where an HTTP/1.1 response ends, and what its status is."""

from __future__ import annotations

CHUNKED = -1  # in place of a length
UNTIL_CLOSE = -2
INTERIM = -3  # another head follows
HEAD_MOST_BYTES = 65_536
HEADS_KEPT = 512
LENGTH_MOST_DIGITS = 18

# Status, length of the body, whether the connection stays open.
Head = tuple[int, int, bool]


class MalformedError(ValueError):
    """Bytes that are no HTTP/1.1 response."""


class Heads(dict[bytes, Head]):
    """Every head that was parsed so far: a server repeats itself for the length of a second.

    `bodiless` is for the answers to HEAD, whose heads announce a body that does not come; `keep` is
    whether the client would keep the connection.
    """

    def __init__(self, *, bodiless: bool = False, keep: bool = True) -> None:
        super().__init__()
        self._bodiless = bodiless
        self.keep = keep

    def __missing__(self, head: bytes) -> Head:
        """Parse it. MalformedError where it is none."""
        if len(self) >= HEADS_KEPT:
            self.clear()
        status, length, keep = parse(head, bodiless=self._bodiless)
        self[head] = parsed = status, length, keep and self.keep
        return parsed


def parse(head: bytes, *, bodiless: bool) -> Head:
    """Read a head without its empty line. Framing follows RFC 9112, section 6.3."""
    lines = head.split(b"\r\n")
    version, _, rest = lines[0].partition(b" ")
    code = rest[:3]
    if version not in {b"HTTP/1.1", b"HTTP/1.0"} or not _is_status(code):
        raise MalformedError
    status, headers = int(code), _headers(lines[1:])
    tokens = _tokens(headers.get(b"connection", b""))
    keep = b"close" not in tokens if version == b"HTTP/1.1" else b"keep-alive" in tokens
    if status < 200:
        return status, INTERIM, keep
    if bodiless or status in {204, 304}:
        return status, 0, keep
    length = _length(headers)
    return status, length, keep and length != UNTIL_CLOSE


def _is_status(code: bytes) -> bool:
    # 101 ends HTTP/1.1 on the connection, and nothing that is sent here asks for it.
    return len(code) == 3 and code.isdigit() and code[:1] in b"12345" and code != b"101"


def _headers(lines: list[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise MalformedError
        key = name.lower()
        found[key] = found[key] + b"," + value.strip() if key in found else value.strip()
    return found


def _tokens(value: bytes) -> list[bytes]:
    return [token.strip() for token in value.lower().split(b",")]


def _length(headers: dict[bytes, bytes]) -> int:
    if b"transfer-encoding" in headers:
        coding = _tokens(headers[b"transfer-encoding"])
        return CHUNKED if coding[-1] == b"chunked" else UNTIL_CLOSE
    if b"content-length" not in headers:
        return UNTIL_CLOSE
    lengths = set(_tokens(headers[b"content-length"]))
    length = lengths.pop()
    if lengths or not length.isdigit() or len(length) > LENGTH_MOST_DIGITS:
        raise MalformedError
    return int(length)


class Chunks:
    """The body of a chunked response, fed as it arrives; only its end is of interest."""

    __slots__ = ("_held", "_left", "_trailer")

    def __init__(self) -> None:
        self._held = b""  # the beginning of a line
        self._left = 0  # bytes of the chunk, with its line end, that are still to come
        self._trailer = False

    def feed(self, data: bytes) -> bool:
        """Whether the body ends with this data. MalformedError where it is none or goes on."""
        data = self._held + data
        at = 0
        while self._left < len(data) - at:
            at += self._left
            self._left = 0
            end = data.find(b"\r\n", at)
            if end < 0:
                return self._hold(data[at:])
            if self._trailer and end == at:
                return _over(data, end + 2)
            if not self._trailer:
                size = _size(data[at:end])
                self._trailer = size == 0
                self._left = size + 2 if size else 0
            at = end + 2
        self._left -= len(data) - at
        return self._hold(b"")

    def _hold(self, line: bytes) -> bool:
        if len(line) > HEAD_MOST_BYTES:
            raise MalformedError
        self._held = line
        return False


def _over(data: bytes, end: int) -> bool:
    if end != len(data):
        raise MalformedError
    return True


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise MalformedError
    return int(digits, 16)
