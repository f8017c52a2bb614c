"""Prints what the embedded load generator costs per request, beside wrk; ratios are what to read.

    python benchmarks/generator.py [ROUNDS] [CLIENTS]

Needs wrk, nginx and Gunicorn (of this interpreter). One after the other, in turn, on the same
server for a second each: wrk with one thread, and the embedded generator in a closed loop. What is
compared is CPU time (user and system) per request: of wrk's whole process, and of the generator's
within its window (its start is before that). `ratio` is that of the two minima over all rounds,
the rounds that neighbours disturbed least; `paired` the median of the rounds' own ratios.

nginx answers a short constant text, with connections kept alive and with one per request: that is
the most requests a second that a generator meets, where each microsecond of its own shows.
Gunicorn answers from one thread of Python: what a measured app is like, at the least.

The interpreter matters: one that was built without --enable-optimizations adds a third.
"""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gunicorn_lab import gunicorn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
from gunitune.load.run import generate  # noqa: E402  (what this checkout holds)
from gunitune.trial import Load  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello, here is nginx\\n"; }} }}
}}
"""
APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""
WINDOW_S = 1


@contextmanager
def nginx() -> Iterator[int]:
    """Run nginx on a free port, which it gives."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        conf = Path(folder, "nginx.conf")
        conf.write_text(NGINX.format(folder=folder, port=port), encoding="utf-8")
        process = subprocess.Popen(["nginx", "-c", str(conf), "-p", folder])
        try:
            time.sleep(0.5)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=10)


def wrk_us(port: int, clients: int, *, keep_alive: bool) -> float:
    """CPU microseconds of wrk per request."""
    close = [] if keep_alive else ["--header=Connection: close"]
    command = ["wrk", "-t1", f"-c{clients}", f"-d{WINDOW_S}s", *close, f"http://127.0.0.1:{port}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
    done = re.search(r"(\d+) requests in", output)
    assert done, output
    return 1e6 * (usage.ru_utime + usage.ru_stime) / int(done[1])


def embedded_us(port: int, clients: int, *, keep_alive: bool) -> float:
    """CPU microseconds of the embedded generator per request."""
    load = Load(concurrency=clients, keep_alive=keep_alive, warmup_s=0.1, duration_s=WINDOW_S)
    answered = generate(load, "127.0.0.1", port)
    assert not answered.errors, answered
    return 1e6 * answered.generator_cpu_s / answered.served


def compare(name: str, port: int, rounds: int, clients: int, *, keep_alive: bool) -> None:
    """Measure both in turn, and print a row."""
    pairs = [
        (
            wrk_us(port, clients, keep_alive=keep_alive),
            embedded_us(port, clients, keep_alive=keep_alive),
        )
        for _ in range(rounds)
    ]
    wrk, ours = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    paired = statistics.median(ours / wrk for wrk, ours in pairs)
    print(f"{name:24} {wrk:8.1f} {ours:10.1f} {ours / wrk:8.2f} {paired:8.2f}", flush=True)


def main(rounds: int, clients: int) -> None:
    """Measure and print."""
    print(
        f"CPU us per request, {clients} clients, {rounds} rounds, Python {sys.version.split()[0]}"
    )
    print(f"{'server':24} {'wrk':>8} {'embedded':>10} {'ratio':>8} {'paired':>8}")
    with nginx() as port:
        compare("nginx, keep-alive", port, rounds, clients, keep_alive=True)
        compare("nginx, close", port, rounds, clients, keep_alive=False)
    threads = ["--worker-class=gthread", "--workers=1", f"--threads={clients}"]
    with gunicorn(APP, *threads) as (port, _):
        compare("gthread, keep-alive", port, rounds, clients, keep_alive=True)
    with gunicorn(APP, "--workers=1") as (port, _):
        compare("sync, close", port, rounds, clients, keep_alive=False)


if __name__ == "__main__":
    main(*(int(asked) for asked in [*sys.argv[1:], *("12", "32")[len(sys.argv) - 1 :]]))
