"""When the server can be measured: every worker has booted, and a request was answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gunitune.serve.answer import check_answer
from gunitune.serve.failure import AnswerError, failed
from gunitune.serve.log import key_line, raised, shown
from gunitune.serve.port import accepts
from gunitune.trial import LOOPS

if TYPE_CHECKING:
    from gunitune.serve.server import Server
    from gunitune.trial import Choice, Launch, Request

_LOOK_S = 0.02
_DEATHS = 3  # workers that may not die before the first request
_TRIES = 3  # an answer may fail because its worker was replaced
_TAKEN = "Connection in use"


class PortTakenError(Exception):
    """Another process took the port before Gunicorn did."""


class Boot:
    """The wait for one server to be ready, until `deadline` (CLOCK_MONOTONIC seconds)."""

    def __init__(self, server: Server, launch: Launch, choice: Choice, timeout_s: float) -> None:
        self.server, self.launch, self.choice = server, launch, choice
        self.timeout_s = timeout_s
        self.deadline = time.monotonic() + timeout_s
        self._loops = launch.interface == "asgi" or choice.worker_class in LOOPS
        self._accepting: dict[int, float] = {}

    def await_workers(self) -> float:
        """The moment when the last of the workers that were asked for was ready.

        Those of an event loop report themselves ready before the app's own start-up (ASGI's
        lifespan), so they count once they listen. ServeError where it does not come to that,
        PortTakenError where the port is another's.
        """
        events = self.server.events
        while True:
            events.update()
            since = [self._accepts(pid, at) for pid, at in events.alive()]
            ready = [at for at in since if at is not None]
            if len(ready) >= self.choice.workers:
                return max(ready, default=time.monotonic())
            self._check(len(ready))
            time.sleep(_LOOK_S)

    def _accepts(self, pid: int, ready: float) -> float | None:
        """Since when the worker accepts connections."""
        if pid not in self._accepting and (not self._loops or accepts(pid, self.server.port)):
            self._accepting[pid] = time.monotonic() if self._loops else ready
        return self._accepting.get(pid)

    def _check(self, ready: int) -> None:
        """Raise what stands in the way of more workers."""
        events, lines = self.server.events, self.server.lines()
        if not events.ready and any(_TAKEN in line for line in lines):
            raise PortTakenError
        if (code := self.server.exited()) is not None:
            raise self._failed(f"Gunicorn ended ({_exit(code)})")
        if len(events.exited) >= _DEATHS:
            raise self._failed(f"{len(events.exited)} workers died before the first request")
        if time.monotonic() > self.deadline:
            said = f"{ready} of {self.choice.workers} workers were ready"
            raise self._failed(f"{said} within {self.timeout_s:g} s")

    def _failed(self, what: str) -> Exception:
        return failed(what, self.launch, self.choice, self.server.lines())

    def await_answer(self, first: Request, expect: frozenset[int]) -> None:
        """Ask once more than it takes; AnswerError where the answer is none or not as expected."""
        from http.client import HTTPException

        for _ in range(_TRIES):
            left = max(self.deadline - time.monotonic(), 1.0)
            try:
                return check_answer(self.server.port, first, expect, left)
            except AnswerError as error:
                raise self._explained(error) from error
            except (OSError, HTTPException) as error:
                reason = shown(str(error)) or type(error).__name__
            self.server.events.update()
            if time.monotonic() > self.deadline:
                break
            if self.server.exited() is not None:
                raise self._failed("Gunicorn ended while it was asked for the first time")
        raise self._unanswered(first, reason)

    def _explained(self, error: AnswerError) -> AnswerError:
        """With the exception that the app raised meanwhile, if its log shows one."""
        line = raised(self.server.lines())
        said = f"; its log: {line}" if line else ""
        return AnswerError(f"{error.message}{said}", error.hint)

    def _unanswered(self, first: Request, reason: str) -> AnswerError:
        line = key_line(self.server.lines())
        return AnswerError(
            f"{self.choice}: {shown(first.method)} {shown(first.path)} got no answer: {reason}"
            + (f"; its log: {line}" if line else ""),
            "choose a request that is answered, such as --request 'GET /healthz'",
        )


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
