"""A server that does not come up: why, in one line, and what to do about it."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import pytest

from gunitune.serve.log import key_line, tail
from gunitune.serve.server import ServeError, serve
from gunitune.trial import Choice
from serve_apps import MARK, launch, marked, project
from served import releases

SYNC = Choice("sync", 2)
AT = "[2026-01-01 00:00:00 +0000] [1]"


def newest() -> Path:
    return releases()["newest"].python()


def failure(
    folder: Path, choice: Choice = SYNC, spec: str = "serve_apps:wsgi", **options: str
) -> ServeError:
    """What is said of a server that must fail; nothing of it may be left."""
    fault, conf = options.get("fault", ""), options.get("conf")
    python = Path(options.get("python") or newest())
    started = launch(
        project(folder, conf),
        python,
        spec,
        {"FAULT": fault, MARK: (mark := uuid.uuid4().hex)},
        conf="own.conf.py" if conf else None,
    )
    with pytest.raises(ServeError) as raised, serve(started, choice, boot_timeout_s=1.5):
        pass
    assert str(raised.value).isprintable()
    assert marked(mark) == {}
    return raised.value


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("import", "ModuleNotFoundError: No module named 'nosuch_package'", "requirements for"),
        ("key", "KeyError: 'SECRET_KEY'", "--env NAME=VALUE"),
        ("exit", r"workers died before the first request: no \x1b[31mconfiguration", "-m gunicorn"),
        ("signal", "was sent SIGSEGV", "-m gunicorn"),
        ("hang", "0 of 2 workers were ready within 1.5 s", "-m gunicorn"),
    ],
)
def test_an_app_that_can_not_be_imported_is_told_with_its_reason(
    fault: str, message: str, hint: str, tmp_path: Path
) -> None:
    error = failure(tmp_path, fault=fault)
    assert error.message.startswith("sync 2: ")
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("nosuch:app", "No module named 'nosuch'", "--app module:attribute, its folder with"),
        ("serve_apps:nope", "Failed to find attribute 'nope' in 'serve_apps'", "--app"),
        ("serve_apps:MARK", "Application object must be callable", "--app"),
    ],
)
def test_a_spec_that_names_no_app_is_told(
    spec: str, message: str, hint: str, tmp_path: Path
) -> None:
    error = failure(tmp_path, spec=spec)
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("choice", "message", "hint"),
    [
        (Choice("eventlet", 1), "'eventlet') not found", "pip install 'gunicorn[eventlet]<26'"),
        (Choice("my.Worker", 1), "No module named 'my'", "the package that has my.Worker"),
        (Choice("sync", 1, extra=(("nosuch", 1),)), "has no setting nosuch", "leave it out"),
        (Choice("sync", 1, extra=(("timeout", -1),)), "refuses timeout = -1", "leave it out"),
    ],
)
def test_a_choice_that_gunicorn_refuses_is_told(
    choice: Choice, message: str, hint: str, tmp_path: Path
) -> None:
    error = failure(tmp_path, choice)
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("conf", "message"), [("1 / 0", "ZeroDivisionError"), ("timeout = 'x'", "invalid literal")]
)
def test_a_config_that_gunicorn_refuses_is_told(conf: str, message: str, tmp_path: Path) -> None:
    error = failure(tmp_path, conf=conf)
    assert message in error.message
    assert error.hint == f"mend {tmp_path}/own.conf.py, or name another config with --conf"


def test_the_reason_is_found_in_the_projects_own_error_log_and_not_in_its_past(
    tmp_path: Path,
) -> None:
    log = tmp_path / "gunicorn.log"
    log.write_text("Traceback (most recent call last):\nOSError: long ago\n")
    error = failure(tmp_path, fault="key", conf="errorlog = 'gunicorn.log'\ncapture_output = True")
    assert "KeyError: 'SECRET_KEY'" in error.message
    assert "long ago" not in error.message


def test_an_interpreter_that_is_not_there_is_told(tmp_path: Path) -> None:
    error = failure(tmp_path, python="/nonexistent/python")
    assert "No such file or directory: '/nonexistent/python'" in error.message
    assert "--python" in error.hint


def test_memory_is_named_where_the_kernel_ran_out_of_it() -> None:
    from gunitune.serve.failure import failed

    lines = [f"{AT} [ERROR] Worker (pid:2) was sent SIGKILL! Perhaps out of memory?"]
    error = failed("3 workers died", launch(Path("/app"), Path(sys.executable)), SYNC, lines)
    assert "SIGKILL! Perhaps out of memory?" in error.message
    assert "--memory" in error.hint


def test_the_line_that_tells_most_is_the_last_exceptions() -> None:
    text = f"""Traceback (most recent call last):
  File "app.py", line 1
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  more
OSError: \x1b[31mno password='abc'
Traceback (most recent call last):
  x
gunicorn.errors.HaltServer: <HaltServer>
{AT} [ERROR] Reason: Worker failed to boot."""
    assert key_line(text.splitlines()) == r"OSError: \x1b[31mno password='***'"


def test_without_an_exception_it_is_the_last_error_and_without_that_nothing() -> None:
    lines = [f"{AT} [ERROR] Can't connect to ('', 1)", f"{AT} [INFO] Worker exiting", "plain"]
    assert key_line(lines) == "Can't connect to ('', 1)"
    assert key_line(lines[1:]) == "plain"
    assert key_line(lines[1:2]) == ""
    assert key_line(["x" * 400]) == "x" * 297 + "..."


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert tail(tmp_path / "nosuch") == []
