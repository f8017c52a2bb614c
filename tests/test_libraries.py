from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.data import rules_dir
from gunitune.errors import RuleError
from gunitune.model import MIB
from gunitune.project.libraries import (
    _TYPES,
    FILE_BYTES_MAX,
    STDLIB,
    Library,
    load_libraries,
    normalise,
)

FILES = sorted((rules_dir() / "libraries").glob("*.toml"))
LIBRARIES = list(load_libraries())
NEEDS = 'gevent_why = "waits in C"\nrefs = ["https://example.org"]'


def libraries_in(path: Path) -> list[str]:
    return list(tomllib.loads(path.read_text(encoding="utf-8")))


def written(folder: Path, text: str, name: str = "some.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(RuleError) as caught:
        load_libraries(folder)
    return str(caught.value)


def test_at_least_200_libraries_are_known() -> None:
    assert len(load_libraries()) >= 200
    assert len(load_libraries()) == sum(len(libraries_in(path)) for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_libraries_of_a_file_are_in_order(path: Path) -> None:
    assert libraries_in(path) == sorted(libraries_in(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_keys_of_a_library_are_in_one_order(path: Path) -> None:
    for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert list(table) == [key for key in _TYPES if key in table], name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_begins_by_saying_what_it_holds(path: Path) -> None:
    assert re.match(r"# \w", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_with_measured_memory_says_how_it_was_measured(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    heading = text[: text.index("\n[")]
    assert ("memory_mib" in text) == ("benchmarks/library_memory.py" in heading)


def test_no_distribution_and_no_module_is_claimed_twice() -> None:
    names = Counter(name for item in LIBRARIES for name in (item.name, *item.also))
    modules = Counter(module for item in LIBRARIES for module in item.imports)
    assert [name for name, count in (names + modules).items() if count > 2] == []
    assert max(names.values()) == max(modules.values()) == 1


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_a_library_says_what_a_reader_can_use(library: Library) -> None:
    assert 1 <= len(library.what.split()) <= 8
    assert library.what[-1] != "."
    assert (library.kind == "unknown") == (library.weight == 0)
    assert len({*library.calls, *library.loads}) == len((*library.calls, *library.loads))
    assert all(re.fullmatch(r"[A-Za-z_][\w.]*\w|\w", module) for module in library.imports)
    for call in (*library.calls, *library.loads):
        known = any(call == m or call.startswith(f"{m}.") for m in library.imports)
        assert known or re.fullmatch(r"(\.\w+)+", call), call


@pytest.mark.parametrize(
    "library", [i for i in LIBRARIES if i.gevent in ("patch", "blocks")], ids=lambda i: i.name
)
def test_what_does_not_yield_under_gevent_says_why_and_where_that_is_written(
    library: Library,
) -> None:
    assert library.gevent_why[-1] != "."
    assert all(ref.startswith("https://") for ref in library.refs)
    assert library.refs


def test_only_positive_memory_is_recorded() -> None:
    measured = [item.memory_bytes for item in LIBRARIES if item.memory_bytes is not None]
    assert measured
    assert min(measured) >= MIB


def test_patches_are_named_for_patchable_libraries_only() -> None:
    assert {item.gevent for item in LIBRARIES if item.patched_by} == {"patch"}


def test_a_library_is_found_by_any_of_its_distributions_however_they_are_written() -> None:
    libraries = load_libraries()
    psycopg2 = libraries.by_distribution("psycopg2")
    assert psycopg2 is not None
    assert psycopg2.title == "psycopg2 (PostgreSQL driver in C)"
    assert psycopg2 is libraries.by_distribution("psycopg2-binary")
    assert psycopg2 is libraries.by_distribution("Psycopg2_Binary")
    assert libraries.by_distribution("certifi") is None


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True))
def test_a_normalised_name_stays_as_it_is(name: str) -> None:
    once = normalise(name)
    assert once == normalise(once)
    assert not re.search(r"[A-Z._]|--", once)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("requests", "requests"),
        ("requests.adapters", "requests"),
        ("google.cloud.storage", "google-cloud-storage"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("google.cloud.storage_transfer", None),
        ("google.cloud", None),
        ("llama_index.llms", "llama-index"),
        ("llama_index.core.schema", "llama-index-core"),
        ("mysql.connector.pooling", "mysql-connector-python"),
        ("urllib.request", "python:urllib.request"),
        ("urllib.parse", None),
        ("hashlib", None),
        ("hashlib.scrypt", "python:hashlib"),
        ("PIL.Image", "pillow"),
        ("", None),
    ],
)
def test_a_module_belongs_to_the_library_with_the_longest_matching_import(
    module: str, name: str | None
) -> None:
    found = load_libraries().by_module(module)
    assert (found.name if found else None) == name


def test_a_module_of_the_standard_library_is_shown_without_its_prefix() -> None:
    sqlite3 = load_libraries().by_distribution("python:sqlite3")
    assert sqlite3 is not None
    assert sqlite3.title == "sqlite3 (SQLite, a database in a file)"


def test_what_the_standard_library_is_said_to_hold_is_there() -> None:
    import importlib

    for library in LIBRARIES:
        for module in library.imports if library.name.startswith(STDLIB) else ():
            parent, _, name = module.rpartition(".")
            try:
                importlib.import_module(module)
            except ImportError:
                assert hasattr(importlib.import_module(parent), name), module


def test_libraries_of_another_folder_are_read_once(tmp_path: Path) -> None:
    folder = written(tmp_path, '[my-lib]\nwhat = "our own"\nmemory_mib = 1.5')
    libraries = load_libraries(folder)
    (library,) = libraries
    assert library == Library("my-lib", "our own", ("my_lib",), memory_bytes=3 * MIB // 2)
    assert load_libraries(folder) is libraries


def test_a_folder_without_files_knows_nothing(tmp_path: Path) -> None:
    assert len(load_libraries(tmp_path)) == 0


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "nowhere is not a folder of library files" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = 1", "[name] is not a table"),
        ("[Flask_Thing]\nwhat = 'x'", "[Flask_Thing] the name is not written as PEP 503 does"),
        ("[a]\nkind = 'io'\nweight = 1", "[a] what is missing"),
        ("[a]\nwhat = ''", "[a] what: '' says nothing"),
        ("[a]\nwhat = 1", "[a] what: 1 is not text"),
        ("[a]\nwaht = 'x'", "[a] waht: unknown key, not one of what, also, imports"),
        ("[a]\nwhat = 'x'\nkind = 'io'", "[a] kind and weight go together"),
        ("[a]\nwhat = 'x'\nkind = 'disk'", "kind: 'disk' is not one of io, cpu, memory"),
        ("[a]\nwhat = 'x'\nweight = 4", "weight: 4 is not one of 1, 2, 3"),
        ("[a]\nwhat = 'x'\nweight = true", "weight: True is not a whole number"),
        ("[a]\nwhat = 'x'\nweight = 1.0", "weight: 1.0 is not a whole number"),
        ("[a]\nwhat = 'x'\ndatabase = 1", "database: 1 is not true or false"),
        ("[a]\nwhat = 'x'\ncalls = 'b.c'", "calls: 'b.c' is not a list of names"),
        ("[a]\nwhat = 'x'\ncalls = []", "calls: [] is not a list of names"),
        ("[a]\nwhat = 'x'\nimports = ['']", "imports: [''] is not a list of names"),
        ("[a]\nwhat = 'x'\nimports = [1]", "imports: [1] is not a list of names"),
        ("[a]\nwhat = 'x'\nmemory_mib = 0", "memory_mib: 0 says nothing"),
        ("[a]\nwhat = 'x'\nmemory_mib = -1.5", "memory_mib: -1.5 says nothing"),
        ("[a]\nwhat = 'x'\nmemory_mib = nan", "memory_mib: nan says nothing"),
        ("[a]\nwhat = 'x'\nmemory_mib = inf", "memory_mib: inf says nothing"),
        ("[a]\nwhat = 'x'\nmemory_mib = true", "memory_mib: True is not a number"),
        ("[a]\nwhat = 'x'\ngevent = 'maybe'", "gevent: 'maybe' is not one of cooperates"),
        ("[a]\nwhat = 'x'\ngevent = 'blocks'", "[a] gevent needs gevent_why and refs"),
        ("[a]\nwhat = 'x'\ngevent_why = 'y'", "gevent_why goes with gevent = 'patch'"),
        (
            f"[a]\nwhat = 'x'\ngevent = 'blocks'\npatched_by = ['b']\n{NEEDS}",
            "[a] patched_by goes with gevent = 'patch'",
        ),
        ("[a]\nwhat = 'x'\n[b]\nwhat = 'y'\nalso = ['a']", "[b] a is already said by [a]"),
        ("[a]\nwhat = 'x'\n[b]\nwhat = 'y'\nimports = ['a']", "[b] a is already said by [a]"),
        ("[a\nwhat = 'x'", "can't be read: Expected ']'"),
        (f"a = {'[' * 5000}", "can't be read"),
    ],
)
def test_a_broken_file_names_itself_the_library_and_what_is_wrong(
    tmp_path: Path, text: str, problem: str
) -> None:
    message = refusal(written(tmp_path, text))
    assert message.startswith(str(tmp_path / "some.toml"))
    assert problem in message


def test_a_library_said_in_two_files_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "[a]\nwhat = 'x'", "one.toml")
    assert "two.toml: [a] a is already said by [a]" in refusal(
        written(tmp_path, "[a]\nwhat = 'x'", "two.toml")
    )


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.toml").write_bytes(b"\xff\xfe")
    assert "can't be read" in refusal(tmp_path)
    (tmp_path / "some.toml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    assert "larger than 1 MiB" in refusal(tmp_path)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.toml").mkdir()
    assert "can't be read" in refusal(tmp_path)


YIELDS = """
from gevent import monkey
monkey.patch_all()
import gevent, socket, sys

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
waiting = ready = False

def answer():
    global ready
    connection, _ = listener.accept()
    connection.recv(4096)
    ready = waiting
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
    connection.close()

def ask():
    global waiting
    waiting = True
    {call}
    waiting = False

gevent.spawn(answer)
gevent.spawn(ask).get()
print("yields" if ready else "blocks")
"""

# Counts the turns that a sibling greenlet gets while the call goes on.
TURNS = """
from gevent import monkey
monkey.patch_all()
import gevent

turns = 0
busy = over = False

def sibling():
    global turns
    while not over:
        turns += busy
        gevent.sleep(0)

def work():
    global busy, over
    busy = True
    {call}
    busy, over = False, True

gevent.joinall([gevent.spawn(sibling), gevent.spawn(work)], raise_error=True)
print("yields" if turns else "blocks")
"""


def under_gevent(program: str, call: str) -> str:
    pytest.importorskip("gevent", reason="gevent is not installed")
    done = subprocess.run(
        [sys.executable, "-c", program.format(call=call)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CLIENTS = {
    "python:urllib.request": """
    import urllib.request
    urllib.request.urlopen(f"http://127.0.0.1:{port}/")""",
    "python:http.client": """
    import http.client
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.request("GET", "/")
    client.getresponse()""",
    "python:socket": """
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"x")
    client.recv(1)""",
}
LOCAL = {
    "python:time": """
    import time
    time.sleep(0.05)""",
    "python:subprocess": """
    import subprocess
    subprocess.run(["sleep", "0.05"])""",
    "python:concurrent.futures": """
    import concurrent.futures, time
    concurrent.futures.ThreadPoolExecutor(1).submit(time.sleep, 0.05).result()""",
    "python:sqlite3": """
    import sqlite3
    numbers = "with recursive c(x) as (select 1 union all select x + 1 from c where x < 100000)"
    sqlite3.connect(":memory:").execute(numbers + " select count(*) from c").fetchall()""",
}
LOOPS = """
    import asyncio
    first = gevent.spawn(asyncio.run, asyncio.sleep(0.2))
    gevent.sleep(0.05)
    nap = asyncio.sleep(0)
    second = gevent.spawn(asyncio.run, nap)
    second.join()
    nap.close()
    print(type(second.exception).__name__)
    first.join()"""


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_said_to_cooperate_lets_the_server_beside_it_answer(name: str) -> None:
    library = load_libraries().by_distribution(name)
    assert library is not None
    assert library.gevent == "cooperates"
    assert under_gevent(YIELDS, CLIENTS[name]) == "yields"


@pytest.mark.parametrize("name", LOCAL)
def test_a_sibling_greenlet_runs_during_calls_that_cooperate_and_no_others(name: str) -> None:
    library = load_libraries().by_distribution(name)
    assert library is not None
    expected = "yields" if library.gevent == "cooperates" else "blocks"
    assert under_gevent(TURNS, LOCAL[name]) == expected


def test_a_second_event_loop_fails_in_a_gevent_worker() -> None:
    library = load_libraries().by_module("asyncio.run")
    assert library is not None
    assert library.gevent == "blocks"
    assert under_gevent(TURNS, LOOPS).startswith("RuntimeError")
