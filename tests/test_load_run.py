"""`generate`: a real process loads real Gunicorn, on loopback alone, and is never left behind."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from answering import answering
from gunitune.errors import GunituneError, UsageError
from gunitune.load import embedded
from gunitune.load.embedded import job
from gunitune.load.limit import limit_of
from gunitune.load.payload import payload
from gunitune.load.program import main
from gunitune.load.run import generate
from gunitune.model import Unknown
from gunitune.trial import Latency, Load, Request
from serving import environment, serving

SRC = Path(__file__).resolve().parent.parent / "src"
SHORT = Load(concurrency=4, warmup_s=0.1, duration_s=0.3)
APP = """
import itertools
COUNT = itertools.count()

def app(environ, start_response):
    path = environ["PATH_INFO"]
    environ["wsgi.input"].read()
    if path == "/count":
        body = [b"%d" % next(COUNT)]
        start_response("200 OK", [("Content-Length", str(len(body[0])))])
    elif path == "/stream":
        next(COUNT)
        body = [b"some ", b"text"]
        start_response("200 OK", [])
    else:
        body = [b"no"]
        start_response("404 Not Found", [("Content-Length", "2")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else body
"""


def latency(p99_ms: float) -> Latency:
    """A latency of which p99 alone is of interest."""
    return Latency(100, 1, 1, 1, 1, p99_ms, p99_ms, p99_ms, p99_ms, p99_ms)


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_gunicorn_answers_what_is_counted(worker: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    python = environment("gunicorn-load", ["gunicorn==23.0.0"])
    options = ["--worker-class", worker, "--threads", "4" if worker == "gthread" else "1"]
    mixed = (Request("/count"), Request("/count", "HEAD"), Request("/stream"))
    with serving(python, [*options, "app:app"], tmp_path) as server:
        port = int(server.url.rpartition(":")[2])
        opened = generate(
            Load(mixed, concurrency=4, rps=100.0, warmup_s=0.0, duration_s=0.5), "localhost", port
        )
        counted = int(server.get("/count")[1])
        closed = generate(Load(mixed, 4, warmup_s=0.1, duration_s=0.3), "127.0.0.1", port)
        missing = generate(Load((Request("/no"),), 4, duration_s=0.3), "127.0.0.1", port)
    assert opened.served == counted > 0
    assert opened.errors == closed.errors == {}
    assert (closed.connections > 4) is (worker == "sync")
    assert closed.served == sum(closed.per_slice) > 0
    assert isinstance(closed.latency, Latency)
    assert closed.latency.count == closed.served
    assert (missing.served, list(missing.errors)) == (0, ["status 404"])
    assert isinstance(missing.latency, Unknown)


def test_the_meters_are_read_as_the_window_begins_and_ends() -> None:
    heard: list[tuple[str, float, int]] = []
    with answering() as got:

        def hear(word: str) -> None:
            heard.append((word, time.monotonic(), got.requests))

        answered = generate(
            SHORT,
            "127.0.0.1",
            got.port,
            cores=frozenset({min(os.sched_getaffinity(0))}),
            on_start=lambda: hear("start"),
            on_end=lambda: hear("end"),
        )
    (first, began, before), (last, over, after) = heard
    assert (first, last) == ("start", "end")
    assert answered.started <= began
    assert answered.ended <= over
    assert 0 < before < after <= got.requests
    assert answered.window_s == pytest.approx(0.3)
    assert answered.generator == "embedded"
    assert 0 < answered.generator_cpu_s < answered.window_s


def test_an_open_loop_may_be_over_before_the_meters_are_read() -> None:
    with answering() as got:
        answered = generate(
            Load(rps=50.0, concurrency=1, warmup_s=0.0, duration_s=0.3),
            "127.0.0.1",
            got.port,
            on_end=lambda: time.sleep(0.5),
        )
    assert answered.served == got.requests > 0


@pytest.mark.parametrize("when", ["on_start", "on_end"])
def test_an_error_of_the_caller_ends_the_generator(when: str) -> None:
    def fail() -> None:
        started.extend(set(psutil.Process().children()) - before)
        raise KeyboardInterrupt

    before = set(psutil.Process().children())
    started: list[psutil.Process] = []
    meters: Any = {when: fail}
    with answering() as got, pytest.raises(KeyboardInterrupt):
        generate(SHORT, "127.0.0.1", got.port, **meters)
    (child,) = started
    assert not child.is_running()


def test_the_generator_ends_with_a_caller_that_was_killed() -> None:
    text = """
        from gunitune.load.run import generate
        from gunitune.trial import Load
        said = lambda: print("loading", flush=True)
        generate(Load(concurrency=2, duration_s=60), "127.0.0.1", {port}, on_start=said)
    """
    with answering() as got:
        code = textwrap.dedent(text).format(port=got.port)
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        ) as caller:
            assert caller.stdout is not None
            assert caller.stdout.readline() == b"loading\n"
            (generator,) = psutil.Process(caller.pid).children()
            caller.send_signal(signal.SIGKILL)
            with suppress(psutil.NoSuchProcess):
                generator.wait(timeout=10)
        assert not generator.is_running()


def test_a_generator_that_fails_says_why() -> None:
    with pytest.raises(GunituneError, match="load generator failed: OSError"):
        generate(SHORT, "127.0.0.1", 1, cores=frozenset({1_000_000}))


def test_a_generator_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "RUN", "import time; time.sleep(60)")
    monkeypatch.setattr(embedded, "SPARE_S", -SHORT.timeout_s)
    with pytest.raises(GunituneError, match="it was killed, or took too long"):
        generate(SHORT, "127.0.0.1", 1)


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit('it ends at once')",
        "import sys; sys.stdin.readline(); sys.exit('it ends at once')",
        """if True:
        import sys
        print('start 1', 'end 2', '{"latencies": 9, "lags": 0}', sep='\\n', flush=True)
        sys.exit('it ends at once')
        """,
    ],
)
def test_a_generator_that_ends_early_is_an_error(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RUN", code)
    load = Load(requests=(Request(body=b"x" * 500_000),))  # more than a pipe holds
    with pytest.raises(GunituneError, match="it ends at once"):
        generate(load, "127.0.0.1", 1)


def test_the_program_reads_its_job_and_writes_what_it_saw() -> None:
    cores = frozenset(os.sched_getaffinity(0))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    (inside, caller), (out, announced) = os.pipe(), os.pipe()
    load = Load(concurrency=1, warmup_s=0.0, duration_s=0.1, rps=50.0)
    try:
        with answering() as got:
            os.write(caller, json.dumps(job(load, "127.0.0.1", got.port, cores)).encode())
            os.write(caller, b"\n")
            main(inside, announced)
        started, ended, line = os.read(out, 65_536).split(b"\n", 2)
        told = json.loads(line.partition(b"\n")[0])
    finally:
        gc.enable()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        for end in (inside, out, announced):
            os.close(end)
        os.close(caller)
    assert (started[:6], ended[:4]) == (b"start ", b"end ")
    assert told["served"] == got.requests > 0


def test_the_program_ends_where_there_is_no_job_or_no_caller() -> None:
    inside, caller = os.pipe()
    os.close(caller)
    with pytest.raises(SystemExit):
        main(inside, 1)
    os.close(inside)
    inside, caller = os.pipe()
    out, announced = os.pipe()
    with answering() as got:
        os.write(caller, json.dumps(job(SHORT, "127.0.0.1", got.port, frozenset())).encode())
        os.write(caller, b"\n")
        os.close(caller)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            with pytest.raises(SystemExit):
                main(inside, announced)
        finally:
            gc.enable()
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    for end in (inside, out, announced):
        os.close(end)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.com", "0.0.0.0", "::", "", "127.0.0.1.x"])
def test_only_loopback_is_ever_loaded(host: str) -> None:
    with pytest.raises(UsageError, match="not on loopback"):
        generate(SHORT, host, 80)


def test_an_unknown_generator_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'ab' is no load generator: one of embedded, oha"):
        generate(SHORT, "127.0.0.1", 80, generator="ab")


def test_more_clients_than_open_files_are_refused() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY:
        pytest.skip("this process may open any number of files")
    with pytest.raises(UsageError, match="open files that are allowed"):
        generate(Load(concurrency=most), "127.0.0.1", 80)


def test_the_generator_is_the_limit_where_it_was_busy_late_or_out_of_its_own_means() -> None:
    assert limit_of(0.7, 1, latency(10), 0.9, {"status 500": 3}) == ""
    assert "busy for 80% of a CPU" in limit_of(0.8, 1, latency(10), 0, {})
    assert "busy for 80% of 2 CPUs" in limit_of(1.6, 2, latency(10), 0, {})
    assert "p99 of the delay 1.1 ms" in limit_of(0.1, 1, latency(10), 1.1, {})
    assert limit_of(0.1, 1, latency(20), 1.1, {}) == ""
    assert "p99 of the delay 1.1 ms" in limit_of(0.1, 1, Unknown("none"), 1.1, {})
    assert "no free port" in limit_of(0.1, 1, latency(10), 0, {"no free port": 1})


def test_a_request_is_written_as_it_says_with_what_it_leaves_out() -> None:
    request = Request("/x?y=1", "POST", (("host", "example.com"), ("X-A", "é")), b"\x00body")
    assert payload(request, "::1", 80, keep_alive=False) == (
        b"POST /x?y=1 HTTP/1.1\r\nUser-Agent: gunitune\r\nAccept: */*\r\nhost: example.com\r\n"
        b"X-A: \xe9\r\nConnection: close\r\nContent-Length: 5\r\n\r\n\x00body"
    )
    empty = payload(Request("/", "POST"), "::1", 80, keep_alive=True)
    assert b"Host: [::1]:80\r\n" in empty
    assert empty.endswith(b"Content-Length: 0\r\n\r\n")
