"""The real app under the real Gunicorn: it starts, answers, tells of its workers, and stops."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from gunitune.serve.server import ServeError, serve
from gunitune.trial import Choice, Limits
from serve_apps import MARK, launch, marked, project
from served import releases

CHOICE = Choice("sync", 1)
UVICORN = "uvicorn_worker.UvicornWorker"
CLASSES = ("sync", "gthread", "gevent", "tornado", "asgi", UVICORN)
OF_LOOPS = ("asgi", UVICORN)
HOOKS = {
    "on_starting": "server",
    "when_ready": "server",
    "post_fork": "server, worker",
    "post_worker_init": "worker",
    "child_exit": "server, worker",
    "on_exit": "server",
}
HOSTILE = """
import pathlib
bind = "0.0.0.0:1"
workers = 7
threads = 8
worker_class = "gthread"
worker_connections = 3
daemon = check_config = print_config = reload = initgroups = proxy_protocol = True
user = group = "nobody"
pidfile = "master.pid"
statsd_host = "127.0.0.1:9"
certfile = keyfile = ca_certs = "/nonexistent"
max_requests = 1
max_requests_jitter = 1
protocol = "uwsgi"
control_socket = "control.sock"
dirty_workers = 1
dirty_apps = ["serve_apps:Dirty"]
proc_name = "shop"
errorlog = "gunicorn.log"
""" + "\n".join(f"def {hook}({of}): pathlib.Path('{hook}').touch()" for hook, of in HOOKS.items())


def newest() -> Path:
    return releases()["newest"].python()


def spec_of(worker_class: str) -> str:
    return "serve_apps:asgi" if worker_class in OF_LOOPS else "serve_apps:wsgi"


def get(port: int, path: str = "/") -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    told: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return told


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("worker_class", CLASSES)
def test_every_class_starts_answers_tells_of_its_workers_and_stops(
    worker_class: str, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex
    started = launch(project(tmp_path), newest(), spec_of(worker_class), {MARK: mark})
    with serve(started, Choice(worker_class, 2, threads=2), grace_s=0) as server:
        assert (server.host, server.died(), server.exited()) == ("127.0.0.1", 0, None)
        assert get(server.port)["pid"] in server.workers()
        assert server.pids() == [server.master_pid, *sorted(server.workers())]
        assert [parent(pid) for pid in server.workers()] == [server.master_pid] * 2
        assert set(marked(mark)) == set(server.pids())
        assert server.boot_s > 0
        assert "Listening at" in server.log()
        assert server.log(1).count("\n") == 0
    assert marked(mark) == {}
    assert not any(folder.exists() for folder in server.cgroups)


@pytest.mark.matrix
@pytest.mark.parametrize("worker_class", [*CLASSES, "eventlet"])
@pytest.mark.parametrize("release", ["20.1.0", "23.0.0", "25.3.0", "newest"])
def test_every_class_tells_of_its_workers_under_every_release(
    release: str, worker_class: str, tmp_path: Path
) -> None:
    found = releases()[release]
    if worker_class in found.without:
        pytest.skip(found.without[worker_class]["reason"])
    started = launch(project(tmp_path), found.python(), spec_of(worker_class))
    with serve(started, Choice(worker_class, 2, threads=2)) as server:
        first, second = server.workers()
        os.kill(first, 9)
        while len(server.workers()) < 2 or server.died() != 1:
            assert server.exited() is None
        assert server.workers()[0] == second
        assert server.gunicorn == found.version()


@pytest.mark.parametrize("release", ["20.1.0", "23.0.0", "25.3.0", "newest"])
def test_what_is_on_trial_wins_over_a_hostile_config_and_its_hooks_still_run(
    release: str, tmp_path: Path
) -> None:
    folder = project(tmp_path, HOSTILE)
    arguments = "--bind 0.0.0.0:2 --workers 9 --daemon --max-requests 1"
    env = {"GUNICORN_CMD_ARGS": arguments, "GUNICORN_PID": "1", "TMPDIR": str(tmp_path)}
    live = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        (folder / "gunicorn-dirty-shop.pid").write_text(str(live.pid))
        started = launch(folder, releases()[release].python(), env=env, conf="own.conf.py")
        with serve(started, Choice("sync", 1)) as server:
            told = [get(server.port) for _ in range(3)]
            assert [one["pid"] for one in told] == server.workers() * 3
            assert told[0]["uid"] == os.geteuid()
            assert (told[0]["threads"], told[0]["scheme"], told[0]["running"]) == (False, "http", 1)
            assert told[0]["argv"] == ["gunicorn", "-c", str(folder / "own.conf.py"), started.spec]
            assert told[0]["ours"] is False
            assert server.died() == 0
            assert not (folder / "master.pid").exists()
            assert not (folder / "control.sock").exists()
            # the whole of it: a dirty arbiter that fails may have filled the end
            written = (folder / "gunicorn.log").read_text().splitlines()
            assert any("Listening at" in line for line in written)
            assert {*written} & {*server.lines()} - {""}
            assert server.gunicorn == releases()[release].version()
        assert live.poll() is None
    finally:
        live.kill()
        live.wait()
    assert [hook for hook in HOOKS if not (folder / hook).exists()] == []


def test_a_default_of_gunicorns_is_one_though_the_project_says_otherwise(tmp_path: Path) -> None:
    conf = "worker_connections = 1\npreload_app = True\ndef when_ready(server):\n"
    conf += "    server.log.info('%s %s', server.cfg.worker_connections, server.cfg.preload_app)"
    started = launch(project(tmp_path, conf, "gunicorn.conf.py"), newest())
    with serve(started, Choice("gthread", 1, threads=4)) as server:
        assert "1000 False" in server.log()
        assert get(server.port)["threads"] is True


def test_a_setting_on_trial_is_in_effect(tmp_path: Path) -> None:
    choice = Choice("gthread", 1, 4, 4, extra=(("keepalive", 0), ("preload_app", True)))
    conf = "def when_ready(server):\n    print(server.cfg)"
    started = launch(project(tmp_path, conf), newest(), conf="own.conf.py")
    with serve(started, choice) as server:
        lines = {tuple(line.split(" = ")) for line in map(" ".join, map(str.split, server.lines()))}
    wanted = {"worker_connections": "4", "threads": "4", "keepalive": "0", "preload_app": "True"}
    assert wanted.items() <= lines


@pytest.mark.parametrize(
    ("worker_class", "spec"),
    [("sync", "serve_apps:make()"), ("asgi", "serve_apps:make_asgi()")],
)
def test_an_app_may_come_from_a_factory(worker_class: str, spec: str, tmp_path: Path) -> None:
    with serve(
        launch(project(tmp_path), newest(), spec), Choice(worker_class, 1), grace_s=0
    ) as server:
        assert get(server.port)["pid"] in server.workers()


@pytest.mark.parametrize("worker_class", OF_LOOPS)
def test_a_worker_counts_once_its_app_has_started_up(worker_class: str, tmp_path: Path) -> None:
    lived = tmp_path / "lived"
    lived.mkdir()
    env = {"LIFESPAN_S": "0.5", "LIVED": str(lived)}
    started = launch(project(tmp_path), newest(), "serve_apps:asgi", env)
    with serve(started, Choice(worker_class, 3), grace_s=0) as server:
        assert sorted(int(path.name) for path in lived.iterdir()) == sorted(server.workers())


def test_the_server_stays_within_its_limits(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    started = launch(project(tmp_path), newest())
    with serve(started, Choice("sync", 1), Limits(cores=frozenset({core}))) as server:
        assert [os.sched_getaffinity(pid) for pid in server.pids()] == [{core}] * 2
        for group in server.cgroups:
            assert set(map(int, (group / "cgroup.procs").read_text().split())) == set(server.pids())


def test_a_worker_that_dies_is_counted_and_another_takes_its_place(tmp_path: Path) -> None:
    with serve(launch(project(tmp_path), newest()), Choice("sync", 1)) as server:
        [worker] = server.workers()
        with pytest.raises(http.client.RemoteDisconnected):
            get(server.port, "/exit")
        while not (server.died() and server.workers()):
            assert server.exited() is None
        assert server.workers() != [worker]
        assert server.died() == 1
    assert (server.died(), server.workers(), server.log()) == (1, [], "")


def test_a_master_that_ends_is_noticed(tmp_path: Path) -> None:
    with serve(launch(project(tmp_path), newest()), Choice("sync", 1)) as server:
        os.kill(server.master_pid, 15)
        while server.exited() is None:
            pass
        assert (server.exited(), server.workers(), server.pids()) == (0, [], [])


def test_of_two_servers_at_a_port_the_second_takes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = launch(project(tmp_path), newest())
    with serve(started, Choice("sync", 1)) as server:
        ports = iter([server.port, 31_999, 31_998, 31_997])
        monkeypatch.setattr("gunitune.serve.server.free_port", lambda: next(ports))
        with serve(started, Choice("sync", 1)) as second:
            assert second.port != server.port
            assert get(second.port)["pid"] in second.workers()
        monkeypatch.setattr("gunitune.serve.server.free_port", lambda: server.port)
        with pytest.raises(ServeError, match="ports in turn were taken"):
            serve(started, Choice("sync", 1)).__enter__()


def test_a_server_that_can_not_even_be_watched_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started = launch(project(tmp_path), newest())
    with pytest.raises(ServeError, match="no process can be started"), serve(started, CHOICE):
        pass
    assert list(tmp_path.glob("gunitune-*")) == []
