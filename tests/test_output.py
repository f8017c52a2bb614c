"""Files are written whole or not at all; terminals get colour and width, pipes get neither."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from gunitune import output
from gunitune.errors import UsageError


def test_a_file_is_written(tmp_path: Path) -> None:
    target = tmp_path / "gunicorn.conf.py"
    output.write("workers = 5\n", target)
    assert target.read_text() == "workers = 5\n"
    assert [path.name for path in tmp_path.iterdir()] == ["gunicorn.conf.py"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def test_another_text_is_not_overwritten_but_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "gunicorn.conf.py"
    target.write_text("workers = 3")
    with pytest.raises(UsageError, match="exists and differs: --force overwrites it"):
        output.write("workers = 5\n", target)
    assert target.read_text() == "workers = 3"
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "-workers = 3" in shown.err
    assert "+workers = 5" in shown.err


def test_force_overwrites_and_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "gunicorn.conf.py"
    target.write_text("workers = 3\n")
    target.chmod(0o640)
    output.write("workers = 5\n", target, force=True)
    assert target.read_text() == "workers = 5\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_the_same_text_is_no_change(tmp_path: Path) -> None:
    target = tmp_path / "gunicorn.conf.py"
    target.write_text("workers = 5\n")
    before = target.stat().st_mtime_ns, target.stat().st_ino
    output.write("workers = 5\n", target)
    assert (target.stat().st_mtime_ns, target.stat().st_ino) == before


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.py"
    real.write_text("old\n")
    link = tmp_path / "link.py"
    link.symlink_to(real)
    output.write("new\n", link, force=True)
    assert link.is_symlink()
    assert real.read_text() == "new\n"


@pytest.mark.parametrize("name", ["nowhere/gunicorn.conf.py", "."])
def test_what_cannot_be_written_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name another file"):
        output.write("workers = 5\n", tmp_path / name)


def test_a_binary_file_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is no text"):
        output.write("workers = 5\n", target, force=True)


def test_a_write_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)  # a full disk can't be had here
    target = tmp_path / "gunicorn.conf.py"
    with pytest.raises(UsageError, match="No space left on device"):
        output.write("workers = 5\n", target)
    assert list(tmp_path.iterdir()) == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return -1


@pytest.mark.parametrize(
    ("flag", "environ", "terminal", "colored"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_to_colour(flag: str, environ: dict[str, str], terminal: bool, colored: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert output.colored(flag, stream, environ) is colored


def test_a_pipe_is_80_columns_wide_and_a_terminal_as_wide_as_it_is() -> None:
    import fcntl
    import pty
    import struct
    import termios

    assert output.width(io.StringIO()) == 80
    assert output.width(Terminal()) == 80
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        for columns, wide in ((100, 99), (300, 119), (20, 59), (0, 79)):
            fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            assert output.width(terminal) == wide
    os.close(leader)


def test_a_small_project_shows_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress(show=False) as report:
        assert report is None
    with output.progress(show=True) as report:
        assert report is not None
        report(10, 20)
    assert capsys.readouterr().err == ""
