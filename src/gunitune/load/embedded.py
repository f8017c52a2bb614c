"""Runs the embedded load generator in its own process, and reads what it saw."""

from __future__ import annotations

import json
import sys
from array import array
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import IO, TYPE_CHECKING, Any, Self

from gunitune.errors import GunituneError
from gunitune.load.limit import limit_of
from gunitune.load.payload import payload
from gunitune.load.quantiles import latency_of, quantile
from gunitune.trial import Answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.trial import Load

NAME = "embedded"
# Without site-packages, the environment or the user's site: nothing but the standard library.
RUN = "import sys; sys.path.insert(0, sys.argv[1]); from gunitune.load.program import main; main()"
PACKAGES = Path(__file__).resolve().parents[2]
SPARE_S = 60.0  # beyond what the load itself may take


def generate(  # noqa: PLR0913, PLR0917  (as run.py has it)
    load: Load,
    host: str,
    port: int,
    cores: frozenset[int],
    on_start: Callable[[], object],
    on_end: Callable[[], object],
) -> Answered:
    """Load the server; `on_start` and `on_end` are called as the window begins and ends.

    The load goes on until `on_end` has returned. GunituneError where the generator fails.
    """
    with _Program(load) as program:
        program.tell(json.dumps(job(load, host, port, cores)))
        program.await_line("start")
        on_start()
        program.await_line("end")
        on_end()
        program.tell("stop")
        told = json.loads(program.line())
        latencies, lags = program.doubles(told["latencies"]), program.doubles(told["lags"])
    return _answered(load, told, latencies, lags)


def job(load: Load, host: str, port: int, cores: frozenset[int]) -> dict[str, Any]:
    """What the program needs to know, as JSON."""
    requests = [
        (request.method, payload(request, host, port, keep_alive=load.keep_alive))
        for request in load.requests
    ]
    return {
        "requests": [(method, b64encode(text).decode()) for method, text in requests],
        "weights": [request.weight for request in load.requests],
        "host": host,
        "port": port,
        "cores": sorted(cores),
        "keep_alive": load.keep_alive,
        "concurrency": load.concurrency,
        "rps": load.rps,
        "warmup_s": load.warmup_s,
        "duration_s": load.duration_s,
        "timeout_s": load.timeout_s,
        "expect": sorted(load.expect),
        "seed": load.seed,
    }


def _answered(
    load: Load, told: dict[str, Any], latencies: array[float], lags: array[float]
) -> Answered:
    latency = latency_of(latencies)
    lag_p99_ms = 1000 * quantile(sorted(lags), 0.99) if lags else 0.0
    used = told["cpu_s"] / load.duration_s
    return Answered(
        generator=NAME,
        started=told["started"],
        ended=told["ended"],
        served=told["served"],
        errors=told["errors"],
        latency=latency,
        connections=told["connections"],
        generator_cpu_s=told["cpu_s"],
        lag_p99_ms=lag_p99_ms,
        limit=limit_of(used, 1, latency, lag_p99_ms, told["errors"]),
        per_slice=tuple(told["slices"]),
    )


class _Program:
    """The running generator; leaving the context leaves no process behind."""

    def __init__(self, load: Load) -> None:
        import subprocess

        self._process = subprocess.Popen(  # noqa: S603  (our interpreter, our program)
            [sys.executable, "-I", "-S", "-c", RUN, str(PACKAGES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the caller, who ends it
        )
        longest_s = load.warmup_s + load.duration_s + load.timeout_s + SPARE_S
        self._timer = Timer(longest_s, self._process.kill)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError):  # what could not be written is no longer wanted
                _open(pipe).close()

    def tell(self, line: str) -> None:
        """Write a line to its stdin; if it is gone, reading will say why."""
        pipe = _open(self._process.stdin)
        with suppress(OSError):
            pipe.write(f"{line}\n".encode())
            pipe.flush()

    def line(self) -> bytes:
        """The next line of its stdout."""
        line = _open(self._process.stdout).readline()
        if not line.endswith(b"\n"):
            raise self._failure()
        return line

    def await_line(self, word: str) -> None:
        """Read the line that begins with this word."""
        line = self.line()
        assert line.startswith(word.encode()), line

    def doubles(self, count: int) -> array[float]:
        """So many numbers, as they lie in memory."""
        found = array("d")
        data = _open(self._process.stdout).read(count * found.itemsize)
        if len(data) < count * found.itemsize:
            raise self._failure()
        found.frombytes(data)
        return found

    def _failure(self) -> GunituneError:
        self._process.kill()
        text = _open(self._process.stderr).read().decode(errors="replace").strip()
        last = text.splitlines()[-1] if text else "it was killed, or took too long"
        return GunituneError(f"the load generator failed: {last}")


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
