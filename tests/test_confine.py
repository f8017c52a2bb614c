"""Confinement: what was asked is enforced on real processes, or said not to be."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunitune.errors import UsageError
from gunitune.meters.meter import Meter
from gunitune.model import MIB
from gunitune.serve import cores
from gunitune.serve.cgroup_homes import Homes, homes
from gunitune.serve.confine import Confinement, confine, split_cores
from gunitune.serve.wanted import Wanted, cpu_list, wanted
from gunitune.trial import Limits
from metered import as_nobody, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

USABLE = sorted(os.sched_getaffinity(0))
FIRST = frozenset(USABLE[:1])


@contextmanager
def confined(limits: Limits) -> Iterator[Confinement]:
    """In cgroups; skips where none can be made."""
    with confine(limits) as confinement:
        if not confinement.cgroups or "not enforced" in confinement.how:
            pytest.skip(f"no cgroup can be made here: {confinement.how}")
        yield confinement


def text(confinement: Confinement, *names: str) -> str:
    """The first of these files that one of the groups has."""
    files = [group / name for group in confinement.cgroups for name in names]
    return next(file.read_text().strip() for file in files if file.exists())


def test_without_limits_nothing_is_said_and_a_group_still_holds_the_server() -> None:
    with confined(Limits()) as confinement:
        assert confinement.how == ""
        assert (confinement.cores, confinement.prefix) == (frozenset(), ())
        with tree(confinement.cgroups) as running:
            running.do("worker()")
            for group in confinement.groups:
                inside = list(map(int, (group / "cgroup.procs").read_text().split()))
                assert sorted(inside) == sorted(running.pids())
    assert not any(group.exists() for group in confinement.groups)


def test_the_empty_group_of_a_gunitune_that_was_killed_goes_with_the_next() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    with confined(Limits()) as confinement:
        homes_ = [group.parent for group in confinement.groups]
    dead, living = f"gunitune-{ended.pid}-0badcafe", f"gunitune-{os.getpid()}-0badcafe"
    made = [home / name for home in homes_ for name in (dead, living, f"{dead}1")]
    try:
        for group in made:
            group.mkdir()
            if not group.name.endswith("1"):
                os.utime(group, (0, 0))
        with confined(Limits()):
            left = [group.name for group in made if group.exists()]
    finally:
        for group in made:
            with suppress(OSError):
                group.rmdir()
    assert left == [living, f"{dead}1"] * len(homes_)  # the last is too young to tell


def test_a_share_of_a_cpu_is_a_quota() -> None:
    with confined(Limits(cpus=0.25)) as confinement:
        assert re.fullmatch(r"cgroup v[12]: quota of 0.25 CPUs", confinement.how)
        assert confinement.cores == frozenset()
        assert text(confinement, "cpu.max", "cpu.cfs_quota_us").split()[0] == "25000"


def test_a_tiny_share_of_a_cpu_has_a_long_period() -> None:
    with confined(Limits(cpus=0.002)) as confinement:
        quota = text(confinement, "cpu.max", "cpu.cfs_quota_us").split()
        period = quota[1:] or text(confinement, "cpu.cfs_period_us").split()
    assert (quota[0], period) == ("2000", ["1000000"])


def test_a_whole_cpu_on_a_given_core_is_quota_and_core() -> None:
    if len(USABLE) < 2:
        pytest.skip("one CPU is all there is")
    with confined(Limits(cpus=1, cores=FIRST)) as confinement:
        assert "quota of 1 CPU;" in confinement.how
        assert confinement.how.endswith(f"CPU {USABLE[0]} only")
        assert confinement.cores == FIRST
        with tree(confinement.cgroups) as running:
            allowed = running.do("answer = os.sched_getaffinity(0)")
            if text(confinement, "cpuset.cpus"):
                assert allowed == f"{{{USABLE[0]}}}"


def test_cores_without_a_limit_are_kept_to() -> None:
    with confine(Limits(cores=FIRST)) as confinement:
        assert confinement.how == f"CPU {USABLE[0]} only"
        assert confinement.cores == FIRST


def test_a_process_that_takes_more_than_its_memory_is_killed() -> None:
    with confined(Limits(memory_bytes=48 * MIB)) as confinement:
        assert re.fullmatch(r"cgroup v[12]: 48 MiB of memory", confinement.how)
        with tree(confinement.cgroups) as running:
            running.do("block = b'x' * (16 << 20)")
            with pytest.raises(AssertionError, match=f"code {-signal.SIGKILL}"):
                running.do("block = b'x' * (96 << 20)")


def test_cpus_and_memory_are_said_together() -> None:
    with confined(Limits(cpus=0.5, memory_bytes=256 * MIB)) as confinement:
        assert "quota of 0.5 CPUs" in confinement.how
        assert "256 MiB of memory" in confinement.how


def test_limits_beyond_the_machine_need_nothing() -> None:
    with confine(Limits(cpus=4096, memory_bytes=2**50)) as confinement:
        assert re.fullmatch(
            r"nothing to enforce for CPUs: this machine has [\d.]+; "
            r"nothing to enforce for memory: this machine has [\d.]+ [GTM]iB",
            confinement.how,
        )
        assert (confinement.cores, confinement.prefix) == (frozenset(), ())


def test_cores_that_can_not_be_used_are_refused() -> None:
    with pytest.raises(UsageError, match=r"CPU 4000-4001 can't be used: this process may use CPU"):
        wanted(Limits(cores=frozenset({4000, 4001})))


def test_what_is_left_inside_is_killed_at_the_end() -> None:
    with ExitStack() as stack:
        with confined(Limits()) as confinement:
            first, second = (
                stack.enter_context(tree(confinement.cgroups)),
                stack.enter_context(tree(confinement.cgroups)),
            )
            below = confinement.cgroups[0] / "inner"
            below.mkdir()
            (below / "cgroup.procs").write_text(f"{second.process.pid}")
        assert first.process.wait(30) == -signal.SIGKILL
        assert second.process.wait(30) == -signal.SIGKILL
    assert not any(group.exists() for group in confinement.cgroups)


def test_an_exception_removes_the_groups() -> None:
    with pytest.raises(ZeroDivisionError), confined(Limits()) as confinement:
        raise ZeroDivisionError
    assert not any(group.exists() for group in confinement.cgroups)


# As a plain user who may make no cgroup; really so where these tests run as root.


@pytest.fixture
def plain_user() -> Iterator[None]:
    # What is imported later must be readable to nobody, which an interpreter of root's is not.
    with confine(Limits(cpus=0.1, memory_bytes=8 * MIB)):
        pass
    with as_nobody():
        folders = [*homes().v1.values(), *homes().v2]
        if any(os.access(folder, os.W_OK, effective_ids=True) for folder in folders):
            pytest.skip("this user may make cgroups")
        yield


@pytest.mark.usefixtures("plain_user")
def test_whole_cpus_are_enforced_by_affinity_where_no_cgroup_can_be_made() -> None:
    if len(USABLE) < 2:
        pytest.skip("one CPU is all there is")
    with confine(Limits(cpus=1)) as confinement:
        assert confinement.how == f"affinity: CPU {USABLE[0]} only"
        assert confinement.cores == FIRST
        assert confinement.groups == ()


@pytest.mark.usefixtures("plain_user")
def test_what_can_not_be_enforced_is_said_with_the_reason() -> None:
    with confine(Limits(cpus=0.5, memory_bytes=64 * MIB)) as confinement:
        unmet = "quota of 0.5 CPUs and 64 MiB of memory not enforced: no cgroup for that can be"
        assert confinement.how.startswith(f"affinity: CPU {USABLE[0]} only; {unmet} made here (")
        assert "Permission denied" in confinement.how
        assert "systemd-run" in confinement.how


@pytest.mark.usefixtures("plain_user")
def test_without_limits_or_groups_there_is_nothing_to_say() -> None:
    with confine(Limits()) as confinement:
        assert confinement == Confinement()


def test_without_v2_cpu_time_is_counted_by_cgroup_v1(monkeypatch: pytest.MonkeyPatch) -> None:
    v1 = homes().v1
    if "cpuacct" not in v1:
        pytest.skip("cgroup v1's accounting is not mounted here")
    monkeypatch.setattr("gunitune.serve.cgroup_make.homes", lambda: Homes(v1, ()))
    with confined(Limits(cpus=0.9)) as confinement, tree(confinement.cgroups) as running:
        meter = Meter(running)
        meter.start()
        running.do("os.waitpid(child(lambda: spin(0.2)), 0)")
        meter.stop()
        usage = meter.usage()
    assert usage.cpu_source == "cgroup v1 cpuacct.usage"
    assert 0.1 < usage.cpu_s < 0.4


def test_as_many_cores_as_a_quota_takes_stand_in_for_it() -> None:
    cores = frozenset({4, 7, 9})
    assert Wanted(1.5, None, cores).cores_enough == {4, 7}
    assert Wanted(4, None, cores).cores_enough == cores
    assert Wanted(None, None, cores).cores_enough == cores


def test_the_server_and_its_generator_get_cpus_of_their_own() -> None:
    server, generator = split_cores(len(USABLE) - 0.5)
    assert (server, generator) == (frozenset(), frozenset())
    assert split_cores(None) == (frozenset(), frozenset())
    if len(USABLE) > 1:
        server, generator = split_cores(0.5)
        assert len(server) == 1
        assert server | generator == frozenset(USABLE)
        assert not server & generator


def test_threads_of_one_physical_core_are_not_split(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Stands in for a machine with four CPUs on two cores, 0 and 2, 1 and 3."""
    for core, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        (tmp_path / f"{core}").write_text(f"{siblings}\n")
    monkeypatch.setattr(cores, "_SIBLINGS", f"{tmp_path}/{{}}")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert split_cores(2) == (frozenset({0, 2}), frozenset({1, 3}))
    (tmp_path / "2").unlink()
    assert split_cores(1.5) == (frozenset({0, 1}), frozenset({2, 3}))


def test_cpus_are_written_as_the_kernel_does() -> None:
    assert cpu_list(frozenset({0, 1, 2, 5, 7, 8})) == "0-2,5,7-8"


def test_confinement_does_not_wait_for_pydantic() -> None:
    code = "import gunitune.serve.confine, sys; print('pydantic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
