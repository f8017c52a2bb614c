"""Measures what Gunicorn's processes take: the master, a thread, and a large app with preload.

python benchmarks/gunicorn_memory.py
"""

from __future__ import annotations

import http.client
import threading

from gunicorn_lab import gunicorn, pss_mib

SLOW = """
import time

def app(environ, start_response):
    time.sleep(1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
LARGE = """
DATA = [{"n": number, "text": "x" * 40 + str(number)} for number in range(500_000)]

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def ask(port: int, count: int) -> None:
    """So many requests at once."""

    def request() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()

    clients = [threading.Thread(target=request) for _ in range(count)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def master_mib() -> float:
    """Resident memory of a master without the app."""
    with gunicorn(SLOW, "--workers", "1") as (_, master):
        return float(master.memory_info().rss) / 2**20


def thread_kib(threads: int = 64) -> float:
    """What each further thread of a worker adds once it has served a request."""
    flags = ["--worker-class", "gthread", "--workers", "1", "--threads", str(threads)]
    with gunicorn(SLOW, *flags) as (port, master):
        (worker,) = master.children()
        ask(port, 1)
        before = pss_mib([worker])
        ask(port, threads)
        started = worker.num_threads() - 1
        return (pss_mib([worker]) - before) * 1024 / max(1, started - 1)


def large_app_mib(*flags: str) -> float:
    """Four workers and the master of a large app, at the start."""
    with gunicorn(LARGE, "--workers", "4", *flags) as (port, master):
        ask(port, 8)
        return pss_mib([master, *master.children()])


if __name__ == "__main__":
    print(f"master without the app: {master_mib():.0f} MiB resident")
    print(f"a thread of a gthread worker: {thread_kib():.0f} KiB")
    print(f"large app, 4 workers: {large_app_mib():.0f} MiB")
    print(f"large app, 4 workers, preload: {large_app_mib('--preload'):.0f} MiB")
