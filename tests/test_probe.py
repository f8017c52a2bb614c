from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gunitune.errors import GunituneError
from gunitune.machine.elsewhere import probe_elsewhere
from gunitune.machine.installed import installed
from gunitune.machine.mounts import Mount, parse_mounts
from gunitune.machine.probe import probe
from gunitune.model import Unknown
from gunitune.render.probe import json, text
from hosts import build

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads this machine's /proc")
_LIMITED = {
    "layout": "v2",
    "cgroup": "0::/app\n",
    "files": {"app/cpu.max": "50000 100000\n", "app/memory.max": "536870912\n"},
}


@linux
def test_this_machine_grants_no_more_than_it_shows() -> None:
    host = probe()
    assert host.cores_visible == os.cpu_count()
    assert 0 < host.cpus <= len(os.sched_getaffinity(0))
    assert isinstance(host.memory_bytes, int)
    assert host.memory_bytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert host.origin == "this machine"
    assert not isinstance(host.platform, Unknown)
    assert host.cpus_source
    assert host.memory_source
    assert host.platform_source


@linux
def test_affinity_of_this_process_binds() -> None:
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("one CPU can't be narrowed")
    try:
        os.sched_setaffinity(0, {min(before)})
        host = probe()
    finally:
        os.sched_setaffinity(0, before)
    assert host.cpus <= 1
    assert ("affinity", 1) in [(fact.name, fact.value) for fact in host.limits]
    assert host.cores_visible == os.cpu_count()


@pytest.mark.parametrize("case", ["nothing", "a file", "no proc", "proc is a file", "a null byte"])
def test_a_folder_without_proc_is_no_sysroot(case: str, tmp_path: Path) -> None:
    folder = tmp_path / ("\0" if case == "a null byte" else "root")
    if case == "a file":
        folder.write_text("")
    if case in {"no proc", "proc is a file"}:
        folder.mkdir()
    if case == "proc is a file":
        (folder / "proc").write_text("")
    with pytest.raises(GunituneError) as raised:
        probe(folder)
    assert "sysroot" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_sysroot_that_shows_no_cpu_is_an_error_that_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    with pytest.raises(GunituneError, match="how many CPUs") as raised:
        probe(tmp_path)
    assert "/proc/stat" in raised.value.hint


