"""Reads which requests make up the load, from options or a file of them."""

from __future__ import annotations

import math
import re
import shlex
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.load.accesslog import Drawn, drawn_from_log
from gunitune.load.payload import SAFE, check_path
from gunitune.trial import Request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "Drawn",
    "check_methods",
    "drawn_from_log",
    "parse_request",
    "read_requests",
]
SYNTAX = "write it as 'GET /path weight=3 header=\"X-Token: abc\" body=@file'"
FILE_MOST_BYTES = 1 << 20
BODY_MOST_BYTES = 16 << 20
_METHOD = re.compile(r"[A-Z]{1,20}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t -~\xa0-\xff]*")
# What frames the message or the connection is the generator's to say.
_OWN = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def parse_request(text: str, folder: Path) -> Request:
    """Read `[METHOD] /path [weight=N] [header="Name: value"]... [body=TEXT or body=@FILE]`.

    Words are split as a shell does; GET where no method is named. A body's file is sought from
    `folder`. UsageError where it can't be read so.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"request {text!r}: {str(error).lower()}", SYNTAX) from None
    method, path, options = _start(text, words)
    weight, headers, body = None, [], None
    for name, value in options:
        if name == "weight" and weight is None:
            weight = _weight(value)
        elif name == "header":
            headers.append(_header(value))
        elif name == "body" and body is None:
            body = _body(value, folder)
        else:
            raise UsageError(f"request {text!r}: can't read {name!r}", SYNTAX)
    return Request(path, method, tuple(headers), body or b"", weight or 1.0)


def _start(text: str, words: list[str]) -> tuple[str, str, list[tuple[str, str]]]:
    method = words.pop(0).upper() if words and _METHOD.fullmatch(words[0].upper()) else "GET"
    path = words.pop(0) if words else ""
    check_path(path)
    options = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"request {text!r}: can't read {word!r}", SYNTAX)
        options.append((name, value))
    return method, path, options


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = math.nan
    if not 0 < weight <= 1e9:
        raise UsageError(f"{value!r} is no weight", "a number above 0: weight=3")
    return weight


def _header(value: str) -> tuple[str, str]:
    name, colon, content = value.partition(":")
    content = content.strip(" \t")
    if not (colon and _TOKEN.fullmatch(name) and _VALUE.fullmatch(content)):
        raise UsageError(f"{value!r} is no header", "write it as header='X-Token: abc'")
    if name.lower() in _OWN:
        raise UsageError(
            f"the header {name} is not yours to set", "the load generator sends it as it needs it"
        )
    return name, content


def _body(value: str, folder: Path) -> bytes:
    if not value.startswith("@"):
        return value.encode()
    return read_bounded(folder / value[1:], BODY_MOST_BYTES)


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """The file's content. UsageError where it can't be read or is larger."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {path}: {reason}", "check the path") from None
    if len(content) > most_bytes:
        raise UsageError(f"{path} is larger than {most_bytes >> 20} MiB", "choose a smaller file")
    return content


def read_requests(path: Path) -> tuple[Request, ...]:
    """Every request of a file: one a line, empty lines and lines with # in front left out.

    UsageError with the number of the line that can't be read, or where there is none at all.
    """
    try:
        text = read_bounded(path, FILE_MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", SYNTAX) from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                found.append(parse_request(line, path.parent))
            except UsageError as error:
                raise UsageError(f"{path}:{number}: {error.message}", error.hint) from None
    if not found:
        raise UsageError(f"{path} holds no request", SYNTAX)
    return tuple(found)


def check_methods(requests: Iterable[Request], *, allow_unsafe: bool) -> None:
    """UsageError where a request may change something and that is not allowed."""
    for request in requests:
        if request.method not in SAFE and not allow_unsafe:
            raise UsageError(
                f"{request.method} {request.path} may change what the app stores, many times",
                "allow it with --allow-unsafe-methods",
            )
