"""Runs Gunicorn as the project does, with the settings on trial on top: a program of its own.

The project's interpreter runs it (`python runner.py ORDERS`), so that it needs Python 3.7 at least
and nothing of gunitune. The orders are JSON: `argv` for Gunicorn, the `settings` on trial, the
`port` and the file that `events` are written to, a JSON line each with CLOCK_MONOTONIC: the project
is `configured`, a worker is `ready`, a worker died (`exit`).
"""

# The process under measurement should hold little that is not the project's: no pathlib.
# ruff: noqa: PTH100, PTH110, PTH120, PTH202
from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

# What a trial takes back to Gunicorn's default, whatever the project says of it: it must stay in
# the foreground, as the same user, heard by gunitune alone, in plain HTTP, without a pause.
_RESET = (
    "daemon", "pidfile", "reload", "reload_extra_files", "statsd_host", "enable_backlog_metric",
    "user", "group", "initgroups", "check_config", "print_config",
    "certfile", "keyfile", "ca_certs", "ssl_context", "http_protocols", "http2_cleartext",
    "proxy_protocol", "protocol", "control_socket", "max_requests", "max_requests_jitter",
    "threads", "worker_connections",
)  # fmt: skip


class _Events:
    """The file that events are written to, as long as it is the one that was opened."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self.identity = self._identity()

    def _identity(self) -> tuple[int, int]:
        stat = os.fstat(self.file)
        return stat.st_dev, stat.st_ino

    def tell(self, **event: Any) -> None:
        """Append a line. Never raises: a server must not fail for it."""
        try:
            # An app may have closed every file; the number may then be one of its own.
            if self._identity() == self.identity:
                line = json.dumps(dict(event, t=time.monotonic()))
                os.write(self.file, line.encode() + b"\n")
        except OSError:
            pass


def _disarm(cfg: Any) -> None:
    """Take whatever the project gives the settings that will be reset: a user not known here."""
    for name in _RESET:
        if name in cfg.settings:
            cfg.settings[name].validator = lambda value: value


def _impose(cfg: Any, orders: dict[str, Any]) -> None:
    """Put the settings on trial, and what every trial needs, over those of the project."""
    for name in _RESET:
        if name in cfg.settings:
            cfg.settings[name] = type(cfg.settings[name])()
    for name, value in orders["settings"].items():
        _set(cfg, name, value)
    _set(cfg, "bind", f"127.0.0.1:{orders['port']}")
    if "control_socket_disable" in cfg.settings:
        _set(cfg, "control_socket_disable", True)
    if "dirty_workers" in cfg.settings and cfg.dirty_workers:
        # Gunicorn ends the dirty arbiter that another server of this name has left a pidfile of.
        _set(cfg, "proc_name", f"{cfg.proc_name}-{orders['port']}")


def _set(cfg: Any, name: str, value: Any) -> None:
    from gunicorn import __version__  # type: ignore[import-untyped]

    if name not in cfg.settings:
        raise RuntimeError(f"Gunicorn {__version__} has no setting {name}")
    try:
        cfg.set(name, value)
    except Exception as error:
        refused = f"Gunicorn {__version__} refuses {name} = {value!r}: {error}"
        raise RuntimeError(refused) from error


def _listen(cfg: Any, events: _Events) -> None:
    """Tell of workers that are ready and that died, after the project's own hooks."""
    ready, died = cfg.settings["post_worker_init"].get(), cfg.settings["child_exit"].get()

    def post_worker_init(worker: Any) -> None:
        ready(worker)
        events.tell(event="ready", pid=os.getpid(), age=worker.age)

    def child_exit(server: Any, worker: Any) -> None:
        events.tell(event="exit", pid=worker.pid)
        died(server, worker)

    cfg.set("post_worker_init", post_worker_init)
    cfg.set("child_exit", child_exit)


def _configured(cfg: Any, events: _Events) -> None:
    """Tell which process is the master, and where it writes its log if not to stderr."""
    from gunicorn import __version__

    log = cfg.errorlog
    path = os.path.abspath(log) if isinstance(log, str) and log != "-" else ""
    size = os.path.getsize(path) if path and os.path.exists(path) else 0
    events.tell(
        event="configured", pid=os.getpid(), gunicorn=__version__, errorlog=path, written=size
    )


def main() -> None:
    """Run Gunicorn under the orders."""
    orders = json.loads(sys.argv[1])
    if sys.path and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]  # the project's imports must not find gunitune's modules
    sys.argv = orders["argv"]

    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    events = _Events(orders["events"])

    class Trial(WSGIApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            _disarm(self.cfg)
            super().load_config()
            _impose(self.cfg, orders)
            _listen(self.cfg, events)
            _configured(self.cfg, events)

    Trial("%(prog)s [OPTIONS] [APP_MODULE]").run()


if __name__ == "__main__":
    main()
