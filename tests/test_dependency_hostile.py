from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declared import declare, names
from gunitune.project.dependencies import read_dependencies
from gunitune.project.dependencies.collect import MAX_FILES
from gunitune.project.files import walk

if TYPE_CHECKING:
    from pathlib import Path


MORE = "more than 10000 entries, the rest not read"
DEEP = "nested too deeply"
FAILED = "entries not understood, the first at line 1, the rest not read"
PRINT = "not Python 3: Missing parentheses in call to 'print'. Did you mean print(...)? at line 2"
POETRY = b"[tool.poetry.dependencies]\n" + b"".join(b"a%d='1'\n" % n for n in range(11_000))
HOSTILE = [
    ("requirements.txt", b"a==1\n" * (1024 * 1024), "larger than 4 MiB"),
    ("requirements.txt", b"a\n" * 20_000, MORE),
    ("requirements.txt", b"a b\n" * 5_000, f"1000 {FAILED}"),
    ("requirements.txt", b"a" * 4_000_000, "1 entry not understood, the first at line 1"),
    ("requirements.txt", b"a==" + b"1," * 2_000_000, "1 entry not understood, the first at line 1"),
    ("pyproject.toml", b"a = " + b"[" * 100_000, DEEP),
    ("pyproject.toml", b"a = " + b"{a=" * 50_000, DEEP),
    ("pyproject.toml", b"a." * 100_000 + b"a = 1", "a line with too many dots"),
    ("pyproject.toml", b"x = " + b'"a.b",' * 3000, "a line with too many dots"),
    ("pyproject.toml", b"\x89PNG\r\n\x1a\n", "Invalid statement (at line 1, column 1)"),
    ("pyproject.toml", b"[project]\ndependencies = [" + b'"a",' * 20_000 + b"]", MORE),
    ("pyproject.toml", POETRY, MORE),
    ("pyproject.toml", b"x" * 300_000, "larger than 256 KiB"),
    ("Pipfile", b"a = ]", "Invalid value (at line 1, column 5)"),
    ("Pipfile.lock", b"[" * 1_000_000, DEEP),
    ("Pipfile.lock", b'{"a":' * 50_000, DEEP),
    ("Pipfile.lock", b"[]", "not a JSON object"),
    ("setup.py", b"-" * 200_000 + b"1", DEEP),
    ("setup.py", b"setup(install_requires=[]" + b"+[]" * 50_000 + b")", DEEP),
    ("setup.py", b"def", "not Python 3: invalid syntax at line 1"),
    ("setup.py", b"x = 1\nprint 'x'", PRINT),
    ("uv.lock", b"[[package]]\n" * 20_000, "more than 10000 packages, the rest not read"),
    ("environment.yml", b"dependencies:\n" + b"- a=1\n" * 20_000, MORE),
]


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    HOSTILE,
    ids=[f"{number}-{name}" for number, (name, _, _) in enumerate(HOSTILE)],
)
def test_hostile_files_are_one_problem(
    tmp_path: Path, name: str, data: bytes, problem: str
) -> None:
    assert declare(tmp_path, {name: data}).problems == (f"{name}: {problem}",)


def test_a_setup_py_that_doubles_a_list_sixty_times_is_read_once(tmp_path: Path) -> None:
    bomb = "".join(f"a{n + 1} = a{n} + a{n}\n" for n in range(60))
    found = declare(tmp_path, {"setup.py": f"a0 = ['flask']\n{bomb}setup(install_requires=a60)\n"})
    assert names(found) == ["flask"]


def test_a_file_that_was_removed_since_the_walk_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("flask")
    files = walk(tmp_path)
    path.unlink()
    found = read_dependencies(files)
    assert found.problems == ("requirements.txt: No such file or directory",)


def test_a_problem_is_one_printable_line(tmp_path: Path) -> None:
    found = declare(
        tmp_path, {"requirements.txt": "-r \x1b[31m" + "x" * 500 + "\n", "a\nsetup.py/x": ""}
    )
    assert len(found.problems) == 1
    assert found.problems[0].isprintable()
    assert len(found.problems[0]) < 300


def test_a_project_of_many_megabytes_is_read_up_to_a_bound(tmp_path: Path) -> None:
    for number in range(9):
        folder = tmp_path / f"p{number}"
        folder.mkdir()
        (folder / "requirements.txt").write_bytes(b"#" + b" " * (4 * 1024 * 1024 - 1))
    found = read_dependencies(walk(tmp_path))
    assert found.problems == (
        f"more than {MAX_FILES} dependency files or 32 MiB of them, the rest not read",
    )


def test_binary_garbage_declares_next_to_nothing_and_is_a_problem(tmp_path: Path) -> None:
    garbage = bytes(range(256)) * 200
    found = declare(tmp_path, dict.fromkeys(FILES, garbage))
    assert found.problems
    assert all(problem.isprintable() for problem in found.problems)


FILES = [
    *("requirements.txt", "requirements/a.in", "constraints.txt", "pyproject.toml", "Pipfile"),
    *("Pipfile.lock", "setup.cfg", "setup.py", "uv.lock", "poetry.lock", "pdm.lock"),
    *("pylock.toml", "environment.yml"),
]
FRAGMENTS = [
    *(b"gunicorn==23.0.0", b"flask[async]>=2 ; os_name", b"-r requirements.txt", b"-c ", b"-e "),
    *(b"a @ https://x/y-1.0.tar.gz#egg=z", b"\\\n", b"\r\n", b"\n", b"    ", b"# ", b"\0", b"\xff"),
    *(b"[project]\ndependencies = [", b"'flask'", b'"x>=1"', b"]", b"[options]\n", b"= "),
    *(b"install_requires =\n  a\n", b"[tool.poetry.dependencies]\n", b"a = '^1'\n", b"{", b"}"),
    *(b"[[package]]\nname = ", b"version = '1'\n", b"dependencies = [\n", b"dependencies:\n- "),
    *(b"- pip:\n  - ", b'{"default": {"a": {"version": "==1"}}}', b"setup(install_requires=["),
    *(b"')", b"(", b"groups = ['dev']", b"[dependency-groups]\na = [{include-group = 'a'}]\n"),
]


@given(
    contents=st.dictionaries(
        st.sampled_from(FILES),
        st.binary(max_size=300)
        | st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8)).map(b"".join),
        max_size=4,
    )
)
@settings(max_examples=300, deadline=None)
def test_no_bytes_in_any_file_make_reading_fail(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("project")
    for name, data in contents.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    found = read_dependencies(walk(root))
    for one in found.all:
        assert one.name == one.name.lower()
        assert (root / one.path).is_file()
        assert (
            1 <= one.line <= contents[one.path].count(b"\n") + contents[one.path].count(b"\r") + 1
        )
        assert found.get(one.name) is not None
        assert (found.pin(one.name) is None) <= (one.pinned is None)
        found.minimum(one.name)
    assert all(problem.isprintable() for problem in found.problems)
