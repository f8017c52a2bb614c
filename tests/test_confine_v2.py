"""Confinement in cgroup v2: on the real one as far as it has controllers, else on files like it."""

from __future__ import annotations

import os
import subprocess
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunitune.machine.mounts import parse_mounts
from gunitune.serve.cgroup_files import bounded, hand_down, limit_files, swap_off
from gunitune.serve.cgroup_homes import Homes, homes
from gunitune.serve.cgroup_make import make_groups
from gunitune.serve.cgroup_remove import remove
from gunitune.serve.confine import confine
from gunitune.serve.wanted import Wanted
from gunitune.trial import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WISH = Wanted(1.5, 1 << 29, frozenset())


@pytest.fixture
def occupied() -> Iterator[tuple[Path, str]]:
    """A real cgroup v2 group with a process in it, and a controller that its root could hand down.

    It takes the place of cpu and memory, which may be bound to cgroup v1 here.
    """
    root = next(iter(reversed(homes().v2)), None)
    try:
        assert root, "cgroup v2 is not mounted"
        has = set((root / "cgroup.controllers").read_text().split())
        spare = sorted(has - set((root / "cgroup.subtree_control").read_text().split()))
        assert spare, "cgroup v2 has no controller to spare"
        group = root / f"gunitune-test-{uuid.uuid4().hex[:8]}"
        hand_down(root, spare[:1])
        group.mkdir()
    except (AssertionError, OSError) as error:
        pytest.skip(f"no cgroup v2 group can be made here: {error}")
    join = 'echo $$ > "$0/cgroup.procs" && exec sleep 600'
    process = subprocess.Popen(["/bin/sh", "-c", join, str(group)])
    try:
        while not (group / "cgroup.procs").read_text():
            assert process.poll() is None
        yield group, spare[0]
    finally:
        process.kill()
        process.wait()
        remove(group)
        with suppress(OSError):
            (root / "cgroup.subtree_control").write_text(f"-{spare[0]}")


def test_a_group_with_processes_can_not_hand_controllers_down(occupied: tuple[Path, str]) -> None:
    group, controller = occupied
    with pytest.raises(OSError, match="Device or resource busy"):
        hand_down(group, [controller])


def test_a_controller_is_handed_down_once(occupied: tuple[Path, str]) -> None:
    group, controller = occupied
    hand_down(group.parent, [controller])
    assert controller in (group.parent / "cgroup.subtree_control").read_text().split()


def test_a_controller_that_the_root_has_not_got_is_an_error(occupied: tuple[Path, str]) -> None:
    with pytest.raises(OSError, match="has no imaginary controller"):
        hand_down(occupied[0].parent, ["imaginary"])


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """A tree of plain files laid out like cgroup v2: it stands in for controllers bound to v1.

    Nothing is enforced by it, and nothing is removed from it.
    """

    def lay(name: str, controllers: str, down: str = "", **more: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "cgroup.controllers").write_text(controllers)
        (folder / "cgroup.subtree_control").write_text(down)
        for file, text in more.items():
            (folder / file.replace("_", ".")).write_text(text)
        return folder

    return lay


class _Kept:
    """In the place of an ExitStack, whose end would remove the groups."""

    def callback(self, *_: object) -> None:
        """Never calls."""


def make(monkeypatch: pytest.MonkeyPatch, wish: Wanted, *v2: Path) -> tuple[list[Path], str]:
    """The groups made below these, and why limits failed."""
    monkeypatch.setattr("gunitune.serve.cgroup_make.homes", lambda: Homes({}, v2))
    made = make_groups(wish, "made", _Kept())  # type: ignore[arg-type]
    assert set(made.enforced) | set(made.failed) == set(wish.limited)
    return made.folders, "; ".join(dict.fromkeys(made.failed.values()))


def test_limits_are_written_below_the_nearest_group_that_has_the_controllers(
    monkeypatch: pytest.MonkeyPatch, files: Callable[..., Path]
) -> None:
    root = files("root", "cpu memory pids", "memory")
    own = files("root/own", "memory")
    made, failed = make(monkeypatch, WISH, own, root)
    assert (made, failed) == ([root / "made"], "")
    written = {file.name: file.read_text() for file in made[0].iterdir()}
    assert written.pop("cgroup.procs").strip().isdigit()
    assert written == {
        "cpu.max": "150000 100000",
        "memory.max": f"{1 << 29}",
        "memory.swap.max": "0",
    }
    assert (root / "cgroup.subtree_control").read_text() == "+cpu"


