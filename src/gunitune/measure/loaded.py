"""What came of loading a started server once: what blocks and looks have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError, UsageError
from gunitune.load.run import generate
from gunitune.measure.cpus import beside_s, cores_of
from gunitune.meters.idle import await_idle
from gunitune.meters.meter import Meter
from gunitune.meters.tree import EndedError
from gunitune.serve.failure import ServeError, failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.serve.server import Server
    from gunitune.trial import Answered, Choice, Launch, Limits, Load, Usage


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was answered, what that took, and a remark on an app that never comes to rest."""

    answered: Answered
    usage: Usage
    remark: str


@dataclass(frozen=True, slots=True)
class Loading:
    """A server under load: what was started, what it may use, and who loads it."""

    server: Server
    launch: Launch
    choice: Choice
    limits: Limits
    generator_cores: frozenset[int]
    generator: str

    def run(
        self,
        load: Load,
        on_start: Callable[[], object] = lambda: None,
        on_end: Callable[[], object] = lambda: None,
    ) -> Loaded:
        """Wait until the tree is idle, load it, meter it; `on_start` and `on_end` are called too.

        ServeError with the log's key line where the server ends meanwhile, or where the load
        generator fails twice; UsageError where it can't do such a load at all.
        """
        try:
            remark = await_idle(self.server)
            try:
                answered, usage = self._metered(load, on_start, on_end)
            except _GeneratorError:
                answered, usage = self._metered(load, on_start, on_end)
        except EndedError as error:
            what = "Gunicorn ended while it was loaded"
            raise failed(what, self.launch, self.choice, self.server.lines()) from error
        except _GeneratorError as error:
            raise ServeError(f"{self.choice}: {error.message}", error.hint) from error
        return Loaded(answered, usage, remark)

    def _metered(
        self, load: Load, on_start: Callable[[], object], on_end: Callable[[], object]
    ) -> tuple[Answered, Usage]:
        meter = Meter(self.server, cores=cores_of(self.limits))

        def start() -> None:
            meter.start()
            on_start()

        def stop() -> None:
            on_end()
            meter.stop()

        answered = self._generated(load, meter, start, stop)
        return answered, meter.usage(beside_s(answered, self.limits, self.generator_cores))

    def _generated(
        self, load: Load, meter: Meter, start: Callable[[], None], stop: Callable[[], None]
    ) -> Answered:
        try:
            return generate(
                load,
                self.server.host,
                self.server.port,
                cores=self.generator_cores,
                on_start=start,
                on_end=stop,
                generator=self.generator,
            )
        except (UsageError, EndedError):
            raise
        except GunituneError as error:
            meter.abandon()
            if self.server.exited() is not None:
                raise EndedError(error.message) from error
            raise _GeneratorError(error.message, error.hint) from error


class _GeneratorError(GunituneError):
    """The load generator failed, whatever the server did."""
