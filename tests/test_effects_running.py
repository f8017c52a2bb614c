"""What the rules on reliability and deployment say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from effect import APP, RELEASES, Place, address, example, until
from serving import BootError, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are told by their /proc")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT501": "test_without_a_timeout_a_hung_worker_stays",
    "GT505": "test_a_stop_waits_for_requests_longer_than_the_platform",
    "GT507": "test_without_grace_a_stop_cuts_requests_off",
    "GT510": "test_the_kernel_cuts_the_listen_queue",
    "GT512": "test_a_silent_client_holds_a_sync_worker",
    "GT513": "test_the_reloader_shows_tracebacks_to_clients",
    "GT515": "test_a_missing_heartbeat_directory_stops_the_start",
    "GT516": "test_a_daemon_ends_the_process_that_was_started",
    "GT517": "test_a_daemon_logs_nowhere",
    "GT519": "test_a_pid_file_left_behind_stops_the_start",
    "GT521": "test_dirty_apps_alone_start_no_dirty_worker",
    "GT804": "test_workers_in_the_file_override_web_concurrency",
    "GT805": "test_a_control_socket_without_a_place_is_an_error_in_the_log",
    "GT806": "test_a_folder_that_is_not_there_stops_the_start",
    "GT807": "test_processes_are_not_renamed_without_setproctitle",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_a_timeout_a_hung_worker_stays(place: Place) -> None:
    def hang(server: Server) -> list[int]:
        workers = server.await_workers(2)
        os.kill(workers[0], signal.SIGSTOP)
        return workers

    with place.serve(example("GT501")) as off, place.serve("workers = 2\ntimeout = 1") as on:
        hung, replaced = hang(off), hang(on)
        until(lambda: set(on.worker_pids()) - set(replaced), on)
        assert off.worker_pids() == hung
        os.kill(hung[0], signal.SIGCONT)


def test_a_stop_waits_for_requests_longer_than_the_platform(place: Place) -> None:
    with place.serve(example("GT505")) as server, place.hold(server) as request:
        workers = server.worker_pids()
        os.kill(server.master_pid, signal.SIGTERM)
        until(lambda: "Handling signal: term" in server.log(), server)
        assert server.worker_pids() == workers
        assert not request.done()
        for pid in (server.master_pid, *workers):  # as the platform does when its period is over
            os.kill(pid, signal.SIGKILL)
        with pytest.raises((OSError, HTTPException)):
            request.result(30)


def test_without_grace_a_stop_cuts_requests_off(place: Place) -> None:
    with place.serve(example("GT507")) as server, place.hold(server) as request:
        os.kill(server.master_pid, signal.SIGTERM)
        with pytest.raises((OSError, HTTPException)):
            request.result(30)

    with place.serve("workers = 2") as server, place.hold(server) as request:
        os.kill(server.master_pid, signal.SIGTERM)
        until(lambda: "Handling signal: term" in server.log(), server)
        place.let_go()
        assert request.result(30)[0] == 200


def test_the_kernel_cuts_the_listen_queue(place: Place) -> None:
    hook = """
import socket, struct

def when_ready(server):
    told = server.LISTENERS[0].sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    server.log.info("queue of %d", struct.unpack_from("I", told, 28)[0])
