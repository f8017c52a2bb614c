"""The first answer decides whether a server is measured: what came back, and what to do."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunitune.serve.answer import check_answer
from gunitune.serve.server import AnswerError, serve
from gunitune.trial import Choice, Request
from serve_apps import MARK, launch, marked, project
from served import releases

if TYPE_CHECKING:
    from collections.abc import Iterator


def newest() -> Path:
    return releases()["newest"].python()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    started = launch(project(tmp_path_factory.mktemp("app")), newest())
    with serve(started, Choice("gthread", 1, threads=2), grace_s=0) as server:
        yield server.port


@pytest.mark.parametrize(
    ("path", "expect", "message", "hint"),
    [
        ("/moved", (), "was answered with 301 .* to https://example.com/", "--expect-status 301"),
        ("/lost", (), r"was answered with 404 Not Found \(No \\x1b\[31mpage\)", "--request"),
        ("/page", (), r"was answered with 403 Forbidden \(Not yours\)", "--expect-status 403"),
        ("/bad", (), "was answered with 400 Bad Request$", "header='Host: example.com'"),
        ("/stall", (), "was answered with 404 Not Found$", "--expect-status 404"),
        ("/", (204,), "GET / was answered with 200 OK", "--expect-status 200"),
        ("/a b", (), "GET /a b can't be sent", "mend --request"),
        ("/\N{SNOWMAN}", (), "can't be sent", "mend --request"),
    ],
)
def test_an_answer_that_is_not_as_expected_is_told(
    path: str, expect: tuple[int, ...], message: str, hint: str, port: int
) -> None:
    with pytest.raises(AnswerError) as raised:
        check_answer(port, Request(path), frozenset(expect), timeout_s=0.5)
    assert re.search(message, raised.value.message)
    assert hint in raised.value.hint
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/raise", "500 .*; its log: RuntimeError: the app's own fault"),
        ("/exit", "GET /exit got no answer: .* exited with code 1"),
        ("/lost", "404 Not Found"),
    ],
)
def test_a_server_whose_first_answer_is_not_as_expected_is_ended(
    path: str, message: str, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex
    started = launch(project(tmp_path), newest(), env={MARK: mark})
    with (
        pytest.raises(AnswerError, match=message),
        serve(started, Choice("sync", 1), first=Request(path)),
    ):
        pass
    assert marked(mark) == {}


def test_another_status_may_be_expected(tmp_path: Path) -> None:
    started = launch(project(tmp_path), newest())
    moved = Request("/moved", "HEAD", (("Host", "example.com"),))
    with serve(started, Choice("sync", 1), first=moved, expect=frozenset({301})) as server:
        assert server.exited() is None


def test_an_answer_that_does_not_come_is_not_waited_for_forever(tmp_path: Path) -> None:
    started = launch(project(tmp_path), newest())
    with (
        pytest.raises(AnswerError, match="GET /slow got no answer: timed out"),
        serve(started, Choice("sync", 1), first=Request("/slow"), boot_timeout_s=1.5),
    ):
        pass
