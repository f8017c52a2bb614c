"""The memory that a choice takes, from what was measured of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.facts import ASSUMED_THREAD_BYTES
from gunitune.model import Unknown
from gunitune.predict.demands import family

if TYPE_CHECKING:
    from gunitune.trial import AppFacts, Choice


def memory(facts: AppFacts, choice: Choice) -> int | Unknown:
    """Bytes of the whole process tree: master + shared + workers x (own + threads x thread).

    Own and shared with preload where the choice sets `preload_app`. A thread that was not measured
    takes what benchmarks/gunicorn_memory.py measured of one.
    """
    preload = bool(dict(choice.extra).get("preload_app"))
    master = facts.master_bytes
    own = facts.preload_worker_bytes if preload else facts.worker_bytes
    shared = facts.preload_shared_bytes if preload else facts.shared_bytes
    for part in (master, own, shared):
        if isinstance(part, Unknown):
            return part
    assert not isinstance(master, Unknown)
    assert not isinstance(own, Unknown)
    assert not isinstance(shared, Unknown)
    threads = choice.threads if family(choice.worker_class) == "threads" else 0
    thread = ASSUMED_THREAD_BYTES
    if not isinstance(facts.thread_bytes, Unknown):
        thread = round(facts.thread_bytes.value)
    each = own.value + threads * thread
    return round(master.value + shared.value + choice.workers * each)
