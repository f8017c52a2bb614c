"""Starts Gunicorn on a small app for the measurements beside this file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def gunicorn(app: str, *flags: str) -> Iterator[tuple[int, psutil.Process]]:
    """Gunicorn of this interpreter serving `app` (source text): its port and its master."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        Path(folder, "lab_app.py").write_text(app, encoding="utf-8")
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *flags,
                   "--log-level", "warning", "lab_app:app"]  # fmt: skip
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
        process = subprocess.Popen(command, cwd=folder, env=environment)
        try:
            while True:
                with socket.socket() as client:
                    if client.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            time.sleep(2)  # until every worker has booted
            yield port, psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def pss_mib(processes: list[psutil.Process]) -> float:
    """Their proportional set size together, in MiB."""
    return float(sum(process.memory_full_info().pss for process in processes)) / 2**20
