"""Requests of the load: what is written is what is sent, and nothing else is let through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunitune.errors import UsageError
from gunitune.load import requests as module
from gunitune.load.payload import payload
from gunitune.load.requests import check_methods, parse_request, read_requests
from gunitune.trial import Request

HERE = Path()


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("/", Request()),
        ("GET /items?page=2&q=a%20b", Request("/items?page=2&q=a%20b")),
        ("HEAD /x weight=0.5", Request("/x", "HEAD", weight=0.5)),
        ("/x weight=3", Request("/x", weight=3)),
        (
            "POST /x header=\"X-Token: abc def\" header='Host: example.com' body='{\"a\": 1}'",
            Request(
                "/x",
                "POST",
                (("X-Token", "abc def"), ("Host", "example.com")),
                b'{"a": 1}',
            ),
        ),
        ("PUT /x body=é", Request("/x", "PUT", body="é".encode())),
        ("/x header=X-Empty:", Request("/x", headers=(("X-Empty", ""),))),
        ("/x header='X: a=b: c'", Request("/x", headers=(("X", "a=b: c"),))),
    ],
)
def test_a_request_is_read_as_a_shell_would_split_it(text: str, request_: Request) -> None:
    assert parse_request(text, HERE) == request_


def test_a_body_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_bytes(b"\x00\xff")
    assert parse_request("POST / body=@order.json", tmp_path).body == b"\x00\xff"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no path"),
        ("GET", "no path"),
        ("http://example.com/", "no path"),
        ("GET https://127.0.0.1/", "no path"),
        ("* weight=1", "no path"),
        ("'/a b'", "can't be sent"),
        ("/é", "can't be sent"),
        ("/a#b", "can't be sent"),
        ("'/a\r\nX: y'", "can't be sent"),
        ("/" + "a" * 9000, "can't be sent"),
        ("/ weight=0", "no weight"),
        ("/ weight=-1", "no weight"),
        ("/ weight=nan", "no weight"),
        ("/ weight=inf", "no weight"),
        ("/ weight=heavy", "no weight"),
        ("/ weight=2 weight=3", "can't read 'weight'"),
        ("/ weight=1 weight=1", "can't read 'weight'"),
        ("/ body=a body=b", "can't read 'body'"),
        ("/ wieght=1", "can't read 'wieght'"),
        ("/ more", "can't read 'more'"),
        ("/ header=X", "no header"),
        ("/ header=': y'", "no header"),
        ("/ header='X Y: z'", "no header"),
        ("/ header='X: a\r\nY: b'", "no header"),
        ("/ header='X: a\x00'", "no header"),
        ("/ header='X: €'", "no header"),
        ("/ header='content-length: 5'", "not yours to set"),
        ("/ header='Connection: close'", "not yours to set"),
        ("/ header='Transfer-Encoding: chunked'", "not yours to set"),
        ("/ header='X: y", "no closing quotation"),
        ("/ body=@missing", "can't read missing"),
        ("/ body=@.", "can't read"),
        ("/ body='@a\x00b'", "can't read"),
    ],
)
def test_what_can_not_be_sent_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        parse_request(text, HERE)
    assert refused.value.hint


def test_a_body_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_MOST_BYTES", 1 << 20)
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        parse_request("/ body=@large", tmp_path)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_request_of_one_message_or_refused(text: str) -> None:
    try:
        request = parse_request(f"/x {text}", HERE)
    except UsageError:
        return
    sent = payload(request, "127.0.0.1", 80, keep_alive=True)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert body == request.body
    assert head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r")
    assert len(head.split(b"\r\n")) == 4 + len(request.headers) + bool(body)


def test_a_file_holds_a_request_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"abc")
    file = tmp_path / "requests.txt"
    file.write_text("# all of them\n\n/ weight=9\n  # seldom\n  POST /x body=@body\n", "utf-8")
    assert read_requests(file) == (Request(weight=9), Request("/x", "POST", body=b"abc"))


def test_the_line_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "requests.txt"
    file.write_text("/\n\n# fine\n/ weight=x\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"requests\.txt:4: 'x' is no weight"):
        read_requests(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no request"),
        (b"# nothing\n", "holds no request"),
        (b"\xff\xfe/\n", "not UTF-8"),
        (b"/" * (1 << 20) + b"/", "larger than 1 MiB"),
    ],
)
def test_a_file_without_a_request_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "requests.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_requests(file)
    with pytest.raises(UsageError, match="can't read"):
        read_requests(tmp_path / "missing")


def test_what_may_change_something_must_be_allowed() -> None:
    safe = (Request(), Request("/x", "HEAD"))
    unsafe = (*safe, Request("/orders", "POST"))
    check_methods(safe, allow_unsafe=False)
    check_methods(unsafe, allow_unsafe=True)
    with pytest.raises(UsageError, match=r"POST /orders may change.*--allow-unsafe-methods"):
        check_methods(unsafe, allow_unsafe=False)


def test_a_method_may_be_written_small(tmp_path: Path) -> None:
    assert parse_request("head /health", tmp_path) == Request("/health", "HEAD")


def test_a_request_is_quoted_as_it_was_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="request 'GET / header=\"X: Open': no closing quotation"):
        parse_request('GET / header="X: Open', tmp_path)
