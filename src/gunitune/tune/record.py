"""A bench that remembers: writes what ends to the study, and gives what was written before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gunitune.serve.failure import AnswerError, ServeError
from gunitune.tune.study import Entry, Failure

if TYPE_CHECKING:
    from gunitune.trial import Block, Choice, Load
    from gunitune.tune.bench import Bench
    from gunitune.tune.study import Study


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
        """The block that was written, else a new one, written; raises ServeError, AnswerError."""
        entry = self._written(choice, load, phase, round) or self._fresh(choice, load, phase, round)
        self.took = entry.took
        if isinstance(entry.what, Failure):
            raise ServeError(entry.what.message, entry.what.hint)
        return replace(entry.what, round=round)

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
        what: Block | Failure
        self.live = True
        begun = self.now()
        try:
            what = self.bench.run(choice, load, phase=phase, round=turn)
        except (ServeError, AnswerError) as error:
            what = Failure(choice, phase, turn, error.message, error.hint)
        ended = self.now()
        entry = Entry(ended, ended - begun, what)
        if self.study:
            self.study.write(entry)
        return entry


def _same(entry: Entry, choice: Choice, load: Load, phase: str) -> bool:
    what = entry.what
    if (what.choice, what.phase) != (choice, phase):
        return False
    return isinstance(what, Failure) or what.load == load
