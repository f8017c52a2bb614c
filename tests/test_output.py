"""Files are written whole or not at all; terminals get colour and width, pipes get neither."""

from __future__ import annotations

import io
import os
import pty
import socket
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
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


def test_a_file_with_other_line_endings_differs_and_is_shown_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "gunicorn.conf.py"
    target.write_bytes(b"workers = 5\r\n")
    with pytest.raises(UsageError, match="exists and differs"):
        output.write("workers = 5\n", target)
    assert "-workers = 5\\r\n" in capsys.readouterr().err
    output.write("workers = 5\n", target, force=True)
    assert target.read_bytes() == b"workers = 5\n"


def test_the_difference_of_a_last_line_that_does_not_end_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output.show_difference(b"workers = 5", b"workers = 5\n", tmp_path)
    assert capsys.readouterr().err.endswith(" workers = 5\n+\n")


def test_what_a_file_holds_does_not_drive_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "a\x1b[2Jb"
    target.write_text("\x1b]0;owned\x07\u202e = 3\n")
    with pytest.raises(UsageError):
        output.write("workers = 5\n", target)
    shown = capsys.readouterr().err
    assert r"-\x1b]0;owned\x07\u202e = 3" in shown
    assert r"a\x1b[2Jb" in shown
    assert all(char.isprintable() for char in shown.replace("\n", ""))


def test_a_large_file_is_not_compared_but_can_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "gunicorn.conf.py"
    with target.open("wb") as file:
        file.truncate(1 << 40)  # it takes no disk, and more memory than there is
    with pytest.raises(UsageError, match="is too large to be gunitune's: --force"):
        output.write("workers = 5\n", target)
    assert target.stat().st_size == 1 << 40
    output.write("workers = 5\n", target, force=True)
    assert target.read_text() == "workers = 5\n"


def test_a_name_that_is_no_text_is_written_as_an_escape(tmp_path: Path) -> None:
    target = tmp_path / "gunicorn.conf.py"
    name = os.fsdecode(b"caf\xe9.py")
    output.write(f"# {name} é\n", target)
    assert target.read_text(encoding="utf-8") == "# caf\\udce9.py é\n"


def test_a_name_as_long_as_can_be_is_written(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 255)
    output.write("workers = 5\n", target)
    assert target.read_text() == "workers = 5\n"


def test_setuid_is_not_passed_on(tmp_path: Path) -> None:
    target = tmp_path / "gunicorn.conf.py"
    target.write_text("old\n")
    target.chmod(0o4755)
    output.write("new\n", target, force=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_a_file_that_comes_in_between_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "gunicorn.conf.py"
    monkeypatch.setattr(os, "fsync", lambda _: target.write_text("theirs\n"))  # the moment between
    with pytest.raises(UsageError, match="exists and differs: --force overwrites it"):
        output.write("ours\n", target)
    assert target.read_text() == "theirs\n"
    assert [path.name for path in tmp_path.iterdir()] == ["gunicorn.conf.py"]


def test_a_file_system_without_hard_links_gets_its_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)  # as FAT does, which can't be mounted here
    target = tmp_path / "gunicorn.conf.py"
    output.write("workers = 5\n", target)
    assert target.read_text() == "workers = 5\n"
    assert [path.name for path in tmp_path.iterdir()] == ["gunicorn.conf.py"]


def test_a_link_to_what_is_not_there_yet_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to(tmp_path / "real.py")
    output.write("new\n", link)
    assert link.is_symlink()
    assert (tmp_path / "real.py").read_text() == "new\n"


def test_a_fifo_is_written_to_its_reader(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    long = "workers = 5\n" * 20_000  # more than a pipe holds
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        held = os.open(fifo, os.O_WRONLY)  # as soon as the reader has come
        with ThreadPoolExecutor() as pool:
            read = pool.submit(reader.stdout.read)
            output.write(long, fifo)
            os.close(held)
            assert read.result(timeout=60).decode() == long
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_fifo_without_a_reader_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(UsageError, match="nobody reads it"):
        output.write("workers = 5\n", fifo)


def test_a_terminal_is_written_to() -> None:
    leader, follower = pty.openpty()
    output.write("workers = 5\n", Path(os.ttyname(follower)))
    assert os.read(leader, 100) == b"workers = 5\r\n"
    os.close(leader)
    os.close(follower)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
@pytest.mark.parametrize("force", [True, False])
def test_a_device_stays_a_device(tmp_path: Path, force: bool) -> None:
    null, full, disk = tmp_path / "null", tmp_path / "full", tmp_path / "disk"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    os.mknod(disk, 0o600 | stat.S_IFBLK, os.makedev(7, 250))
    output.write("workers = 5\n", null, force=force)
    assert stat.S_ISCHR(null.stat().st_mode)
    with pytest.raises(UsageError, match="No space left on device"):
        output.write("workers = 5\n", full, force=force)
    with pytest.raises(UsageError, match="neither a file nor a stream"):
        output.write("workers = 5\n", disk, force=force)


@pytest.mark.parametrize("force", [True, False])
def test_a_folder_or_a_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        for path in (Path("socket"), tmp_path):
            with pytest.raises(UsageError, match="neither a file nor a stream"):
                output.write("workers = 5\n", path, force=force)


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
