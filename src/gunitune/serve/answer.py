"""Whether the first request is answered as expected, and what came back if not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.serve.failure import AnswerError
from gunitune.serve.log import shown

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from gunitune.trial import Request

_READ_BYTES = 4096
_ENOUGH_BYTES = 1 << 20
_OTHER = "choose a request that is, such as --request 'GET /healthz'"


def check_answer(port: int, request: Request, expect: frozenset[int], timeout_s: float) -> None:
    """Send the request; AnswerError unless its status is expected (2xx if `expect` is empty).

    OSError or HTTPException where no answer comes.
    """
    from http.client import HTTPConnection, InvalidURL

    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(
            request.method, request.path, request.body or None, dict(request.headers)
        )
        with connection.getresponse() as response:
            if not expected(response.status, expect):
                raise _unexpected(request, response)
            response.read(_ENOUGH_BYTES)
    except (InvalidURL, ValueError) as error:  # blanks, control characters, no ASCII
        message = f"{_named(request)} can't be sent: {shown(str(error))}"
        raise AnswerError(message, "mend --request") from error
    finally:
        connection.close()


def expected(status: int, expect: frozenset[int]) -> bool:
    """Whether the status counts as served."""
    return status in expect if expect else 200 <= status < 300


def _named(request: Request) -> str:
    return shown(f"{request.method} {request.path}")


def _unexpected(request: Request, response: HTTPResponse) -> AnswerError:
    status = response.status
    came = f"{status} {response.reason}".strip()
    if location := response.getheader("Location"):
        came += f" to {location}"
    elif line := _first_line(response):
        came += f" ({line})"
    hint = f"{_OTHER}, or take it for served with --expect-status {status}"
    if status == 400:
        hint += "; if the app wants another host: header='Host: example.com'"
    return AnswerError(f"{_named(request)} was answered with {shown(came)}", hint)


def _first_line(response: HTTPResponse) -> str:
    """The title of the page, or its first line of text; "" where none comes."""
    from http.client import HTTPException

    try:
        text = response.read(_READ_BYTES).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    if title := re.search(r"<title>([^<]+)", text):
        return title[1].strip()
    lines = (re.sub(r"<[^>]*>", " ", line).strip() for line in text.splitlines())
    return next(filter(None, lines), "")
