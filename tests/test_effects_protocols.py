"""Real Gunicorn does with classes and HTTP/2 what the rules GT1xx say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from launched import (
    ASGI_APP,
    HTTP2_PREFACE,
    NEWEST,
    RULES,
    await_that,
    checks_well,
    ends,
    example,
    exchange,
    fires,
    free_bind,
    http2,
    project,
    python,
    refused,
    run,
    serving_http2,
)
from serving import serving


@pytest.mark.parametrize("case", fires("GT108"))
def test_an_unknown_worker_class_stops_gunicorn(tmp_path: Path, case: dict[str, Any]) -> None:
    assert checks_well(tmp_path, case["conf"])
    code, log = ends(tmp_path, case["conf"] + free_bind())
    assert code != 0
    assert "invalid or not found" in log or "not callable" in log


@pytest.mark.parametrize("case", fires("GT109"))
def test_the_newest_release_does_not_start_with_eventlet(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    assert checks_well(tmp_path, case["conf"])
    code, log = ends(tmp_path, case["conf"])
    assert (code, "invalid or not found" in log) == (1, True)


def test_release_23_does_not_start_with_asgi(tmp_path: Path) -> None:
    code, log = ends(tmp_path, example("GT110", "asgi on 23"), "23.0.0")
    assert (code, "class uri 'asgi' invalid or not found" in log) == (1, True)


@pytest.mark.parametrize("release", ["23.0.0", NEWEST])
def test_a_long_request_line_is_refused_whatever_the_limit(tmp_path: Path, release: str) -> None:
    folder = project(tmp_path, example("GT134", "16 KiB"))
    with serving(python(release), ["app:app"], folder) as server:
        assert server.get("/" + "a" * 8000)[0] == 200
        assert server.get("/" + "a" * 8200)[0] == (400 if release == "23.0.0" else 414)


@pytest.mark.parametrize(("release", "status"), [("23.0.0", 200), ("25.3.0", 431), (NEWEST, 431)])
def test_no_limit_on_a_header_became_the_default_one(
    tmp_path: Path, release: str, status: int
) -> None:
    folder = project(tmp_path, example("GT135", "0 today"))
    with serving(python(release), ["app:app"], folder) as server:
        assert server.request("GET", "/", headers={"X-Long": "a" * 9000})[0] == status


def test_more_headers_than_the_most_are_refused_whatever_the_limit(tmp_path: Path) -> None:
    folder = project(tmp_path, example("GT136", "a hundred thousand"))
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(33_000))
    with serving(python(), ["app:app"], folder) as server:
        assert exchange(server.url, head + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_an_unknown_protocol_is_plain_http(tmp_path: Path) -> None:
    with serving(python(), ["app:app"], project(tmp_path, example("GT139", "https"))) as server:
        assert server.get()[0] == 200


def test_an_asgi_app_is_told_the_directory_for_its_prefix(tmp_path: Path) -> None:
    folder = project(tmp_path, example("GT140", "the file's directory"), ASGI_APP)
    with serving(python(), ["app:app"], folder) as server:
        assert server.get()[1].decode() == str(tmp_path)


def test_release_25_warns_of_eventlet(tmp_path: Path) -> None:
    folder = project(tmp_path, example("GT130", "eventlet on 25"))
    with serving(python("25.3.0"), ["app:app"], folder) as server:
        assert "The eventlet worker is DEPRECATED and will be removed in Gunicorn 26.0" in (
            server.log()
        )


def test_sync_workers_fall_back_from_http2(tmp_path: Path) -> None:
    conf = example("GT120", "sync workers")
    conf = "".join(line for line in conf.splitlines(keepends=True) if "file" not in line)
    folder = project(tmp_path, conf)
    with serving(http2(), ["app:app"], folder) as server:
        await_that(lambda: "HTTP/2 is not supported by the sync worker" in server.log())
        assert exchange(server.url, HTTP2_PREFACE).startswith(b"HTTP/1.1 ")


def test_http2_is_not_negotiated_without_tls(tmp_path: Path) -> None:
    folder = project(tmp_path, example("GT131", "no TLS"))
    with serving(http2(), ["app:app"], folder) as server:
        assert "HTTP/2 will never be negotiated" in " ".join(server.log().split())
        assert exchange(server.url, HTTP2_PREFACE).startswith(b"HTTP/1.1 ")


def test_cleartext_does_not_switch_http2_on(tmp_path: Path) -> None:
    conf = example("GT133", "cleartext alone")
    answers = []
    for text in (conf, conf + 'http_protocols = "h2,h1"\n'):
        with serving_http2(tmp_path, text) as url:
            answers.append(exchange(url, HTTP2_PREFACE)[:9])
    assert answers[0] == b"HTTP/1.1 "
    assert answers[1] != b"HTTP/1.1 "


def test_release_25_takes_http3_and_opens_no_socket_for_it(tmp_path: Path) -> None:
    conf = example("GT132", "h3 on 25")
    with serving(python("25.3.0"), ["app:app"], project(tmp_path, conf)) as server:
        assert psutil.Process(server.master_pid).net_connections("udp") == []
    assert "Invalid protocol 'h3'" in refused(tmp_path, conf)


def test_uvicorn_says_that_its_workers_are_deprecated(tmp_path: Path) -> None:
    command = [python(), "-W", "always", "-c", "import uvicorn.workers"]
    assert "The `uvicorn.workers` module is deprecated" in run(command, tmp_path, {}).stderr


# Rule -> the test that shows on real Gunicorn what the rule says.
VERIFIED: dict[str, str] = {
    "GT108": "test_an_unknown_worker_class_stops_gunicorn",
    "GT109": "test_the_newest_release_does_not_start_with_eventlet",
    "GT110": "test_release_23_does_not_start_with_asgi",
    "GT120": "test_sync_workers_fall_back_from_http2",
    "GT130": "test_release_25_warns_of_eventlet",
    "GT131": "test_http2_is_not_negotiated_without_tls",
    "GT132": "test_release_25_takes_http3_and_opens_no_socket_for_it",
    "GT133": "test_cleartext_does_not_switch_http2_on",
    "GT134": "test_a_long_request_line_is_refused_whatever_the_limit",
    "GT135": "test_no_limit_on_a_header_became_the_default_one",
    "GT136": "test_more_headers_than_the_most_are_refused_whatever_the_limit",
    "GT139": "test_an_unknown_protocol_is_plain_http",
    "GT140": "test_an_asgi_app_is_told_the_directory_for_its_prefix",
    "GT144": "test_uvicorn_says_that_its_workers_are_deprecated",
}


@pytest.mark.parametrize(("rule", "test"), VERIFIED.items())
def test_a_verified_rule_has_its_test_and_names_it(rule: str, test: str) -> None:
    assert callable(globals()[test])
    assert "tests/test_effects_protocols.py" in RULES[rule].refs
