"""What is wrong with a config file is said with its place, and never raised."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import pytest

from confs import NAMES, PLACE, read, values
from gunitune.conf.machine import Machine
from gunitune.conf.model import Span
from gunitune.conf.read import read_conf
from gunitune.conf.text import encoding_of

RUNNING = sys.version_info[:2]


@pytest.mark.parametrize(
    ("data", "kind", "part", "place"),
    [
        (b"workers = (\n", "syntax", "never closed", (1, 11)),
        (b"x = 1\nworkers = = 4\n", "syntax", "invalid syntax", (2, 11)),
        ("é = (é é\n".encode(), "syntax", "never closed", (1, 5)),
        (b"x = 1\n\0\n", "syntax", "null byte", (2, 1)),
        (b"umask = 007\n", "syntax", "Python 2 octal; write 0o007", (1, 9)),
        (b"print 'x'\n", "syntax", "Python 2: print is a function", (1, 1)),
        (b"exec 'x'\n", "syntax", "Python 2: exec is a function", (1, 1)),
        (b"try:\n  x\nexcept E, e:\n  x\n", "syntax", "Python 2: write except ... as name", (3, 8)),
        (b"raise E, 'x'\n", "syntax", "Python 2: write raise", (1, 8)),
        (b"if 1 <> 2: pass\n", "syntax", "Python 2: write !=", (1, 6)),
        (b"x = `1`\n", "syntax", "Python 2: write repr", (1, 5)),
        (b"x = 10L\n", "syntax", "Python 2: drop the number's L", (1, 6)),
        (b"x = ur'a'\n", "syntax", "Python 2: drop the u", (1, 7)),
        (b"x = 089\n", "syntax", "leading zeros", (1, 5)),
        (b"if True:\nx = 1\n", "syntax", "expected an indented block", (2, 1)),
        (b"return 1\n", "syntax", "'return' outside function", (1, 1)),
        (b"x = '\xe9'\n", "encoding", "byte 0xE9 is not utf-8", (1, 1)),
        (b"x = 1\r\ry = '\xe9'\n", "encoding", "byte 0xE9 is not utf-8", (3, 1)),
        (b"# coding: nope\n", "encoding", "'nope' is not known", (1, 1)),
        (b"#!/bin/sh\n# -*- coding: rot13 -*-\n", "encoding", "'rot13' is not known", (2, 1)),
        (b"# coding: iso-8859-77\n", "encoding", "'iso-8859-77' is not known", (1, 1)),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding", "a mark of UTF-8", (1, 1)),
        ("workers = 4\n".encode("utf-16"), "encoding", "UTF-16", (1, 1)),
        ("workers = 4\n".encode("utf-16-be"), "syntax", "null byte", (1, 1)),
        (b"(" * 300, "too-complex", "too many nested parentheses", (1, 201)),
        (b"-" * 20_000 + b"1", "too-complex", "nested too deeply", (1, 1)),
        (b"x = 1\n" * 30_000, "too-complex", "too many parts", (1, 1)),
        (b"#" * 300_000, "too-large", "larger than 256 KiB", (1, 1)),
        (b"x = " + b"9" * 5_000, "syntax", "Exceeds the limit", (1, 1)),
    ],
)
def test_a_file_that_can_not_be_read_says_why_and_where(
    data: bytes, kind: str, part: str, place: tuple[int, int]
) -> None:
    conf = read(data)
    (fault,) = conf.faults
    assert fault.kind == kind
    assert part in fault.message
    assert "\n" not in fault.message
    assert (fault.span.line, fault.span.column) == place
    assert not conf.settings


@pytest.mark.parametrize(
    ("release", "text", "line"),
    [
        ((3, 12), 'x = f"{a["b"]}"\n', 1),
        ((3, 12), "x = f'{a(\"\\n\")}'\n", 1),
        ((3, 12), "type X = int\n", 1),
        ((3, 12), "def f[T](): pass\n", 1),
        ((3, 12), "class C[T]: pass\n", 1),
        ((3, 14), "try:\n    pass\nexcept A, B:\n    pass\n", 3),
        ((3, 14), 'x = t"a{b}"\n', 1),
        ((3, 15), "lazy import os\n", 1),
        ((3, 15), "x = [*y for y in z]\n", 1),
    ],
)
def test_syntax_newer_than_the_running_python_is_said_to_be_that(
    release: tuple[int, int], text: str, line: int
) -> None:
    faults = read(text).faults
    if release <= RUNNING:
        assert not faults
        return
    (fault,) = faults
    assert fault.kind == "newer-syntax"
    running = ".".join(map(str, RUNNING))
    assert f"newer than the Python {running} that gunitune runs on" in fault.message
    assert fault.span.line == line


@pytest.mark.parametrize(
    ("data", "bind"),
    [
        (b"\xef\xbb\xbfbind = '\xc3\xa9'\n", "é"),
        (b"# coding: latin-1\nbind = '\xe9'\n", "é"),
        (b"#!x\n# vim: set fileencoding=cp1252 :\nbind = '\x80'\n", "€"),
        (b"x = 1\n# coding: latin-1\nbind = '\xc3\xa9'\n", "é"),
        (b"# coding: utf8\nbind = 'a\\\xc3\xa9'\n", "a\\é"),
        (b"bind = 'a'\r\n", "a"),
        (b"bind = 'a'\r", "a"),
        (b"bind = 'a'", "a"),
        (b"\x0cbind = 'a'\n", "a"),
    ],
)
def test_a_file_is_decoded_as_python_decodes_it(data: bytes, bind: str) -> None:
    assert values(data)["bind"] == bind


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"x\n", "utf-8"),
        (b"\xef\xbb\xbfx\n", "utf-8-sig"),
        (b"# coding: latin-1\n", "latin-1"),
    ],
)
def test_a_file_can_be_written_back_in_its_encoding(data: bytes, encoding: str) -> None:
    assert encoding_of(data) == encoding


def test_a_text_that_is_no_file_keeps_what_can_be_shown_of_it() -> None:
    assert read(b"x = '\xe9'\n").text == "x = '\ufffd'\n"
    assert read("workers = (\n").text == "workers = (\n"


def test_parsing_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert values("bind = '\\d'\nworkers = 1if 1 else 2\n")["workers"] == 1


def test_a_broken_file_keeps_its_ignore_comments() -> None:
    conf = read("# gunitune: ignore-file[GT001] on purpose\nworkers = (\n")
    assert conf.ignores[0].lines is None


def test_what_is_no_regular_file_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    (tmp_path / "folder.py").mkdir()
    for name in ("fifo.py", "loop.py", "folder.py", "missing.py"):
        conf = read_conf(tmp_path / name, name, Machine(), names=NAMES)
        (fault,) = conf.faults
        assert (fault.kind, fault.span, conf.path) == ("unreadable", Span(1, 1, 1, 1), name)


def test_a_file_is_read_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "gunicorn.conf.py"
    path.write_bytes(b"workers = 4\nbind = __file__\n")
    conf = read_conf(path, "shown", Machine(), names=NAMES)
    assert conf.settings["workers"].value == 4
    assert conf.settings["bind"].value == str(path)
    assert conf.settings["bind"].depends_on == ("file",)
    path.write_bytes(b"#" * 300_000)
    assert read_conf(path, "shown", Machine(), names=NAMES).faults[0].kind == "too-large"


def test_an_expression_too_deep_is_a_fault_or_unknown() -> None:
    """It depends on the Python that runs whether such a file can be parsed."""
    conf = read("workers = " + "+".join(["1"] * 9_000) + "\n")
    if conf.faults:
        assert conf.faults[0].kind == "too-complex"
    else:
        assert "nested too deeply" in conf.settings["workers"].value.reason


def test_work_without_end_is_bounded_and_said() -> None:
    text = "workers = 1\n" + "while True:\n    x = [1, 2, 3]\n" * 200 + "threads = 2\n"
    conf = read(text)
    (fault,) = conf.faults
    assert fault.kind == "too-complex"
    assert 1 < fault.span.line < 401
    assert conf.settings["workers"].value == 1
    assert "takes too long" in conf.settings["threads"].value.reason
    assert conf.path == PLACE.name
