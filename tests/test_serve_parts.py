"""Ports, listeners, signals and the pipe to the watchdog, each by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from gunitune.serve.confine import Confinement
from gunitune.serve.events import Events
from gunitune.serve.failure import ServeError
from gunitune.serve.port import accepts, free_port
from gunitune.serve.signals import Ended, ended_by_signals
from gunitune.serve.watch import Watch
from gunitune.serve.watchdog import descendants, members


def test_a_free_port_is_one_that_can_be_bound_and_no_client_gets() -> None:
    port = free_port()
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 20_000 <= port < lowest
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))


def test_a_range_of_ports_that_can_not_be_read_is_taken_to_be_the_usual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "")
    assert 20_000 <= free_port() < 32_768


def test_a_loop_accepts_once_it_waits_for_its_listener() -> None:
    async def seen() -> list[bool]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            before = accepts(os.getpid(), port)
            server = await asyncio.start_server(lambda *_: None, sock=listener)
            async with server:
                return [before, accepts(os.getpid(), port)]

    assert asyncio.run(seen()) == [False, True]


def test_what_can_not_be_told_of_a_loop_does_not_hold_it_up() -> None:
    assert accepts(os.getpid(), 1)  # nothing listens there
    assert accepts(2**22 + 1, 1)  # no such process
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if Path("/proc/self/fd").exists() and not _epolls():
            assert accepts(os.getpid(), listener.getsockname()[1])  # no epoll


def _epolls() -> list[str]:
    links = (path for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return [str(path) for path in links if "eventpoll" in str(path.readlink())]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_with_an_exception_once_and_is_handled_as_before_after(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    cleaned = []

    def ended() -> None:
        with ended_by_signals():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(signal.SIGTERM)  # ignored: the end is under way
                cleaned.append(True)

    with pytest.raises(Ended, match=number.name) as raised:
        ended()
    assert raised.value.number == number
    assert isinstance(raised.value, KeyboardInterrupt)
    assert cleaned == [True]
    assert signal.getsignal(number) == before


def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_signals_are_left_alone() -> None:
    seen = []

    def run() -> None:
        with ended_by_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_events_are_read_line_by_line_as_they_come(tmp_path: Path) -> None:
    events = Events(tmp_path / "events")
    pid = os.getpid()
    events.path.write_text(f'{{"event": "ready", "pid": {pid}, "age": 1, "t": 5.0}}\n{{"event": "e')
    events.update()
    assert (events.alive(), events.exited) == ([(pid, 5.0)], [])
    with events.path.open("a") as file:
        file.write(f'xit", "pid": {pid}, "t": 6.0}}\n')
    events.update()
    assert (events.alive(), events.exited) == ([], [pid])


def test_an_environment_longer_than_a_pipe_arrives_whole_but_for_what_speaks_of_others(
    tmp_path: Path,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {"A" * 1000: "x" * 100_000, "ODD": "\udcff", "NOTIFY_SOCKET": "/run/notify"}
    command = ["/bin/sh", "-c", 'env | wc -c; printf %s- "$ODD" "$NOTIFY_SOCKET"; exit 3']
    watch = Watch(command, environ, tmp_path, temporary, Confinement())
    while watch.exited() is None:
        pass
    written = (temporary / "log").read_bytes().split(b"\n")
    watch.stop(0)
    assert watch.exited() == 3
    assert int(written[0]) > 101_000
    assert written[1] == b"\xff--"


def test_a_prefix_comes_before_the_command_and_the_folder_is_the_servers(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    prefix = ("/usr/bin/env", "PREFIXED=yes")
    command = ["/bin/sh", "-c", "echo $PREFIXED $(pwd)"]
    watch = Watch(command, {}, tmp_path, temporary, Confinement(prefix=prefix))
    while watch.exited() is None:
        pass
    written = (temporary / "log").read_text()
    watch.stop(0)
    assert written == f"yes {tmp_path}\n"


def test_a_group_that_can_not_be_entered_keeps_the_server_from_starting(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    confinement = Confinement(cgroups=(tmp_path / "nosuch",))
    watch = Watch(["/bin/true"], {}, tmp_path, temporary, confinement)
    while watch.exited() is None:
        pass
    written = (temporary / "log").read_text()
    watch.stop(0)
    assert watch.exited() == 127
    assert "gunitune: it could not be started" in written
    assert "nosuch" in written


def test_a_watchdog_that_can_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descendants(os.getpid())
    monkeypatch.setattr("sys.executable", "/bin/true")
    with pytest.raises(ServeError, match="watchdog of the server did not start"):
        Watch(["/bin/true"], {}, tmp_path, tmp_path / "temporary", Confinement())
    monkeypatch.setattr("sys.executable", "/nonexistent")
    with pytest.raises(ServeError, match="no process can be started"):
        Watch(["/bin/true"], {}, tmp_path, tmp_path / "temporary", Confinement())
    assert descendants(os.getpid()) == before


def test_the_members_of_a_group_are_those_of_the_groups_below_too(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "cgroup.procs").write_text("1\n2\n")
    (tmp_path / "below" / "cgroup.procs").write_text("3\n")
    assert sorted(members((tmp_path, tmp_path / "nosuch"))) == [1, 2, 3]
