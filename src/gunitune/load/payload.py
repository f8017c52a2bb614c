"""Writes a request as the bytes of HTTP/1.1, and says what can be sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.errors import UsageError

if TYPE_CHECKING:
    from gunitune.trial import Request

SAFE = ("GET", "HEAD")
PATH_MOST = 8190  # what Gunicorn's limit_request_line allows at most
_PATH = re.compile(r"/[!-~]*")


def payload(request: Request, host: str, port: int, *, keep_alive: bool) -> bytes:
    """The request as it is sent; what it does not say itself is added (Host, User-Agent, Accept).

    A Host of its own stands: an app may answer to one name alone.
    """
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers(request, host, port)]
    if not keep_alive:
        lines.append("Connection: close")
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def headers(request: Request, host: str, port: int) -> list[tuple[str, str]]:
    """The request's headers, after those that every request has."""
    named = {name.lower() for name, _ in request.headers}
    usual = {"Host": authority(host, port), "User-Agent": "gunitune", "Accept": "*/*"}
    added = [(name, value) for name, value in usual.items() if name.lower() not in named]
    return [*added, *request.headers]


def authority(host: str, port: int) -> str:
    """Host and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_path(path: str) -> None:
    """UsageError unless it is a path (with its query) as it goes over the wire."""
    if not path.startswith("/"):
        raise UsageError(
            f"{path!r} is no path of a request",
            "it begins with /: the server is always the one that is started here",
        )
    if not _PATH.fullmatch(path) or "#" in path or len(path) > PATH_MOST:
        raise UsageError(
            f"{path[:80]!r} can't be sent as it is", "percent-encode blanks, # and non-ASCII"
        )