def test_a_sysroot_may_be_a_relative_path_and_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(_LIMITED, tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert probe(Path("link")).cpus == 0.5


def test_links_inside_a_sysroot_are_followed(tmp_path: Path) -> None:
    build(_LIMITED, tmp_path)
    (tmp_path / "proc/self").rename(tmp_path / "proc/4711")
    (tmp_path / "proc/self").symlink_to("4711")
    assert probe(tmp_path).memory_bytes == 536870912


@pytest.mark.parametrize("target", ["/", "../../../outside", "self"])
def test_links_out_of_a_sysroot_and_loops_count_as_missing(target: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "cgroup").write_text("0::/app\n")
    root = build(_LIMITED, tmp_path / "a" / "root")
    (root / "proc/self").rename(outside / "self")
    absolute = outside / "self" if target == "/" else Path(target)
    (root / "proc/self").symlink_to(absolute)
    host = probe(root)
    assert host.cpus == 8.0
    assert "/proc/self/cgroup can't be read" in host.cpus_source


def test_files_that_lead_out_of_a_sysroot_count_as_missing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("10000 100000\n")
    root = build(_LIMITED, tmp_path / "root")
    quota = root / "sys/fs/cgroup/app/cpu.max"
    quota.unlink()
    quota.symlink_to(secret)
    assert probe(root).cpus == 8.0


def test_a_fifo_does_not_block_and_counts_as_missing(tmp_path: Path) -> None:
    root = build(_LIMITED, tmp_path)
    quota = root / "sys/fs/cgroup/app/cpu.max"
    quota.unlink()
    os.mkfifo(quota)
    assert probe(root).cpus == 8.0


def test_a_sysroot_says_nothing_of_the_running_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the running system was asked")

    root = build(_LIMITED, tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", refuse)
    monkeypatch.setattr(os, "cpu_count", refuse)
    monkeypatch.setenv("DYNO", "web.1")
    host = probe(root)
    assert host.platform == "bare"
    assert host.cores_visible == 8


@linux
def test_a_machine_that_hides_its_files_is_asked_by_the_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gunitune.machine import probe as module
    from gunitune.machine.sysroot import Sysroot

    monkeypatch.setattr(module, "running_system", lambda: Sysroot(tmp_path, live=True))
    host = module.probe(environ={})
    assert host.cpus == len(os.sched_getaffinity(0))
    assert host.limits[0].source == "online CPUs by os.cpu_count()"
    assert isinstance(host.memory_bytes, Unknown)
    assert isinstance(host.shm, Unknown)


@pytest.mark.parametrize("has_affinity", [True, False])
def test_off_linux_psutil_tells(monkeypatch: pytest.MonkeyPatch, *, has_affinity: bool) -> None:
    import psutil

    if not has_affinity:
        monkeypatch.delattr(psutil.Process, "cpu_affinity", raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    host = probe(environ={})
    assert host.memory_bytes == psutil.virtual_memory().total
    assert host.cores_visible == os.cpu_count()
    assert [fact.name for fact in host.limits].count("affinity") == has_affinity
    assert host.pids_max == Unknown("not looked at on darwin")
    assert host.platform_source


def test_off_linux_the_environment_still_tells_the_platform() -> None:
    assert probe_elsewhere({"DYNO": "web.1"}).platform == "heroku"


def test_off_linux_a_missing_shm_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda _: False)
    assert probe_elsewhere({}).shm is False


def test_a_group_whose_name_no_file_system_takes_is_not_visible(tmp_path: Path) -> None:
    case = {**_LIMITED, "cgroup": f"0::/{'x' * 300}\n", "files": {"cpu.max": "300000 100000\n"}}
    host = probe(build(case, tmp_path))
    assert host.cpus == 3.0
    assert "not visible" in [fact.value for fact in host.facts]


def test_a_mount_point_that_loops_or_leads_out_is_not_there(tmp_path: Path) -> None:
    root = build(_LIMITED, tmp_path / "root")
    (root / "sys/fs/cgroup").rename(tmp_path / "outside")
    for target in (tmp_path / "outside", Path("cgroup")):
        (root / "sys/fs/cgroup").symlink_to(target)
        assert probe(root).cpus == 8.0
        (root / "sys/fs/cgroup").unlink()


def test_a_long_cpu_list_is_shortened_in_the_source(tmp_path: Path) -> None:
    cpus = ",".join(map(str, range(0, 1000, 2)))
    root_files = {"proc/self/status": f"Cpus_allowed_list:\t{cpus}\n"}
    online = {"sys/devices/system/cpu/online": "0-999\n"}
    host = probe(build({**_LIMITED, "files": {}, "root_files": root_files | online}, tmp_path))
    assert host.cpus == 500
    assert len(host.cpus_source) < 300
    assert "…" in host.cpus_source


def test_lists_far_longer_than_a_kernel_writes_do_not_hang(tmp_path: Path) -> None:
    case = {**_LIMITED, "cgroup": "0::/app\n" + "1:name=x:/docker/y\n" * 300_000}
    (tmp_path / "big").mkdir()
    assert probe(build(case, tmp_path / "big")).cpus == 0.5
    line = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    assert probe(build({**_LIMITED, "mountinfo": line * 60_000}, tmp_path)).cpus == 0.5


def test_mounts_are_read_with_their_blanks_and_options() -> None:
    line = "36 35 98:0 /a\\040b /mnt\\134x rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
    assert parse_mounts(line) == (
        Mount("/a b", "/mnt\\x", "ext3", frozenset({"rw", "errors=continue"})),
    )


_TEXT = st.text(st.sampled_from("0123456789-,:/. \nmaxscgroup#٣\x00\x1b\U0001f40d"), max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_TEXT, min_size=11, max_size=11))
def test_whatever_the_files_hold_the_probe_answers_or_names_the_fault(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    names = ["cpu.max", "memory.max", "pids.max", "cpu.stat", "cpu.pressure", "memory.events"]
    names += ["cpuset.cpus.effective"]
    root_files = dict(
        zip(
            ["proc/self/status", "proc/meminfo", "sys/devices/system/cpu/online", "proc/stat"],
            texts[7:],
            strict=True,
        )
    )
    case = {
        "layout": "v2",
        "cgroup": "0::/app\n",
        "files": {f"app/{name}": text for name, text in zip(names, texts[:7], strict=True)},
        "root_files": root_files,
    }
    root = build(case, tmp_path_factory.mktemp("host"))
    try:
        host = probe(root)
    except GunituneError as error:
        assert "CPUs" in error.message
        return
    known = installed(root, {})
    assert host.cpus > 0
    assert '"gunitune/probe/1"' in json.render(host, known)
    assert "\x1b" not in text.render(host, known)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_TEXT, min_size=2, max_size=2))
def test_whatever_the_cgroup_lists_hold_the_probe_answers(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    case = {**_LIMITED, "cgroup": texts[0], "mountinfo": texts[1]}
    host = probe(build(case, tmp_path_factory.mktemp("host")))
    assert host.cpus in {0.5, 8.0}
