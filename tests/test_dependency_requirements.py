from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from declared import declare, rows, specifiers
from gunitune.project.dependencies import Dependencies

if TYPE_CHECKING:
    from pathlib import Path


def test_requirements_are_read_with_name_specifier_and_line(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "requirements.txt": """\
            # the web app
            Flask_Login==0.6.3

            gunicorn >= 22, < 24   # the server
            requests~=2.31; python_version >= "3.8"
            zope.interface
            celery (>=5.3)
            """
        },
    )
    assert rows(found) == [
        ("flask-login", "==0.6.3", "requirements.txt:2"),
        ("gunicorn", ">=22,<24", "requirements.txt:4"),
        ("requests", "~=2.31", "requirements.txt:5"),
        ("zope-interface", "", "requirements.txt:6"),
        ("celery", ">=5.3", "requirements.txt:7"),
    ]
    assert all(one.direct and not one.dev for one in found.all)
    assert found.problems == ()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_requirements_are_read_in_any_encoding(tmp_path: Path, encoding: str, ends: str) -> None:
    lines = ["# für die Überprüfung", "Flask==3.0.0", "gunicorn==23.0.0", ""]
    found = declare(tmp_path, {"requirements.txt": ends.join(lines).encode(encoding)})
    assert rows(found) == [
        ("flask", "==3.0.0", "requirements.txt:2"),
        ("gunicorn", "==23.0.0", "requirements.txt:3"),
    ]
    assert found.problems == ()


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"])
def test_an_empty_file_with_a_mark_declares_nothing(tmp_path: Path, mark: bytes) -> None:
    assert declare(tmp_path, {"requirements.txt": mark}) == Dependencies()


def test_utf16_with_a_broken_end_is_still_read(tmp_path: Path) -> None:
    data = "gunicorn==23.0.0\nflask\n".encode("utf-16") + b"\x00"
    assert specifiers(declare(tmp_path, {"requirements.txt": data}))["gunicorn"] == "==23.0.0"


def test_null_bytes_are_dropped(tmp_path: Path) -> None:
    found = declare(
        tmp_path, {"requirements.txt": b"flask==3.0.0\x00\x00\ngunicorn\x00\n" + b"x" * 200}
    )
    assert found.names >= {"flask", "gunicorn"}


def test_hashes_continuations_and_options_are_no_requirements(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "requirements.txt": """\
            --find-links https://example.org/simple
            -i https://example.org/simple
            --no-binary :all:
            gunicorn==23.0.0 \\
                --hash=sha256:aaaa \\
                --hash=sha256:bbbb
            flask==3.0.0 --hash=sha256:cccc
            requests \\
              >=2.0 \\
            # a comment ends the line
            redis
            """
        },
    )
    assert rows(found) == [
        ("gunicorn", "==23.0.0", "requirements.txt:4"),
        ("flask", "==3.0.0", "requirements.txt:7"),
        ("requests", ">=2.0", "requirements.txt:8"),
        ("redis", "", "requirements.txt:11"),
    ]
    assert found.problems == ()


def test_a_continuation_at_the_end_of_the_file_is_read(tmp_path: Path) -> None:
    assert rows(declare(tmp_path, {"requirements.txt": "flask==3.0.0 \\"})) == [
        ("flask", "==3.0.0", "requirements.txt:1")
    ]


LINKS = [
    ("gunicorn @ git+https://github.com/benoitc/gunicorn.git@23.0.0", "gunicorn", "23.0.0"),
    ("gunicorn@https://example.org/gunicorn-23.0.0-py3-none-any.whl", "gunicorn", "23.0.0"),
    (
        "gunicorn[gevent] @ https://example.org/gunicorn-23.0.0.tar.gz ; os_name",
        "gunicorn",
        "23.0.0",
    ),
    ("gunicorn @ https://example.org/archive/main.zip", "gunicorn", None),
    ("gunicorn @ file:///wheels/gunicorn-22.0-py3-none-any.whl", "gunicorn", "22.0"),
    (
        "https://example.org/wheels/Flask_Login-0.6.3-py3-none-any.whl#sha256=ab",
        "flask-login",
        "0.6.3",
    ),
    ("./wheels/torch-2.4.0+cpu-cp311-cp311-linux_x86_64.whl", "torch", "2.4.0+cpu"),
    ("wheels/numpy-2.0.0.tar.gz", "numpy", "2.0.0"),
    ("-e git+https://github.com/encode/httpx.git@v0.27.0#egg=httpx[http2]", "httpx", "0.27.0"),
    (
        "--editable=git+ssh://git@github.com/acme/core.git#egg=acme_core&subdirectory=py",
        "acme-core",
        None,
    ),
    ("git+https://github.com/acme/reports.git@main", "reports", None),
    ("git+ssh://git@github.com/acme/billing.git", "billing", None),
    ("-e git@github.com:acme/ledger.git#egg=ledger", "ledger", None),
]


