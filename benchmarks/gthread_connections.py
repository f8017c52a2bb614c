"""Measures how often a gthread worker takes a request that a sibling had a free thread for.

    python benchmarks/gthread_connections.py [BURSTS]

Bursts of exactly workers x threads requests of 300 ms; a burst counts as delayed where a request
waited inside Gunicorn: where one took longer than 1.5 times its 300 ms.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time

from gunicorn_lab import gunicorn

APP = """
import time

def app(environ, start_response):
    time.sleep(0.3)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
WORKERS, THREADS = 4, 4


def burst(port: int) -> float:
    """Send as many requests at once as there are threads; the longest one's seconds."""
    taken: list[float] = []

    def request() -> None:
        start = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        taken.append(time.perf_counter() - start)

    clients = [threading.Thread(target=request) for _ in range(WORKERS * THREADS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return max(taken)


def delayed(bursts: int, connections: int) -> int:
    """How many of so many bursts had a request queue behind a busy worker."""
    flags = ["--workers", str(WORKERS), "--threads", str(THREADS), "--keep-alive", "0",
             "--worker-connections", str(connections)]  # fmt: skip
    with gunicorn(APP, *flags) as (port, _):
        return sum(burst(port) > 0.45 for _ in range(bursts))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    for connections in (1000, THREADS):
        print(f"worker_connections={connections}: {delayed(count, connections)} of {count} delayed")