def test_a_group_with_limits_of_its_own_is_not_escaped(
    monkeypatch: pytest.MonkeyPatch, files: Callable[..., Path]
) -> None:
    root = files("root", "cpu memory")
    own = files("root/own", "", cpu_max="50000 100000")
    made, failed = make(monkeypatch, WISH, own, root)
    assert made == [own / "made"]  # it counts, and is within the limits that hold for us
    assert failed == f"{own} has no cpu and no memory controller"


def test_without_any_group_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(monkeypatch, WISH) == ([], "cgroup v2 is not mounted")


def test_without_limits_no_controller_is_handed_down(
    monkeypatch: pytest.MonkeyPatch, files: Callable[..., Path]
) -> None:
    own = files("own", "cpu memory")
    assert make(monkeypatch, Wanted(None, None, frozenset()), own) == ([own / "made"], "")
    assert (own / "cgroup.subtree_control").read_text() == ""


def test_a_group_is_bounded_by_any_limit_of_its_own(files: Callable[..., Path]) -> None:
    assert not bounded(files("free", "", cpu_max="max 100000", memory_max="max", cpuset_cpus="\n"))
    assert bounded(files("cpu", "", cpu_max="1000 100000"))
    assert bounded(files("memory", "", cpu_max="max 100000", memory_max="4096"))
    assert bounded(files("cpuset", "", cpuset_cpus="0-1"))


def test_each_version_has_its_own_files() -> None:
    both = ("cpu", "memory", "cpuset")
    wish = Wanted(0.5, 4096, frozenset({0, 1}))
    assert limit_files(1, both, wish) == {
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "50000",
        "memory.limit_in_bytes": "4096",
        "cpuset.cpus": "0-1",
    }
    assert limit_files(2, ("memory",), wish) == {"memory.max": "4096"}
    assert limit_files(2, both, Wanted(None, None, frozenset())) == {}


def test_swap_is_taken_off_with_memory(tmp_path: Path) -> None:
    swap_off(tmp_path, {"memory.limit_in_bytes": "4096"})
    assert (tmp_path / "memory.memsw.limit_in_bytes").read_text() == "4096"
    swap_off(tmp_path / "missing", {"memory.max": "4096"})


def test_a_group_that_no_process_can_enter_is_removed_again() -> None:
    """The thread's group type makes a real one of that kind: it is mounted, but not usable."""
    here = homes()
    if not here.v2 or not os.access(here.v2[-1], os.W_OK):
        pytest.skip("no cgroup v2 group can be made here")
    root = here.v2[-1]
    group = root / f"gunitune-test-{uuid.uuid4().hex[:8]}"
    group.mkdir()
    try:
        inner = group / "threads"
        inner.mkdir()
        (inner / "cgroup.type").write_text("threaded")
        assert _invalid(group)
    finally:
        remove(group)


def _invalid(group: Path) -> bool:
    """Below a group whose threads are shared out, further groups take no process."""
    from gunitune.serve.cgroup_make import _new

    with pytest.raises(OSError, match="no process can enter a group made there"):
        _new(group / "made", {})
    return not (group / "made").exists()


def test_accounting_is_found_where_it_is_a_hierarchy_of_its_own(tmp_path: Path) -> None:
    from gunitune.machine.groups import Membership
    from gunitune.serve.cgroup_homes import _accounting

    (tmp_path / "inner").mkdir()
    line = "33 31 0:30 {} {} rw - cgroup cgroup rw,cpuacct"

    def found(root: str, path: str) -> Path | None:
        mounts = parse_mounts(line.format(root, tmp_path))
        members = [Membership(frozenset({"memory"}), "/"), Membership(frozenset({"cpuacct"}), path)]
        return _accounting("cpuacct", members, mounts)

    assert found("/", "/inner") == tmp_path / "inner"
    assert found("/", "/hidden") == tmp_path
    assert found("/other", "/inner") == tmp_path
    assert found("/", "/../..") == tmp_path
    assert _accounting("cpuacct", [], ()) is None


def test_the_real_groups_of_a_confinement_show_where_they_were_said_to_be() -> None:
    with confine(Limits()) as confinement:
        if not confinement.cgroups:
            pytest.skip("no cgroup can be made here")
        assert all((group / "cgroup.procs").exists() for group in confinement.cgroups)
