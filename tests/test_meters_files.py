"""What the meters read from the kernel's files, and do where those are not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from gunitune.meters import counters, cpu
from gunitune.meters.busy import Busy, busy, parse_busy
from gunitune.meters.counters import (
    Counter,
    cpu_counter,
    memory_counter,
    pressure_s,
    quotas_above,
    throttle_counters,
    throttled_s,
)
from gunitune.meters.cpu import process_cpu_s
from gunitune.meters.level import memory_level
from gunitune.meters.memory import Memory, memory_of, tree_memory
from gunitune.meters.meter import Meter
from gunitune.meters.peak import Peak
from gunitune.meters.switches import Switches
from gunitune.meters.tree import holding, with_zombies
from gunitune.model import MIB, Unknown
from metered import as_nobody, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

STAT = """cpu  30 0 30 400 4 0 0 12 0 0
cpu0 10 1 9 200 2 3 2 5 0 0
cpu1 20 2 8 200 2 1 1 7 0 0
intr 5
"""


@pytest.fixture(scope="module")
def two_processes() -> Iterator[list[int]]:
    """A process with 32 MiB and a child that shares them and has 16 MiB of its own."""
    with tree() as running:
        running.do("block = b'x' * (32 << 20)")
        running.do("worker(lambda: globals().update(own=b'x' * (16 << 20)))")
        yield running.pids()


def test_a_workers_own_memory_and_what_it_shares_are_told_apart(two_processes: list[int]) -> None:
    memory = memory_of(two_processes[1])
    assert isinstance(memory, Memory)
    assert 16 * MIB < memory.private_bytes < 24 * MIB
    assert memory.shared_bytes > 32 * MIB
    assert memory.private_bytes + memory.shared_bytes == memory.rss_bytes
    assert memory.private_bytes < memory.pss_bytes < memory.rss_bytes


def test_the_memory_of_a_process_is_what_psutil_tells(two_processes: list[int]) -> None:
    ours, theirs = memory_of(two_processes[1]), psutil.Process(two_processes[1]).memory_full_info()
    assert isinstance(ours, Memory)
    assert (ours.pss_bytes, ours.private_bytes) == pytest.approx((theirs.pss, theirs.uss), rel=0.05)


def test_the_memory_of_a_process_that_is_gone_is_unknown() -> None:
    with tree() as running:
        pid = running.process.pid
    assert isinstance(memory_of(pid), Unknown)
    assert tree_memory([pid])[0] == Unknown(
        "no process of the server is left whose memory can be read"
    )


def test_a_process_that_ended_but_is_not_waited_for_has_no_memory() -> None:
    with tree() as running:
        line = "answer = child(); os.waitid(os.P_PID, answer, os.WEXITED | os.WNOWAIT)"
        memory = memory_of(int(running.do(line)))
    assert isinstance(memory, Unknown)
    assert "No such process" in memory.reason


def test_where_the_shares_are_not_shown_only_own_memory_counts(two_processes: list[int]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user, to whom the pages are not shown")
    with as_nobody():
        held, source = tree_memory(two_processes)
    assert isinstance(held, int)
    assert held > 48 * MIB
    assert "smaps_rollup can't be read" in source


def test_work_and_steal_are_those_of_the_cpus_asked_for() -> None:
    assert parse_busy(STAT, frozenset({0}), 100) == Busy(0.25, 0.05)
    both = parse_busy(STAT, frozenset({0, 1}), 100)
    assert isinstance(both, Busy)
    assert (both.busy_s, both.steal_s) == pytest.approx((0.57, 0.12))


def test_cpus_that_are_not_shown_leave_the_work_unknown() -> None:
    assert isinstance(parse_busy(STAT, frozenset({7}), 100), Unknown)
    assert isinstance(parse_busy("cpu0 1 2 3\n", frozenset({0}), 100), Unknown)


def test_the_work_of_this_machine_only_grows() -> None:
    cores = frozenset(os.sched_getaffinity(0))
    before, after = busy(cores), busy(cores)
    assert isinstance(before, Busy)
    assert isinstance(after, Busy)
    assert 0 < before.busy_s <= after.busy_s


def test_without_proc_stat_the_work_of_others_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*_: object, **__: object) -> str:
        raise OSError(errno.EACCES, "Permission denied")

    with tree() as running, monkeypatch.context() as patch:
        meter = Meter(running)
        meter.start()
        patch.setattr("gunitune.meters.busy.Path.read_text", hidden)  # no kernel here hides it
        meter._look()
        patch.undo()
        meter.stop()
        meter._readings.pop()
        usage = meter.usage()
        assert isinstance(usage.steal_s, Unknown)
        assert isinstance(usage.other_cpu_s, Unknown)
        meter._readings.reverse()
        assert isinstance(meter.usage().other_cpu_s, Unknown)


# The kernel of the machine that runs the tests may have its controllers in cgroup v1: these files
# stand in for cgroup v2's, to be read only.


@pytest.fixture
def v2_group(tmp_path: Path) -> Path:
    stat = "usage_usec 1500000\nuser_usec 1\nnr_throttled 2\nthrottled_usec 250000\n"
    (tmp_path / "cpu.stat").write_text(stat)
    (tmp_path / "memory.stat").write_text("anon 4096\nfile 99\nkernel 5\nshmem 1024\n")
    pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total=750000\nfull avg10=0.00 total=9\n"
    (tmp_path / "cpu.pressure").write_text(pressure)
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")
    return tmp_path


def test_a_v2_group_counts_cpu_time_memory_pressure_and_throttling(v2_group: Path) -> None:
    used, held = cpu_counter([v2_group]), memory_counter([v2_group])
    assert isinstance(used, Counter)
    assert isinstance(held, Counter)
    assert (used.read(), used.source) == (1.5, "cgroup v2 cpu.stat")
    assert (held.read(), held.source) == (5120, "cgroup v2 memory.stat")
    assert pressure_s([v2_group]) == 0.75
    own = [counter for counter in _counters([v2_group]) if counter.file.parent == v2_group]
    assert throttled_s(own) == 0.25


def test_a_v1_group_counts_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "cpuacct.usage").write_text("2000000000\n")
    (tmp_path / "memory.stat").write_text("cache 99\nrss 4096\nshmem 2048\ntotal_rss 5\n")
    (tmp_path / "cpu.stat").write_text("nr_periods 4\nnr_throttled 1\nthrottled_time 300000000\n")
    used, held = cpu_counter([tmp_path]), memory_counter([tmp_path])
    assert isinstance(used, Counter)
    assert isinstance(held, Counter)
    assert (used.read(), held.read()) == (2, 6144)
    own = [counter for counter in _counters([tmp_path]) if counter.file.parent == tmp_path]
    assert throttled_s(own) == pytest.approx(0.3)


def _counters(groups: list[Path]) -> tuple[Counter, ...]:
    found = throttle_counters(groups)
    assert not isinstance(found, Unknown)
    return found


def test_a_group_without_the_files_counts_nothing(tmp_path: Path) -> None:
    assert isinstance(cpu_counter([tmp_path]), Unknown)
    assert isinstance(memory_counter([tmp_path]), Unknown)


def test_a_counter_says_what_its_file_lacks(v2_group: Path) -> None:
    with pytest.raises(ValueError, match="no nothing in"):
        Counter(v2_group / "cpu.stat", "test", keys=("nothing",)).read()


def test_a_memory_group_that_is_gone_holds_nothing(v2_group: Path) -> None:
    with tree() as running:
        level = memory_level(running, [v2_group])
        assert level.read() == 5120
        (v2_group / "memory.stat").unlink()
        assert level.read() == 0


def test_a_throttle_counter_that_is_gone_leaves_throttling_unknown(v2_group: Path) -> None:
    found = _counters([v2_group])
    (v2_group / "cpu.stat").unlink()
    assert isinstance(throttled_s(found), Unknown)


def test_only_groups_that_hold_the_master_are_its_own(v2_group: Path, tmp_path: Path) -> None:
    with tree() as running:
        running.cgroups = (v2_group, tmp_path / "missing")
        assert holding(running) == ()
        (v2_group / "cgroup.procs").write_text(f"1\n{running.process.pid}\n")
        assert holding(running) == (v2_group,)


def test_without_pressure_information_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "_MACHINE_PRESSURE", tmp_path / "missing")
    assert isinstance(pressure_s([]), Unknown)
    (tmp_path / "missing").write_text("nothing of the kind\n")
    assert isinstance(pressure_s([]), Unknown)


def test_throttling_is_unknown_where_no_cgroup_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gunitune.machine.groups import Cgroups

    none = Cgroups((), {}, unread="/proc/self/cgroup can't be read")
    monkeypatch.setattr("gunitune.machine.cgroups.read_cgroups", lambda *_: none)
    assert quotas_above() == Unknown("/proc/self/cgroup can't be read")
    assert throttled_s(throttle_counters([])) == Unknown("/proc/self/cgroup can't be read")
    with tree() as running:
        meter = Meter(running)
        meter.start()
        meter.stop()
        assert isinstance(meter.usage().throttled_s, Unknown)


def test_throttling_that_can_not_be_read_at_the_end_is_unknown(v2_group: Path) -> None:
    with tree() as running:
        meter = Meter(running)
        meter._throttles = _counters([v2_group])
        meter.start()
        (v2_group / "cpu.stat").unlink()
        meter.stop()
    assert isinstance(meter.usage().throttled_s, Unknown)


def test_without_a_clock_of_the_process_its_ticks_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some sandboxes have no such clock: this stands in for their refusal."""
    with tree() as running:
        running.do("spin(0.3)")
        exact = process_cpu_s(running.process.pid)

        def refuse(_: int) -> float:
            raise OSError(errno.EINVAL, "Invalid argument")

        monkeypatch.setattr("gunitune.meters.cpu.time.clock_gettime", refuse)
        assert process_cpu_s(running.process.pid) == pytest.approx(exact, abs=0.1)


