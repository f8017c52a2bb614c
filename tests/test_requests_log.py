"""Requests drawn from an access log: Gunicorn's own lines, and those of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from gunitune.errors import UsageError
from gunitune.load import accesslog
from gunitune.load.requests import drawn_from_log
from gunitune.trial import Request
from serving import environment, serving

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""
COMMON = '10.0.0.1 - - [23/Nov/2026:04:33:30 +0000] "{}" {} 5'
COMBINED = COMMON + ' "https://example.com/" "Mozilla/5.0 (\\"x\\")"'


def log(tmp_path: Path, *lines: str) -> Path:
    """A file of these lines."""
    file = tmp_path / "access.log"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_what_gunicorn_logs_is_drawn_as_often_as_it_came(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    file = tmp_path / "access.log"
    python = environment("gunicorn-load", ["gunicorn==23.0.0"])
    with serving(python, ["--access-logfile", str(file), "app:app"], tmp_path) as server:
        for path in ("/a?b=c", "/a?b=c", "/a?b=c", "/d"):
            server.get(path)
        server.request("HEAD", "/d")
        server.request("POST", "/d", b"x")
    drawn = drawn_from_log(file)
    assert drawn.requests[:1] == (Request("/a?b=c", weight=3),)
    # the first GET is that which waited for the server
    assert set(drawn.requests[1:]) == {Request("/"), Request("/d"), Request("/d", "HEAD")}
    assert list(drawn) == list(drawn.requests)
    assert str(drawn) == "6 of 7 lines, as 4 requests; left out: 1 neither GET nor HEAD"
    allowed = drawn_from_log(file, allow_unsafe=True)
    assert Request("/d", "POST") in allowed.requests
    assert str(allowed) == "7 of 7 lines, as 5 requests"


@pytest.mark.parametrize(
    "line",
    [
        COMMON.format("GET /x HTTP/1.1", 200),
        COMBINED.format("GET /x HTTP/1.0", 304),
        '{"method": "GET", "path": "/x", "status": 200}',
        '{"request_method": "get", "request_uri": "/x", "status": "206"}',
        '{"verb": "GET", "url": "http://example.com/x"}',
        '{"method": "GET", "uri": "/x", "path": "/not/this", "status_code": 200}',
    ],
)
def test_the_usual_formats_are_read(line: str, tmp_path: Path) -> None:
    assert drawn_from_log(log(tmp_path, line)).requests == (Request("/x"),)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nothing of a request", "not understood"),
        ("{broken", "not understood"),
        ("{" * 5000, "not understood"),
        ('{"method": "GET"}', "not understood"),
        ('{"method": "GET", "path": "/", "status": "up"}', "not understood"),
        ('{"method": "GET", "url": "http://[broken"}', "with a path that can't be sent"),
        (COMMON.format("GET http://example.com/ HTTP/1.1", 200), "with a path that can't be sent"),
        (COMMON.format("GET /é HTTP/1.1", 200), "with a path that can't be sent"),
        (COMMON.format("DELETE /x HTTP/1.1", 200), "neither GET nor HEAD"),
        (COMMON.format("GET /x HTTP/1.1", 404), "not answered with 2xx"),
        (COMMON.format("GET /x HTTP/1.1", 302), "not answered with 2xx"),
    ],
)
def test_what_is_left_out_is_told(line: str, why: str, tmp_path: Path) -> None:
    drawn = drawn_from_log(log(tmp_path, line, "", COMMON.format("GET / HTTP/1.1", 200)))
    assert drawn.requests == (Request(),)
    assert drawn.lines == 2
    assert str(drawn) == f"1 of 2 lines, as 1 request; left out: 1 {why}"
    with pytest.raises(UsageError, match=f"no request can be drawn from .*1 {why}"):
        drawn_from_log(log(tmp_path, line))


def test_the_rare_ones_are_left_out_of_a_long_log(tmp_path: Path) -> None:
    lines = [COMMON.format(f"GET /{n} HTTP/1.1", 200) for n in range(5) for _ in range(n + 1)]
    drawn = drawn_from_log(log(tmp_path, *lines), most=2)
    assert drawn.requests == (Request("/4", weight=5), Request("/3", weight=4))
    assert "6 beyond the 2 most frequent requests" in str(drawn)


def test_of_a_very_long_log_the_newest_part_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesslog, "LOG_MOST_BYTES", 100)
    lines = [COMMON.format(f"GET /{name} HTTP/1.1", 200) for name in ("old", "cut", "new")]
    assert drawn_from_log(log(tmp_path, *lines)).requests == (Request("/new"),)


def test_a_log_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path, Path("a\x00b")):
        with pytest.raises(UsageError, match="can't read"):
            drawn_from_log(path)
    with pytest.raises(UsageError, match="0 of 0 lines"):
        drawn_from_log(log(tmp_path))
