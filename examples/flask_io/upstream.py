"""The exchange-rate service that the shop asks: it answers after UPSTREAM_DELAY_MS milliseconds.

`python upstream.py` runs it as a process of its own.
"""

import json
import os
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DELAY_S = float(os.environ.get("UPSTREAM_DELAY_MS", "40")) / 1000
RATES = {"EUR": 1.0, "USD": 1.08, "GBP": 0.85}

starting = threading.Lock()


class RatesHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        time.sleep(DELAY_S)
        rate = RATES.get(self.path.rpartition("/")[2])
        body = json.dumps({"rate": rate} if rate else {"error": "no such currency"}).encode()
        self.send_response(200 if rate else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class RatesServer(ThreadingHTTPServer):
    request_queue_size = 1024

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), RatesHandler)


@cache
def start_in_thread():
    server = RatesServer(0)
    threading.Thread(target=server.serve_forever, name="upstream", daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def url():
    """UPSTREAM_URL; without it, a thread of this very process, so that it ends with the worker."""
    with starting:
        return os.environ.get("UPSTREAM_URL") or start_in_thread()


if __name__ == "__main__":
    server = RatesServer(int(os.environ.get("UPSTREAM_PORT", "9000")))
    print(f"export UPSTREAM_URL=http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201  what the reader is to copy
    server.serve_forever()
