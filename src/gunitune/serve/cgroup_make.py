"""Makes cgroups of our own, sets their limits, and makes sure that a process can enter them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.serve.cgroup_files import bounded, hand_down, limit_files, swap_off
from gunitune.serve.cgroup_homes import homes
from gunitune.serve.cgroup_remove import remove, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from gunitune.serve.wanted import Wanted

_ENTER = ("/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs"')
_ENTER_TIMEOUT_S = 10


@dataclass(slots=True)
class Made:
    """The groups made so far; which version enforces each of "cpu" and "memory", or why none."""

    folders: list[Path] = field(default_factory=list)
    enforced: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def make_groups(wish: Wanted, name: str, cleanup: ExitStack) -> Made:
    """Groups called `name` in every hierarchy that limits or counts; removed by `cleanup`.

    Without limits they still count: CPU time in cgroup v2, which needs no controller for that,
    else in v1's cpuacct; memory where v1 has it. Nothing is put under v1's cpu controller without
    a quota: that alone would change how the scheduler shares the CPUs out.
    """
    made, here = Made(), homes()
    cleanup.callback(_remove_all, made.folders)
    need = [controller for controller in wish.limited if controller not in here.v1]
    counted = _make_v2(here.v2, name, need, wish, made)
    wishes = {*wish.limited, "memory"} | ({"cpuset"} if wish.cores else set())
    by_home: dict[Path, list[str]] = {}
    for controller, home in here.v1.items():
        if controller in wishes or (controller == "cpuacct" and not counted):
            by_home.setdefault(home, []).append(controller)
    for home, controllers in by_home.items():
        _make_v1(home, name, controllers, wish, made)
    return made


def drop_groups(made: Made) -> None:
    """Remove them again, for another way that serves better."""
    _remove_all(made.folders)
    made.folders.clear()


def _make_v2(
    homes: Sequence[Path], name: str, need: Sequence[str], wish: Wanted, made: Made
) -> bool:
    """One group, with the controllers needed if they can be had, else one that only counts."""
    failed = _try_v2(homes, name, need, wish, made)
    if failed and need:
        made.failed |= dict.fromkeys(need, failed)
        failed = _try_v2(homes, name, (), wish, made)
    else:
        made.enforced |= dict.fromkeys(need, 2)
    return not failed


def _try_v2(homes: Sequence[Path], name: str, need: Sequence[str], wish: Wanted, made: Made) -> str:
    """Below the nearest group that allows it; why not, where none does.

    A group whose own limits the server would escape is not left behind.
    """
    reason = ""
    for home in homes:
        try:
            hand_down(home, need)
            made.folders.append(_new(home / name, limit_files(2, need, wish)))
        except OSError as error:
            reason = reason or _reason(home, error)
        else:
            return ""
        if bounded(home):
            break
    return reason or "cgroup v2 is not mounted"


def _make_v1(home: Path, name: str, controllers: Sequence[str], wish: Wanted, made: Made) -> None:
    limiting = [controller for controller in controllers if controller in wish.limited]
    files = limit_files(1, controllers, wish)
    try:
        if "cpuset" in controllers:
            files["cpuset.mems"] = (home / "cpuset.effective_mems").read_text().strip()
        made.folders.append(_new(home / name, files))
    except OSError as error:
        made.failed |= dict.fromkeys(limiting, _reason(home, error))
    else:
        made.enforced |= dict.fromkeys(limiting, 1)


def _new(folder: Path, files: Mapping[str, str]) -> Path:
    """A group with these files written, that a process was seen to enter; OSError if not."""
    sweep(folder.parent)
    folder.mkdir()
    try:
        for file, text in files.items():
            (folder / file).write_text(text)
        swap_off(folder, files)
        _enter(folder)
    except BaseException:
        remove(folder)
        raise
    return folder


def _enter(folder: Path) -> None:
    """Mounted and writable is not usable: see that a process gets in."""
    import subprocess

    try:
        subprocess.run(  # noqa: S603  (our own command)
            [*_ENTER, str(folder)],
            check=True,
            timeout=_ENTER_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise OSError(f"{folder.parent}: no process can enter a group made there") from error


def _remove_all(folders: Sequence[Path]) -> None:
    for folder in folders:
        remove(folder)


def _reason(home: Path, error: OSError) -> str:
    return f"{error.strerror} in {home}" if error.strerror else str(error)
