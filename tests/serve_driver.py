"""Serves an app as a process of its own, to be ended in some way: test support.

`python serve_driver.py ORDERS`: it prints `up`, the watchdog's pid, the folder of the log and the
cgroups once the server is ready, then waits; `raise` on stdin makes it raise an exception.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.serve.confine import Confinement
from gunitune.serve.server import Server, serve
from gunitune.serve.signals import ended_by_signals
from gunitune.trial import Choice
from serve_apps import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.trial import Limits


class FaultError(Exception):
    """An error in the midst of a trial."""


def main(orders: dict[str, Any]) -> None:
    started = launch(Path(orders["folder"]), Path(orders["python"]), orders["spec"], orders["env"])
    if not orders["groups"]:
        sys.modules["gunitune.serve.server"].__dict__["confine"] = unconfined
    extra = (("preload_app", True),) if orders["preload"] else ()
    choice = Choice(orders["worker_class"], 2, threads=2, extra=extra)
    with ended_by_signals(), serve(started, choice) as server:
        tell(server)
        if sys.stdin.readline() == "raise\n":
            raise FaultError


@contextmanager
def unconfined(_: Limits) -> Iterator[Confinement]:
    """As where a plain user can make no cgroup: processes are then found by their parents alone."""
    yield Confinement()


def tell(server: Server) -> None:
    watch = server._watch
    facts = {
        "watchdog": watch.pid,
        "kept": [str(watch.temporary), *map(str, server.cgroups)],
        "pids": server.pids(),
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except (KeyboardInterrupt, FaultError) as end:
        sys.exit(f"ended by {type(end).__name__}")