@pytest.mark.parametrize(("line", "name", "pinned"), LINKS)
def test_links_name_a_library_and_perhaps_its_version(
    tmp_path: Path, line: str, name: str, pinned: str | None
) -> None:
    found = declare(tmp_path, {"requirements.txt": line})
    first = found.all[0]
    assert (first.name, first.pinned, first.specifier) == (name, pinned, "")
    assert found.problems == ()


@pytest.mark.parametrize(
    "line",
    [
        *("-e .", "-e .[dev]", ".", "./lib", "../lib", "/srv/lib", "${HOME}/lib", "~/lib"),
        *("https://example.org/archive.zip", "-e file:///srv/lib", "-e lib/core", "%CD%/lib"),
    ],
)
def test_paths_without_a_name_are_passed_over_in_silence(tmp_path: Path, line: str) -> None:
    assert declare(tmp_path, {"requirements.txt": line}) == Dependencies()


@pytest.mark.parametrize(
    "line",
    [
        *("flask 3.0", "gunicorn=23.0.0", "flask==", "flask[async", "{% if x %}", "<<<<<<< HEAD"),
        *("=======", "flask==3.0 requests", "flask ^3.0", "flask~3", "a" * 3000, "größe"),
    ],
)
def test_what_is_no_requirement_is_a_problem_with_its_line(tmp_path: Path, line: str) -> None:
    found = declare(tmp_path, {"requirements.txt": f"redis\n\n{line}\n"})
    assert list(specifiers(found)) == ["redis"]
    assert found.problems == ("requirements.txt: 1 entry not understood, the first at line 3",)


def test_several_entries_that_are_none_are_counted(tmp_path: Path) -> None:
    found = declare(tmp_path, {"requirements.txt": "a b\nflask\nc d\n"})
    assert found.problems == ("requirements.txt: 2 entries not understood, the first at line 1",)


def test_what_windows_alone_gets_is_left_out(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "requirements.txt": """\
            pywin32; sys_platform == "win32"
            waitress ; (platform_system == 'Windows' and python_version > "3")
            colorama; os_name=="nt"
            gunicorn; sys_platform != "win32"
            tzdata; sys_platform == "win32" or sys_platform == "linux"
            """
        },
    )
    assert found.names == {"gunicorn", "tzdata"}


EXTRAS = [
    ("gunicorn[gevent]==23.0.0", ["gunicorn", "gevent"]),
    ("gunicorn[tornado]", ["gunicorn", "tornado"]),
    ("gunicorn[eventlet]>=20", ["gunicorn", "eventlet"]),
    ("gunicorn[Gevent, setproctitle]", ["gunicorn", "gevent", "setproctitle"]),
    ("uvicorn[standard]", ["uvicorn", "httptools", "uvloop", "websockets"]),
    ("psycopg[binary,pool]", ["psycopg", "psycopg-binary", "psycopg-pool"]),
    ("django[argon2]", ["django", "argon2-cffi"]),
    ("sqlalchemy[asyncio]>=2", ["sqlalchemy", "greenlet"]),
    ("flask[unheard-of]", ["flask"]),
]


@pytest.mark.parametrize(("line", "names"), EXTRAS)
def test_extras_bring_their_libraries_at_the_same_place(
    tmp_path: Path, line: str, names: list[str]
) -> None:
    found = declare(tmp_path, {"requirements.txt": f"\n{line}\n"})
    assert [one.name for one in found.all] == names
    assert {one.line for one in found.all} == {2}
    assert all(one.pinned is None and not one.extras for one in found.all[1:])


def test_extras_are_recorded(tmp_path: Path) -> None:
    found = declare(tmp_path, {"requirements.txt": "gunicorn[Gevent,set_proctitle]==23.0.0"})
    assert found.all[0].extras == ("gevent", "set-proctitle")
