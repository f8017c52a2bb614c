"""What the rules on logs and metrics say happens, happens on real Gunicorn.

Each test serves the config of the rule's own example.
"""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from effect import Place, address, example, examples, until
from serving import BootError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serving import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the backlog is told by Linux")

# Rule -> the test here that shows its effect.
VERIFIED: dict[str, str] = {
    "GT701": "test_requests_leave_no_trace_by_default",
    "GT703": "test_a_format_alone_logs_nothing",
    "GT704": "test_an_unknown_field_is_a_dash",
    "GT705": "test_a_broken_format_is_a_traceback_for_each_request",
    "GT707": "test_a_logger_of_one_s_own_sends_no_metric",
    "GT708": "test_the_backlog_of_reuse_port_is_always_0",
    "GT711": "test_of_two_logging_configurations_one_is_not_read",
    "GT712": "test_a_logging_configuration_silences_gunicorn",
    "GT713": "test_a_part_that_is_missing_stops_the_start",
    "GT714": "test_options_for_syslog_alone_send_nothing",
    "GT716": "test_the_debug_level_shows_secrets",
    "GT625": "test_the_debug_level_shows_secrets",
    "GT717": "test_without_an_error_log_nothing_is_told",
    "GT718": "test_an_empty_path_stops_the_start",
    "GT719": "test_a_syslog_that_is_not_there_is_a_traceback_for_each_line",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def log_of_request(server: Server) -> str:
    """What is in the log once a request was answered and its line had its time to come."""
    assert server.get("/traced")[0] == 200
    server.get("/last")  # one sync worker: the line of the first is written
    return server.log()


def test_requests_leave_no_trace_by_default(place: Place) -> None:
    with place.serve("workers = 1") as server:
        assert "/traced" not in log_of_request(server)
    with place.serve('accesslog = "-"') as server:
        assert "/traced" in log_of_request(server)


def test_a_format_alone_logs_nothing(place: Place) -> None:
    conf = example("GT703")

    with place.serve(conf) as server:
        assert "127.0.0.1 " not in log_of_request(server)
    with place.serve(conf + '\naccesslog = "-"') as server:
        assert "\n127.0.0.1 " in log_of_request(server)


def test_an_unknown_field_is_a_dash(place: Place) -> None:
    with place.serve(example("GT704")) as server:
        assert "\n127.0.0.1 -\n" in log_of_request(server)


@pytest.mark.parametrize("conf", [each for each in examples("GT705") if "'%s'" not in each])
def test_a_broken_format_is_a_traceback_for_each_request(place: Place, conf: str) -> None:
    with place.serve(conf, "--access-logfile", "-") as server:
        assert log_of_request(server).count("--- Logging error ---") >= 2


def test_a_format_without_a_field_writes_everything(place: Place) -> None:
    (conf,) = [each for each in examples("GT705") if "'%s'" in each]

    with place.serve(conf, "--access-logfile", "-") as server:
        server.request("GET", "/", headers={"Cookie": "session=hunter2horse"})
        server.get()
        assert "hunter2horse" in server.log()


@contextmanager
def collector() -> Iterator[socket.socket]:
    """Where metrics and syslog lines can be sent to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        found.settimeout(30)
        yield found


def host(found: socket.socket) -> str:
    """Its address."""
    return f"127.0.0.1:{found.getsockname()[1]}"


def nothing_came(found: socket.socket) -> bool:
    """Whether nothing was sent there."""
    found.setblocking(False)
    try:
        return not found.recv(1000)
    except BlockingIOError:
        return True


def test_a_logger_of_one_s_own_sends_no_metric(place: Place) -> None:
    place.write("shop/logs.py", "from gunicorn.glogging import Logger as JsonLogger\n")
    place.write("shop/__init__.py", "")
    conf = example("GT707")

    with collector() as found:
        with place.serve(conf, "--statsd-host", host(found)) as server:
            server.get()
        assert nothing_came(found)
    with collector() as found:
        with place.serve("", "--statsd-host", host(found)) as server:
            server.get()
        assert not nothing_came(found)


def backlogs(found: socket.socket) -> Iterator[int]:
    """The values of the backlog metric as they come."""
    while True:
        name, _, rest = found.recv(1000).decode().partition(":")
        if name == "gunicorn.backlog":
            yield int(rest.partition("|")[0])


def test_the_backlog_of_reuse_port_is_always_0(place: Place) -> None:
    conf = example("GT708")

    for text, seen in ((conf, False), (conf.replace("reuse_port = True", ""), True)):
        with (
            collector() as found,
            place.serve(text, "--statsd-host", host(found)) as server,
            place.hold(server),
            socket.create_connection(address(server)),
            socket.create_connection(address(server)),
        ):
            values = backlogs(found)
            until_waiting = (next(values) for _ in range(4))
            assert any(until_waiting) is seen


def test_of_two_logging_configurations_one_is_not_read(place: Place) -> None:
    conf = example("GT711")

    with place.serve(conf) as server:
        assert server.get()[0] == 200
    alone = 'logconfig = "logging.ini"'
    with pytest.raises(BootError, match=r"logging\.ini' not found"), place.serve(alone):
        pass


def test_a_logging_configuration_silences_gunicorn(place: Place) -> None:
    conf = example("GT712")

    with place.serve(conf) as server:
        assert server.log() == ""
    assert "True" in conf
    with place.serve(conf.replace("True", "False")) as server:
        assert "Starting gunicorn" in server.log()


@pytest.mark.parametrize("conf", examples("GT713"))
@pytest.mark.parametrize("release", ["20.1.0", "newest"])
def test_a_part_that_is_missing_stops_the_start(place: Place, conf: str, release: str) -> None:
    with (
        pytest.raises(BootError, match="Unable to configure"),
        place.serve(conf, release=release),
    ):
        pass


def test_options_for_syslog_alone_send_nothing(place: Place) -> None:
    conf = example("GT714")

    with collector() as found:
        there = f"udp://{host(found)}"
        with place.serve(conf, "--log-syslog-to", there) as server:
            server.get()
        assert nothing_came(found)
    with collector() as found:
        there = f"udp://{host(found)}"
        with place.serve(conf, "--log-syslog-to", there, "--log-syslog") as server:
            server.get()
        assert not nothing_came(found)


def test_the_debug_level_shows_secrets(place: Place) -> None:
    secret = example("GT625")

    with place.serve(secret + example("GT716")) as server:
        assert "hunter2horse" in server.log()
    with place.serve(secret) as server:
        assert "hunter2horse" not in server.log()


def test_without_an_error_log_nothing_is_told(place: Place) -> None:
    with place.serve(example("GT717")) as server:
        assert server.get()[0] == 200
        assert server.log() == ""


@pytest.mark.parametrize("conf", examples("GT718"))
def test_an_empty_path_stops_the_start(place: Place, conf: str) -> None:
    with pytest.raises(BootError, match="'' isn't writable"), place.serve(conf):
        pass


def test_a_syslog_that_is_not_there_is_a_traceback_for_each_line(place: Place) -> None:
    missing = f"unix://{place.folder / 'log'}"

    with place.serve(example("GT719"), "--log-syslog-to", missing) as server:
        until(lambda: "--- Logging error ---" in server.log(), server)
        assert server.get()[0] == 200
