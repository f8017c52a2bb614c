"""Meters: real process trees, in a cgroup of their own and without, say what they used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from gunitune.meters.idle import await_idle
from gunitune.meters.meter import Meter
from gunitune.meters.tree import EndedError
from gunitune.model import MIB, Unknown
from gunitune.serve.confine import confine
from gunitune.trial import Limits, Usage
from metered import Tree, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gunitune.meters.tree import Served

# CPU time in spans that the tree itself measures; what is counted may differ by the ticks of both.
SPIN_S = 0.3


@contextmanager
def grouped_tree(limits: Limits | None = None) -> Iterator[Tree]:
    """A tree in groups of its own; skips where none can be made."""
    with confine(limits or Limits()) as confinement:
        if not confinement.cgroups:
            pytest.skip("no cgroup can be made here")
        with tree(confinement.cgroups) as running:
            yield running


@pytest.fixture(params=["cgroup", "proc"])
def running(request: pytest.FixtureRequest) -> Iterator[Tree]:
    with ExitStack() as stack:
        manager = grouped_tree() if request.param == "cgroup" else tree()
        yield stack.enter_context(manager)


@pytest.fixture
def lone() -> Iterator[Tree]:
    with tree() as running:
        yield running


def metered(server: Served, work: Callable[[], object], generator_cpu_s: float = 0.0) -> Usage:
    meter = Meter(server)
    meter.start()
    work()
    meter.stop()
    return meter.usage(generator_cpu_s)


def about(counted_s: float, reported_s: float) -> bool:
    """Whether it was counted, and once: margins for the start of the process and for ticks."""
    return reported_s / 2 <= counted_s <= reported_s * 1.6


def test_the_cpu_time_of_a_worker_that_dies_in_the_window_counts_once(running: Tree) -> None:
    line = f"pid = child(lambda: spin({SPIN_S})); os.waitpid(pid, 0); answer = sum(os.times()[2:4])"
    reported: list[str] = []
    usage = metered(running, lambda: reported.append(running.do(line)))
    assert about(usage.cpu_s, float(reported[0]))
    assert ("cgroup" in usage.cpu_source) == bool(running.cgroups)


def test_a_worker_that_lives_from_before_the_window_to_its_middle_counts_for_the_window(
    running: Tree,
) -> None:
    running.do("go, tell = os.pipe()")
    running.do(f"pid = child(lambda: spin({SPIN_S}), lambda: os.read(go, 1), lambda: spin(0.2))")
    await_idle(running, most_s=5)
    usage = metered(running, lambda: running.do("os.write(tell, b'x'); os.waitpid(pid, 0)"))
    assert about(usage.cpu_s, 0.2)


def test_the_time_of_a_child_of_a_worker_that_dies_counts(running: Tree) -> None:
    inner = f"os.waitpid(child(lambda: spin({SPIN_S})), 0)"
    usage = metered(running, lambda: running.do(f"worker(lambda: {inner})"))
    assert about(usage.cpu_s, SPIN_S)


def test_the_time_of_a_child_that_nobody_waited_for_yet_counts(lone: Tree) -> None:
    line = f"pid = child(lambda: spin({SPIN_S})); os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)"
    assert about(metered(lone, lambda: lone.do(line)).cpu_s, SPIN_S)


def test_the_time_of_threads_that_ended_counts_and_their_switches_are_unknown(lone: Tree) -> None:
    lone.do("end = threading.Event(); thread = threading.Thread(target=end.wait); thread.start()")
    spin = f"end.set(); thread.join(); t = threading.Thread(target=spin, args=({SPIN_S},));"
    usage = metered(lone, lambda: lone.do(f"{spin} t.start(); t.join()"))
    assert about(usage.cpu_s, SPIN_S)
    assert usage.voluntary_switches == usage.involuntary_switches
    assert isinstance(usage.voluntary_switches, Unknown)
    assert "1 threads ended" in usage.voluntary_switches.reason


def test_a_worker_that_does_all_the_work_shows_as_the_first(running: Tree) -> None:
    def work() -> None:
        running.do(f"worker(lambda: spin({SPIN_S}))")
        running.do("worker()")

    usage = metered(running, work)
    assert usage.workers == 2
    most, least = usage.per_worker_cpu_s
    assert about(most, SPIN_S)
    assert least < most / 2


def test_context_switches_are_those_of_the_window(lone: Tree) -> None:
    lone.do("[time.sleep(0.001) for _ in range(200)]")
    usage = metered(lone, lambda: lone.do("[time.sleep(0.001) for _ in range(50)]"))
    assert isinstance(usage.voluntary_switches, int)
    assert isinstance(usage.involuntary_switches, int)
    assert 50 <= usage.voluntary_switches < 200


def test_pages_that_workers_share_count_once(lone: Tree) -> None:
    lone.do("block = b'x' * (32 << 20); worker(); worker()")
    usage = metered(lone, lambda: None)
    assert isinstance(usage.pss_bytes, int)
    assert 32 * MIB < usage.pss_bytes < 64 * MIB
    assert "PSS" in usage.memory_source


def test_memory_that_is_given_back_before_the_end_is_in_the_peak(running: Tree) -> None:
    meter = Meter(running)
    before = meter._level.read()
    meter.start()
    running.do("block = b'x' * (64 << 20)")
    await_true(lambda: meter._peak._highest > before + 60 * MIB)
    running.do("del block")
    meter.stop()
    usage = meter.usage()
    assert isinstance(usage.pss_bytes, int)
    assert isinstance(usage.peak_bytes, int)
    assert usage.pss_bytes < 64 * MIB
    assert usage.peak_bytes > usage.pss_bytes + 50 * MIB
    assert ("cgroup" in usage.memory_source) == bool(running.cgroups)


def test_workers_that_died_are_those_of_the_window(lone: Tree) -> None:
    lone.deaths = 3

    def work() -> None:
        lone.deaths = 5

    assert metered(lone, work).restarts == 2


def test_a_quota_that_holds_the_server_back_shows_as_throttled_time() -> None:
    with grouped_tree(Limits(cpus=0.2)) as running:
        usage = metered(running, lambda: running.do("spin(0.1)"))
    assert isinstance(usage.throttled_s, float)
    assert usage.throttled_s > 0


def test_without_a_quota_nothing_is_throttled(lone: Tree) -> None:
    from gunitune.meters.counters import quotas_above

    if quotas_above():
        pytest.skip("a quota above this process may hold it back")
    assert metered(lone, lambda: lone.do("spin(0.1)")).throttled_s == 0


def test_the_time_of_others_is_neither_the_servers_nor_its_generators(lone: Tree) -> None:
    spin = "import time\nwhile time.process_time() < 1: pass"

    def others() -> None:
        subprocess.run([sys.executable, "-I", "-S", "-c", spin], check=True, timeout=60)

    as_other = metered(lone, others)
    assert isinstance(as_other.other_cpu_s, float)
    assert as_other.other_cpu_s > 0.5
    assert as_other.cpu_s < 0.5
    as_generator = metered(lone, others, generator_cpu_s=1e6)
    assert as_generator.other_cpu_s == 0


def test_the_machines_steal_and_pressure_are_read(lone: Tree) -> None:
    usage = metered(lone, lambda: None)
    assert isinstance(usage.steal_s, float)
    assert usage.steal_s >= 0
    assert isinstance(usage.pressure_cpu_s, float | Unknown)


def test_pressure_is_that_of_the_servers_own_group() -> None:
    with grouped_tree(Limits(cores=frozenset(sorted(os.sched_getaffinity(0))[:1]))) as running:
        if not any((group / "cpu.pressure").exists() for group in running.cgroups):
            pytest.skip("no cgroup v2 group with pressure can be made here")
        pinned = f"os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})"
        line = f"{pinned}; pids = [child(lambda: spin(0.2)) for _ in range(2)]; "
        usage = metered(running, lambda: running.do(line + "[os.waitpid(p, 0) for p in pids]"))
    assert isinstance(usage.pressure_cpu_s, float)
    assert usage.pressure_cpu_s > 0.05


def test_a_group_that_does_not_hold_the_server_is_not_taken_for_it(lone: Tree) -> None:
    with confine(Limits()) as confinement:
        lone.cgroups = confinement.cgroups
        usage = metered(lone, lambda: lone.do(f"spin({SPIN_S})"))
    assert "/proc" in usage.cpu_source
    assert about(usage.cpu_s, SPIN_S)


def test_a_server_that_ends_in_the_window_can_not_be_metered(running: Tree) -> None:
    with pytest.raises(EndedError, match="the server ended while it was metered"):
        metered(running, running.kill)


def test_a_server_that_has_ended_can_not_be_metered_at_all(lone: Tree) -> None:
    lone.kill()
    with pytest.raises(EndedError, match="no process of it is left"):
        metered(lone, lambda: None)


def test_a_server_at_rest_is_idle(running: Tree) -> None:
    assert await_idle(running, most_s=30) == ""


def test_an_app_that_computes_by_itself_is_said_to(running: Tree) -> None:
    running.do("child(lambda: spin(60))")
    remark = await_idle(running, most_s=0.5)
    assert "computes without any request" in remark


def test_waiting_for_a_server_that_ended_is_an_error(lone: Tree) -> None:
    lone.kill()
    with pytest.raises(EndedError):
        await_idle(lone)


def await_true(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
