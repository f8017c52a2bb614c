"""Which choices there are to try: a coarse lattice, all of them, the neighbours of one."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from gunitune.trial import THREADED, Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunitune.tune.space import Space

COARSE_THREADS = (8, 32, 4, 16)


def lattice(space: Space) -> tuple[Choice, ...]:
    """The coarse lattice, the most telling choices first, classes in turn; guards applied."""
    by_class = [_coarse(space, name) for name in space.classes]
    mixed = [choice for row in zip_longest(*by_class) for choice in row if choice]
    return _allowed(space, mixed)


def everything(space: Space) -> tuple[Choice, ...]:
    """Every choice that the space holds: for the model, whose trials cost nothing."""
    return _allowed(
        space,
        (
            choice
            for name in space.classes
            for workers in space.ladder()
            for choice in _sized(space, name, workers, space.threads())
        ),
    )


def neighbours(space: Space, choice: Choice) -> tuple[Choice, ...]:
    """One step away: more or fewer workers, more or fewer threads, connections capped or not."""
    found = [
        _like(choice, count, choice.threads) for count in _beside(choice.workers, space.ladder())
    ]
    if choice.worker_class == THREADED:
        steps = _beside(choice.threads, space.threads())
        found += [_like(choice, choice.workers, threads) for threads in steps]
        if space.capped:
            flipped = choice.threads if choice.worker_connections is None else None
            found.append(Choice(THREADED, choice.workers, choice.threads, flipped, choice.extra))
    return _allowed(space, found)


def _allowed(space: Space, choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Those that may be started, preloaded where they may be only then."""
    able = (space.able(choice) for choice in choices)
    return tuple(dict.fromkeys(choice for choice in able if choice))


def _coarse(space: Space, name: str) -> Iterator[Choice]:
    """The few of one class: processes for the CPUs, for the waiting, and in between.

    gthread comes with capped connections where they may be capped: fair to all workers, and so
    the better guess at what its size can do; the leader's neighbours try the default.
    """
    cores, thumb = space.cores, space.rule_of_thumb
    counts = (cores, thumb, 1) if name == THREADED else (cores, thumb, 4 * cores + 1, cores + 1, 1)
    for workers in counts:
        for threads in COARSE_THREADS if name == THREADED else (1,):
            if workers <= space.most_workers and threads <= max(2, space.concurrency):
                yield next(_sized(space, name, workers, (threads,)))


def _sized(space: Space, name: str, workers: int, threads: tuple[int, ...]) -> Iterator[Choice]:
    if name != THREADED:
        yield Choice(name, workers)
        return
    for count in threads:
        if space.capped:
            yield Choice(name, workers, count, count)
        yield Choice(name, workers, count)


def _like(choice: Choice, workers: int, threads: int) -> Choice:
    capped = choice.worker_connections == choice.threads
    connections = threads if capped else choice.worker_connections
    return Choice(choice.worker_class, workers, threads, connections, choice.extra)


def _beside(value: int, ladder: tuple[int, ...]) -> tuple[int, ...]:
    below = [step for step in ladder if step < value]
    above = [step for step in ladder if step > value]
    return (*above[:1], *below[-1:])
