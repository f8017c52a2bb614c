"""A bench that remembers: writes what ends to the study, and gives what was written before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError, UsageError
from gunitune.mask import mask
from gunitune.serve.failure import AnswerError, ServeError
from gunitune.tune.asked import digest, plain_load
from gunitune.tune.study import Entry, Failure

if TYPE_CHECKING:
    from gunitune.trial import Block, Choice, Load
    from gunitune.tune.bench import Bench
    from gunitune.tune.study import Study

ATTEMPTS = 2  # at a block whose load generator or meter fails


class Recorded:
    """A bench behind a study: the same search, run again, finds its blocks there, then goes on.

    Time is the study's own: while it gives what was written, the time of then; after that it runs
    on from there. `started` is when the command began, in the bench's time.
    """

    def __init__(self, bench: Bench, study: Study | None, started: float) -> None:
        self.bench = bench
        self.study = study
        self.started = started
        self.pending = list(study.entries) if study else []
        self.at = 0.0
        self.before = max((entry.at for entry in self.pending), default=0.0)
        self.live = not self.pending
        self.took = 0.0  # by the latest block, whenever it ran

    def now(self) -> float:
        """Seconds since the study began, over all its runs."""
        if not self.live:
            return self.at
        return self.before + self.bench.now() - self.started

    def run(
        self,
        choice: Choice,
        load: Load,
        *,
        phase: str,
        round: int,  # noqa: A002  (the field's word)
    ) -> Block:
        """The block that was written, else a new one, written; raises ServeError.

        A wish that no block can fulfil is raised as it is (UsageError).
        """
        entry = self._written(choice, load, phase, round) or self._fresh(choice, load, phase, round)
        self.took = entry.took
        if isinstance(entry.what, Failure):
            raise ServeError(entry.what.message, entry.what.hint)
        asked = replace(entry.what.load, requests=load.requests)  # the file holds their digest
        return replace(entry.what, round=round, load=asked)

    def _written(self, choice: Choice, load: Load, phase: str, turn: int) -> Entry | None:
        """The first that fits, of the same round if there is one."""
        fits = [entry for entry in self.pending if _same(entry, choice, load, phase)]
        exact = [entry for entry in fits if entry.what.round == turn]
        if not fits:
            return None
        entry = (exact or fits)[0]
        self.pending.remove(entry)
        self.at = max(self.at, entry.at)
        self.live = self.live or not self.pending
        return entry

    def _fresh(self, choice: Choice, load: Load, phase: str, turn: int) -> Entry:
        self.live = True
        begun = self.now()
        what = self._attempted(choice, load, phase, turn)
        ended = self.now()
        entry = Entry(ended, ended - begun, what)
        if self.study:
            self.study.write(entry)
        return entry

    def _attempted(
        self, choice: Choice, load: Load, phase: str, turn: int, attempts: int = ATTEMPTS
    ) -> Block | Failure:
        """A block; tried again where something beside the server failed."""
        try:
            return self.bench.run(choice, load, phase=phase, round=turn)
        except UsageError:
            raise
        except GunituneError as error:
            if attempts > 1 and not isinstance(error, (ServeError, AnswerError)):
                return self._attempted(choice, load, phase, turn, attempts - 1)
            return Failure(choice, phase, turn, mask(error.message), mask(error.hint))


def _same(entry: Entry, choice: Choice, load: Load, phase: str) -> bool:
    what = entry.what
    if (what.choice, what.phase) != (choice, phase):
        return False
    if isinstance(what, Failure):
        return True
    length = {"duration_s": 0.0}  # it follows from the budget, which may be another by now
    same = plain_load(what.load) | length == plain_load(load) | length
    return same and entry.digest == digest(load.requests)
