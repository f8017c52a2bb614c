"""The project's app under the project's Gunicorn, from its first answer to its last process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.render.layout import plain
from gunitune.serve.confine import confine
from gunitune.serve.events import Events
from gunitune.serve.failure import AnswerError, ServeError
from gunitune.serve.log import tail
from gunitune.serve.port import HOST, free_port
from gunitune.serve.ready import Boot, PortTakenError
from gunitune.serve.watch import Watch
from gunitune.serve.watchdog import descendants
from gunitune.trial import Limits, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.serve.confine import Confinement
    from gunitune.trial import Choice, Launch

__all__ = ["AnswerError", "ServeError", "Server", "serve"]

BOOT_TIMEOUT_S = 60.0
GRACE_S = 3.0  # to stop by itself after a block: gevent, tornado and asgi take 1 to 2 s for it
HURRY_S = 1.0  # the same after an error, or a signal to gunitune
_PROGRAM = Path(__file__).with_name("runner.py")
_DEFAULT_CONF = "gunicorn.conf.py"
_PORTS = 5  # to try, should others take them
_NO_LIMITS = Limits()
_ROOT = Request()
_ANY_2XX: frozenset[int] = frozenset()


class Server:
    """A running Gunicorn.

    `boot_s` is the time from its start to the last worker booted, `confined` says how limits are
    enforced ("" where none was asked), `cgroups` are folders of groups that hold just this tree.
    """

    def __init__(self, watch: Watch, events: Events, port: int, confinement: Confinement) -> None:
        self.host, self.port = HOST, port
        self.boot_s = 0.0
        self.confined, self.cgroups = confinement.how, confinement.groups
        self.events = events
        self._watch = watch

    @property
    def master_pid(self) -> int:
        """Gunicorn's own: a prefix of the command may not be it."""
        return self.events.master_pid or self._watch.master_pid

    @property
    def started(self) -> float:
        """When it was started, in CLOCK_MONOTONIC seconds."""
        return self._watch.started

    @property
    def gunicorn(self) -> str:
        """The version that runs."""
        return self.events.gunicorn

    def pids(self) -> list[int]:
        """Every live process of the tree, the master first; not the watchdog."""
        found = descendants(self._watch.pid)
        master = [pid for pid in found if pid == self.master_pid]
        return master + [pid for pid in found if pid != self.master_pid]

    def workers(self) -> list[int]:
        """The workers that have booted and live, in the order of their birth."""
        self.events.update()
        return [pid for pid, _ in self.events.alive()]

    def died(self) -> int:
        """How many workers have died so far."""
        self.events.update()
        return len(self.events.exited)

    def exited(self) -> int | None:
        """The master's exit code, negative for a signal; None while it runs."""
        return self._watch.exited()

    def lines(self) -> list[str]:
        """The last lines of what it wrote, those of the project's own error log after the rest."""
        self.events.update()
        own = Path(self.events.errorlog)
        written = tail(own, self.events.written) if self.events.errorlog else []
        return tail(self._watch.temporary / "log") + written

    def log(self, lines: int = 20) -> str:
        """The last lines of what it wrote, without control characters."""
        return "\n".join(plain(line) for line in self.lines()[-lines:])

    def stop(self, grace_s: float) -> None:
        """End every process of the tree; Gunicorn may stop by itself for so long."""
        self.events.update()
        self._watch.stop(grace_s)


@contextmanager
def serve(  # noqa: PLR0913  (what is asked of the first request, and how long, has defaults)
    launch: Launch,
    choice: Choice,
    limits: Limits = _NO_LIMITS,
    *,
    first: Request = _ROOT,
    expect: frozenset[int] = _ANY_2XX,
    boot_timeout_s: float = BOOT_TIMEOUT_S,
    grace_s: float = GRACE_S,
) -> Iterator[Server]:
    """Run the app under `choice`, from its first answer on, and end all of its processes after.

    `first` must be answered with a status of `expect` (2xx where that is empty), and every worker
    have booted, within `boot_timeout_s`. ServeError where Gunicorn does not come up, AnswerError
    where the answer is another or none. On leaving, Gunicorn gets SIGTERM and `grace_s` to run the
    project's exit hooks; then all that is left of the tree is killed. Whatever ends gunitune ends
    the server: within three seconds after SIGKILL.
    """
    with confine(limits) as confinement:
        server, boot = _booted(launch, choice, confinement, boot_timeout_s)
        try:
            boot.await_answer(first, expect)
            boot.await_workers()  # the first request may have ended one
            yield server
        except BaseException:
            server.stop(HURRY_S)
            raise
        server.stop(grace_s)


def _booted(
    launch: Launch, choice: Choice, confinement: Confinement, timeout_s: float
) -> tuple[Server, Boot]:
    """A server all of whose workers have booted, on a port that is its own."""
    for _ in range(_PORTS):
        server = _started(launch, choice, confinement, free_port())
        try:
            boot = Boot(server, launch, choice, timeout_s)
            server.boot_s = boot.await_workers() - server.started
        except PortTakenError:
            server.stop(0)
        except BaseException:
            server.stop(HURRY_S)
            raise
        else:
            return server, boot
    raise ServeError(f"{_PORTS} ports in turn were taken by others", "try again")


def _started(launch: Launch, choice: Choice, confinement: Confinement, port: int) -> Server:
    """Gunicorn's first process, just started, in a folder for its log that goes with it."""
    import shutil
    from tempfile import mkdtemp

    temporary = Path(mkdtemp(prefix="gunitune-"))
    events = Events(temporary / "events")
    events.path.touch()
    orders = {
        "argv": _arguments(launch),
        "settings": choice.applied(),
        "port": port,
        "events": str(events.path),
    }
    argv = [str(launch.python), str(_PROGRAM), json.dumps(orders)]
    try:
        watch = Watch(argv, launch.environ, launch.folder, temporary, confinement)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Server(watch, events, port, confinement)


def _arguments(launch: Launch) -> list[str]:
    """Gunicorn's own; the config that it finds by itself may be another by GUNICORN_CMD_ARGS."""
    conf = launch.conf
    named = conf is not None and conf != launch.folder / _DEFAULT_CONF
    return ["gunicorn", *(["-c", str(conf)] if named else []), launch.spec]