def test_a_worker_that_dies_while_the_tree_is_read_is_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is made to die between the two looks, at itself and at the parent that waits for it."""
    with tree() as running:
        worker = int(running.do("answer = worker(lambda: spin(0.3))"))
        monkeypatch.setattr(running, "pids", lambda: [worker, running.process.pid])
        look = cpu._times
        looks: list[int] = []

        def looked(pid: int) -> cpu._Times:
            found = look(pid)
            if not looks:
                running.do(f"os.kill({worker}, 9); os.waitpid({worker}, 0)")
            looks.append(pid)
            return found

        monkeypatch.setattr(cpu, "_times", looked)
        assert 0.25 <= cpu.tree_cpu_s(running) < 0.5
        assert looks.count(running.process.pid) == 3


def test_a_tree_that_never_comes_to_rest_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tree() as running:
        monkeypatch.setattr(cpu, "_same_life", lambda *_: False)
        assert 0 < cpu.tree_cpu_s(running) < 10


def test_children_of_a_process_that_is_gone_are_none() -> None:
    with tree() as running:
        pid = running.process.pid
    assert with_zombies([pid]) == [pid]


def test_switches_count_new_threads_whole_and_old_ones_from_before() -> None:
    before, after = Switches({1: (5, 2)}), Switches({1: (9, 2), 2: (3, 4)})
    assert after.since(before) == (7, 4)
    assert all(isinstance(count, Unknown) for count in before.since(after))


def test_looking_for_the_peak_ends_by_itself_when_nothing_is_left() -> None:
    levels = [3, 7, 5, 0]
    peak = Peak(lambda: levels.pop(0) if levels else 0)
    peak.start()
    peak._thread.join(30)
    assert not peak._thread.is_alive()
    assert peak.stop() == (7, 0)