"""
    most = int(Path("/proc/sys/net/core/somaxconn").read_text(encoding="ascii"))

    with place.serve(example("GT510") + hook) as server:
        assert f"queue of {min(65_535, most)}\n" in server.log()


def test_a_silent_client_holds_a_sync_worker(place: Place) -> None:
    with place.serve(example("GT512")) as server:
        with socket.create_connection(address(server)), pytest.raises(TimeoutError):
            server.get(timeout_s=1)
        assert server.get()[0] == 200


def test_the_reloader_shows_tracebacks_to_clients(place: Place) -> None:
    place.write("app.py", "def app(:\n")

    with place.serve(example("GT513")) as server:
        body = server.get()[1].decode()
        assert "SyntaxError" in body
        assert str(place.folder) in body

    with pytest.raises(BootError), place.serve("workers = 2"):
        pass


def test_a_missing_heartbeat_directory_stops_the_start(place: Place) -> None:
    conf = example("GT515").replace("/dev/shm", str(place.folder / "missing"))

    with pytest.raises(BootError, match="missing doesn't exist"), place.serve(conf):
        pass


@pytest.fixture
def daemon(place: Place) -> Iterator[tuple[subprocess.CompletedProcess[str], psutil.Process]]:
    """What became of the command, and the master that it left."""
    path = place.write("conf.py", example("GT516"))
    pidfile = place.folder / "pid"
    python = RELEASES["newest"].python()
    options = ["-c", str(path), "--pid", str(pidfile), "--bind", "127.0.0.1:0"]
    ran = subprocess.run(
        [str(python), "-m", "gunicorn", *options, "app:app"],
        cwd=place.folder,
        env={"HELD": str(place.held), "XDG_RUNTIME_DIR": str(place.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    while not (pidfile.exists() and pidfile.read_text(encoding="ascii")):
        time.sleep(0.02)
    master = psutil.Process(int(pidfile.read_text(encoding="ascii")))
    try:
        yield ran, master
    finally:
        family = [*master.children(), master]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)


def test_a_daemon_ends_the_process_that_was_started(
    daemon: tuple[subprocess.CompletedProcess[str], psutil.Process],
) -> None:
    ran, master = daemon

    assert ran.returncode == 0
    assert master.is_running()


def test_a_daemon_logs_nowhere(
    daemon: tuple[subprocess.CompletedProcess[str], psutil.Process],
) -> None:
    ran, master = daemon

    assert ran.stdout + ran.stderr == ""
    assert Path(f"/proc/{master.pid}/fd/2").readlink() == Path("/dev/null")


def test_a_pid_file_left_behind_stops_the_start(place: Place) -> None:
    left = place.write("gunicorn.pid", f"{os.getpid()}\n")
    conf = example("GT519").replace("/app/gunicorn.pid", str(left))

    with pytest.raises(BootError, match="Already running on PID"), place.serve(conf):
        pass


def test_dirty_apps_alone_start_no_dirty_worker(place: Place) -> None:
    conf = example("GT521")
    place.write("app.py", f"from gunicorn.dirty import DirtyApp as Work\n{APP}")

    with place.serve(conf) as server:
        assert "dirty arbiter" not in server.log()
    with place.serve(conf + "\ndirty_workers = 1") as server:
        assert "Spawned dirty arbiter" in server.log()
        os.kill(server.master_pid, signal.SIGQUIT)  # its dirty workers are slow to end otherwise


def test_workers_in_the_file_override_web_concurrency(place: Place) -> None:
    with place.serve(example("GT804"), env={"WEB_CONCURRENCY": "3"}) as server:
        server.await_workers(2)
    with place.serve("", env={"WEB_CONCURRENCY": "3"}) as server:
        server.await_workers(3)


def test_a_control_socket_without_a_place_is_an_error_in_the_log(place: Place) -> None:
    nowhere = {"HOME": "/proc/nowhere", "XDG_RUNTIME_DIR": "/proc/nowhere"}

    with place.serve(example("GT805"), env=nowhere) as server:
        until(lambda: "Control server error" in server.log(), server)
        assert server.get()[0] == 200


def test_a_folder_that_is_not_there_stops_the_start(place: Place) -> None:
    with pytest.raises(BootError, match="can't chdir to"), place.serve(example("GT806")):
        pass


def test_processes_are_not_renamed_without_setproctitle(place: Place) -> None:
    with place.serve(example("GT807")) as server:
        shown = " ".join(psutil.Process(server.master_pid).cmdline())
        assert "shop" not in shown
