"""What may be tried: classes, sizes, guards, the lattice, neighbours and the model's picks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids import Surface, model
from gunitune.facts import SAMPLE_APP, SAMPLE_HOST, SAMPLE_INSTALLED
from gunitune.model import GIB, MIB, App, Goal, Host, Installed, Quantity, Unknown
from gunitune.trial import AppFacts, Choice, Estimate, Load, Prediction
from gunitune.tune.lattice import everything, lattice, neighbours
from gunitune.tune.plan import PICKS, picks, plan
from gunitune.tune.space import Memory, Space, space_of

ALL = frozenset({"gevent", "uvicorn-worker", "uvicorn", "gunicorn"})
NO_FACTS = Unknown("not measured")
ROOMY = Memory(64 * GIB, worker=50 * MIB)


def space(**changes: object) -> Space:
    made = Space(("sync", "gthread", "gevent"), 2.0, 32, ROOMY, capped=True)
    return replace(made, **changes)  # type: ignore[arg-type]


def found(
    *,
    host: Host = SAMPLE_HOST,
    app: App = SAMPLE_APP,
    goal: Goal | None = None,
    gunicorn: str | Unknown = "27.0.1",
    packages: frozenset[str] | Unknown = ALL,
    facts: AppFacts | None = None,
) -> Space:
    installed: Installed = replace(SAMPLE_INSTALLED, gunicorn=gunicorn, packages=packages)
    return space_of(host, app, goal or Goal(), installed, Load(), facts=facts)


def some_facts(**changes: object) -> AppFacts:
    unknown = [NO_FACTS] * 10
    made = AppFacts("wsgi", {}, *unknown)  # type: ignore[arg-type]
    return replace(made, **changes)  # type: ignore[arg-type]


def measured(value: float) -> Estimate:
    return Estimate(value, value, value, "a test")


@pytest.mark.parametrize(
    ("interface", "gunicorn", "packages", "classes"),
    [
        ("wsgi", "27.0.1", ALL, ("sync", "gthread", "gevent")),
        ("wsgi", "27.0.1", frozenset(), ("sync", "gthread")),
        ("wsgi", "27.0.1", Unknown("none"), ("sync", "gthread", "gevent")),
        ("asgi", "27.0.1", ALL, ("asgi", "uvicorn_worker.UvicornWorker")),
        ("asgi", "27.0.1", frozenset(), ("asgi",)),
        ("asgi", "23.0.0", ALL, ("uvicorn_worker.UvicornWorker",)),
        ("asgi", "23.0.0", frozenset({"uvicorn"}), ("uvicorn.workers.UvicornWorker",)),
        ("asgi", Unknown("none"), frozenset(), ("asgi",)),
        ("asgi", "no release", frozenset(), ("asgi",)),
    ],
)
def test_classes_are_those_of_interface_release_and_packages(
    interface: str,
    gunicorn: str | Unknown,
    packages: frozenset[str] | Unknown,
    classes: tuple[str, ...],
) -> None:
    app = replace(SAMPLE_APP, interface=interface)  # type: ignore[arg-type]
    assert found(app=app, gunicorn=gunicorn, packages=packages).classes == classes


@pytest.mark.parametrize(
    ("gunicorn", "capped"),
    [("23.0.0", False), ("24.0.0", True), ("27.0.1", True), (Unknown("none"), False)],
)
def test_connections_are_capped_only_where_that_is_known_not_to_hang(
    gunicorn: str | Unknown, *, capped: bool
) -> None:
    made = found(gunicorn=gunicorn)
    assert made.capped is capped
    assert any(choice.worker_connections for choice in everything(made)) is capped


def test_a_class_that_was_asked_for_is_the_only_one_and_the_rule_of_thumb_stays_sync() -> None:
    made = found(goal=Goal(worker_class="gevent"))
    assert {choice.worker_class for choice in everything(made)} == {"gevent"}
    assert plan(made).having("2*cpu+1") == [Choice("sync", 5)]


def test_what_was_measured_decides_over_what_is_assumed() -> None:
    facts = some_facts(
        interface="asgi",
        worker_bytes=measured(10 * MIB),
        master_bytes=measured(20 * MIB),
        shared_bytes=measured(5 * MIB),
        thread_bytes=measured(2 * MIB),
    )
    made = found(facts=facts)
    assert made.classes[0] == "asgi"
    assert made.memory == Memory(int(4 * GIB * 0.8), 25 * MIB, 10 * MIB, 2 * MIB, sure=True)
    assumed = found(facts=some_facts()).memory
    assert (assumed.worker, assumed.sure) == (100 * MIB, False)
    declared = replace(SAMPLE_APP, worker_memory_bytes=Quantity(7 * MIB, "asked", "a flag"))
    assert found(app=declared).memory.sure


def test_memory_that_is_not_known_refuses_nothing() -> None:
    host = replace(SAMPLE_HOST, memory_bytes=Unknown("no meminfo"))
    assert found(host=host).refusal(Choice("sync", 10_000)) == ""


def test_an_assumed_worker_refuses_what_may_be_left_out_and_not_what_must_be_tried() -> None:
    tight = space(memory=Memory(400 * MIB, worker=100 * MIB))
    choice = Choice("sync", 5)
    assert tight.refusal(choice) == "not started: 5 workers need about 530 MiB of 400 MiB"
    assert tight.refusal(choice, must=True) == ""
    sure = space(memory=Memory(400 * MIB, worker=100 * MIB, sure=True))
    assert sure.refusal(choice, must=True)


def test_the_limit_of_processes_refuses_even_what_must_be_tried() -> None:
    tight = space(pids_max=50)
    assert "of 50 (pids.max)" in tight.refusal(Choice("gthread", 2, 32), must=True)
    assert tight.refusal(Choice("gthread", 2, 16)) == ""


@given(st.floats(0.1, 96), st.integers(1, 2000), st.booleans())
def test_every_choice_keeps_to_the_space(cpus: float, clients: int, capped: bool) -> None:
    made = space(cpus=cpus, concurrency=clients, capped=capped)
    steps = made.ladder()
    assert steps == tuple(sorted(set(steps)))
    assert steps[0] == 1
    for choice in (*lattice(made), *everything(made)):
        assert 1 <= choice.workers <= max(1, min(8 * made.cores + 1, clients))
        assert choice.threads <= max(2, clients)
        assert choice.worker_connections in (None, choice.threads)
    assert len(lattice(made)) <= 25


def test_the_rule_of_thumb_counts_fractions_of_cpus() -> None:
    assert [space(cpus=cpus).rule_of_thumb for cpus in (0.5, 0.7, 1.5, 2.0, 3.7)] == [2, 2, 4, 5, 8]
    assert [space(cpus=cpus).cores for cpus in (0.5, 1.0, 1.5, 2.0)] == [1, 1, 2, 2]


def test_the_lattice_begins_with_one_of_each_class() -> None:
    assert {choice.worker_class for choice in lattice(space())[:3]} == {"sync", "gthread", "gevent"}


def test_guards_bound_the_lattice_and_the_neighbours() -> None:
    tight = space(memory=Memory(400 * MIB, worker=100 * MIB))
    assert lattice(tight)
    assert max(choice.workers for choice in lattice(tight)) == 3
    assert max(choice.workers for choice in neighbours(tight, Choice("sync", 3))) == 2


def test_neighbours_are_one_step_away_each_way() -> None:
    assert set(neighbours(space(), Choice("gthread", 3, 8, 8))) == {
        Choice("gthread", 4, 8, 8),
        Choice("gthread", 2, 8, 8),
        Choice("gthread", 3, 16, 16),
        Choice("gthread", 3, 4, 4),
        Choice("gthread", 3, 8),
    }
    assert set(neighbours(space(), Choice("sync", 1))) == {Choice("sync", 2)}
    assert Choice("gthread", 3, 8, 8) in neighbours(space(), Choice("gthread", 3, 8))
    assert not any(
        c.worker_connections for c in neighbours(space(capped=False), Choice("gthread", 3, 8))
    )


def test_neighbours_keep_what_is_not_on_trial() -> None:
    extra = (("keepalive", 0),)
    for near in neighbours(space(), Choice("gthread", 3, 8, None, extra)):
        assert near.extra == extra


def test_one_choice_may_have_many_roles() -> None:
    made = plan(space(), current=Choice("sync", 5), recommended=Choice("sync", 5))
    assert made.roles[Choice("sync", 5)][:3] == ("2*cpu+1", "recommended", "current")
    assert made.roles[Choice("sync", 1)][0] == "default"


def test_for_asgi_the_rule_of_thumb_and_the_default_are_of_its_class() -> None:
    made = plan(space(classes=("asgi", "uvicorn_worker.UvicornWorker")))
    assert made.having("2*cpu+1") == [Choice("asgi", 5)]
    assert made.having("default") == [Choice("asgi", 1)]


def test_the_model_picks_about_four_of_different_kinds() -> None:
    surface = Surface()
    found_ = picks(space(), model(surface, 32))
    assert 3 <= len(found_) <= PICKS
    assert {choice.worker_class for choice in found_} == {"sync", "gthread", "gevent"}
    for one in found_:
        assert not any(one in neighbours(space(), other) for other in found_ if other != one)


def test_of_what_the_model_expects_the_same_of_the_smallest_is_picked() -> None:
    base = model(Surface(), 32)

    def flat(choice: Choice) -> Prediction:
        expected = base(choice)
        assert expected is not None
        return replace(expected, rps=100.0)

    found_ = picks(space(), flat)
    assert {choice.workers for choice in found_} == {1}


def test_the_model_picks_nothing_that_it_holds_for_impossible_or_does_not_know() -> None:
    base = model(Surface(), 32)

    def wary(choice: Choice) -> Prediction | None:
        expected = base(choice)
        if choice.worker_class == "gevent" or expected is None:
            return None
        return replace(expected, feasible=choice.workers <= 2)

    found_ = picks(space(), wary)
    assert found_
    assert all(choice.worker_class != "gevent" and choice.workers <= 2 for choice in found_)


def test_what_takes_part_anyway_is_not_picked_again() -> None:
    predict = model(Surface(), 32)
    first = picks(space(), predict)
    assert first[0] not in picks(space(), predict, first[:1])


def memory_facts(**changes: object) -> AppFacts:
    """100 MiB a worker, 20 with preload and 80 shared then."""
    return some_facts(
        master_bytes=measured(20 * MIB),
        worker_bytes=measured(100 * MIB),
        shared_bytes=measured(0),
        thread_bytes=measured(MIB // 4),
        preload_worker_bytes=measured(20 * MIB),
        preload_shared_bytes=measured(80 * MIB),
        **changes,
    )


PRELOAD = (("preload_app", True),)


def test_what_fits_only_preloaded_is_not_refused_for_what_it_takes_without() -> None:
    host = replace(SAMPLE_HOST, memory_bytes=400 * MIB)
    made = found(host=host, facts=memory_facts())
    assert made.refusal(Choice("sync", 5), must=True)
    assert made.refusal(Choice("sync", 5, extra=PRELOAD)) == ""
    assert "12 workers need about 340 MiB" in made.refusal(Choice("sync", 12, extra=PRELOAD))
    advised = plan(made, recommended=Choice("sync", 5, extra=PRELOAD))
    assert not any(choice.extra for choice in advised.refused)


def test_where_memory_binds_the_preloaded_take_the_place_of_what_does_not_fit() -> None:
    host = replace(SAMPLE_HOST, memory_bytes=400 * MIB)
    tight = everything(found(host=host, facts=memory_facts()))
    assert Choice("sync", 2) in tight
    assert Choice("sync", 5, extra=PRELOAD) in tight
    assert Choice("sync", 5) not in tight
    assert Choice("sync", 2, extra=PRELOAD) not in tight
    roomy = everything(found(facts=memory_facts()))
    assert not any(choice.extra for choice in roomy)


@pytest.mark.parametrize("own", [measured(95 * MIB), NO_FACTS])
def test_preloading_that_spares_little_or_was_not_measured_is_not_tried(
    own: Estimate | Unknown,
) -> None:
    host = replace(SAMPLE_HOST, memory_bytes=400 * MIB)
    made = found(host=host, facts=replace(memory_facts(), preload_worker_bytes=own))
    assert not any(choice.extra for choice in everything(made))
    advised = made.refusal(Choice("sync", 5, extra=PRELOAD), must=True)
    assert bool(advised) is isinstance(own, Estimate)
