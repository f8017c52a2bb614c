from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declared import declare
from gunitune.project.dependencies import Pin
from gunitune.project.dependencies.requirement import normalised, parse_requirement
from gunitune.project.dependencies.specifier import exact, lowest, tidy, version_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("specifier", "version"),
    [
        ("==23.0.0", "23.0.0"),
        ("===23.0.0", "23.0.0"),
        ("==23.0.0.post1", "23.0.0.post1"),
        ("==2!1.0", "2!1.0"),
        (">=22,==23.0.0", "23.0.0"),
        ("23.0.0", "23.0.0"),
        ("=23.0.0", "23.0.0"),
        ("==23.*", None),
        ("23.*", None),
        ("*", None),
        ("", None),
        (">=23.0.0", None),
        ("~=23.0.0", None),
        ("!=23.0.0", None),
        ("<=23.0.0", None),
        ("^23.0.0", None),
        ("~23.0.0", None),
        ("22.0.0 || 23.0.0", None),
        ("==main", None),
    ],
)
def test_one_version_is_exact(specifier: str, version: str | None) -> None:
    assert exact(specifier) == version


@pytest.mark.parametrize(
    ("specifier", "version"),
    [
        (">=24", "24"),
        (">24", "24"),
        ("~=23.0", "23.0"),
        ("==23.*", "23"),
        ("==23.0.0", "23.0.0"),
        (">=22,<24", "22"),
        ("<24,>=22,>=22.1", "22.1"),
        ("^23", "23"),
        ("^23.0.1", "23.0.1"),
        ("~23.1", "23.1"),
        ("23.*", "23"),
        ("^22 || ^21.2", "21.2"),
        ("^22 || <20", None),
        ("<24", None),
        ("!=23", None),
        ("*", None),
        ("", None),
    ],
)
def test_a_lower_bound_is_the_lowest_version(specifier: str, version: str | None) -> None:
    assert lowest(specifier) == version


def test_versions_are_in_the_order_of_pep_440() -> None:
    ordered = [
        *("0.9", "1.0.dev1", "1.0", "1.0.1", "1.2rc1", "1.2", "1.10", "20.1.0", "23.0.0"),
        *("23.1a2", "23.1", "1!0.1"),
    ]
    assert sorted(set(ordered), key=version_key) == ordered


@pytest.mark.parametrize("same", ["23", "23.0", "v23.0.0", "23.0.0+cpu", "23.0.post2", "23-1"])
def test_versions_that_differ_in_nothing_that_counts_are_equal(same: str) -> None:
    assert version_key(same) == version_key("23.0.0")


def test_what_is_no_version_comes_first() -> None:
    assert version_key("main") < version_key("0")


@given(st.text(alphabet="0123456789.abrc!+-*v _post", max_size=80))
def test_any_text_has_a_place_in_the_order(text: str) -> None:
    assert version_key(text) <= version_key(text)
    assert (exact(text) or "") in text


@given(st.text(max_size=60))
def test_a_tidied_specifier_stays_as_it_is(text: str) -> None:
    tidied = tidy(text)
    if tidied is not None:
        assert tidy(tidied) == tidied
        assert " " not in tidied


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}(rc1|\.post1)?", fullmatch=True)


@given(names, versions, st.sampled_from(["{}=={}", " {} == {} ", "{}[x]=={} ; os_name", "{}({})"]))
def test_a_pinned_requirement_gives_its_version(name: str, version: str, written: str) -> None:
    found = parse_requirement(written.format(name, version))
    if "(" in written:
        assert found is None
    else:
        assert found is not None
        assert (found.name, found.pinned) == (normalised(name), version)
        assert lowest(found.specifier) == version


POETRY = "[tool.poetry.dependencies]\ngunicorn = "
LINK = "https://example.org/gunicorn-23.0.0-py3-none-any.whl"
PINS: list[tuple[str, str, str, int]] = [
    ("requirements.txt", "flask\n\n\ngunicorn==23.0.0\n", "gunicorn==23.0.0", 4),
    ("requirements.txt", "Gunicorn[gevent] == 23.0.0", "gunicorn==23.0.0", 1),
    ("requirements.txt", f"gunicorn @ {LINK}", "gunicorn==23.0.0", 1),
    ("Pipfile", "[packages]\ngunicorn = '==23.0.0'\n", "gunicorn==23.0.0", 2),
    ("pyproject.toml", f"{POETRY}'23.0.0'", "gunicorn 23.0.0", 2),
    ("uv.lock", '[[package]]\nname = "gunicorn"\nversion = "23.0.0"', "gunicorn==23.0.0", 1),
    ("environment.yml", "dependencies:\n- gunicorn=23.0.0\n", "gunicorn==23.0.0", 2),
    ("setup.py", "setup(install_requires=['gunicorn==23.0.0'])", "gunicorn==23.0.0", 1),
    ("setup.cfg", "[options]\ninstall_requires =\n  gunicorn==23.0.0", "gunicorn==23.0.0", 3),
]


@pytest.mark.parametrize(("name", "content", "words", "line"), PINS)
def test_a_pin_knows_the_words_it_comes_from(
    tmp_path: Path, name: str, content: str, words: str, line: int
) -> None:
    pin = declare(tmp_path, {name: content}).pin("gunicorn")
    assert pin == Pin("23.0.0", f"{words} in {name}:{line}")


MINIMA: list[tuple[str, str, str, str, int]] = [
    ("requirements.txt", "gunicorn>=22,<24", "22", "gunicorn>=22,<24", 1),
    ("requirements.txt", "gunicorn~=23.0", "23.0", "gunicorn~=23.0", 1),
    ("requirements.txt", "gunicorn==23.0.0", "23.0.0", "gunicorn==23.0.0", 1),
    ("pyproject.toml", f"{POETRY}'^23'", "23", "gunicorn ^23", 2),
    ("pyproject.toml", f"{POETRY}'~23.1'", "23.1", "gunicorn ~23.1", 2),
    ("Pipfile", "[packages]\ngunicorn = '23.*'", "23", "gunicorn 23.*", 2),
]


@pytest.mark.parametrize(("name", "content", "version", "words", "line"), MINIMA)
def test_a_minimum_knows_the_words_it_comes_from(
    tmp_path: Path, name: str, content: str, version: str, words: str, line: int
) -> None:
    pin = declare(tmp_path, {name: content}).minimum("Gunicorn")
    assert pin == Pin(version, f"{words} in {name}:{line}")


def test_a_minimum_of_a_link_is_its_version(tmp_path: Path) -> None:
    link = "gunicorn @ git+https://example.org/gunicorn@23.0.0"
    found = declare(tmp_path, {"requirements.txt": link})
    assert found.minimum("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in requirements.txt:1")


@pytest.mark.parametrize("content", ["", "gunicorn", "gunicorn<24", "gunicorn!=23.0.0"])
def test_nothing_is_pinned_where_nothing_says_so(tmp_path: Path, content: str) -> None:
    found = declare(tmp_path, {"requirements.txt": content})
    assert found.pin("gunicorn") is None
    assert found.minimum("gunicorn") is None


def test_a_declaration_goes_before_a_lock_file(tmp_path: Path) -> None:
    lock = '[[package]]\nname = "gunicorn"\nversion = "22.0.0"\n'
    found = declare(tmp_path, {"requirements.txt": "gunicorn==23.0.0", "poetry.lock": lock})
    assert found.pin("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in requirements.txt:1")


def test_a_lock_file_pins_what_is_declared_loosely(tmp_path: Path) -> None:
    lock = '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\n'
    pyproject = "[project]\ndependencies = ['gunicorn>=22']\n"
    found = declare(tmp_path, {"pyproject.toml": pyproject, "uv.lock": lock})
    assert found.pin("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in uv.lock:1")
    assert found.minimum("gunicorn") == Pin("22", "gunicorn>=22 in pyproject.toml:2")


def test_a_constraint_pins_what_is_asked_for(tmp_path: Path) -> None:
    found = declare(
        tmp_path, {"requirements.txt": "gunicorn", "constraints.txt": "gunicorn==23.0.0"}
    )
    assert found.pin("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in constraints.txt:1")


def test_a_file_nearer_to_the_root_goes_first(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "api/requirements.txt": "gunicorn==21.0.0",
        "zoo.requirements.txt": "gunicorn==23.0.0",
    }
    found = declare(tmp_path, files)
    assert found.pin("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in zoo.requirements.txt:1")


def test_what_the_app_runs_with_goes_before_development(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "requirements-dev.txt": "gunicorn==21.0.0",
        "deploy/requirements.txt": "gunicorn==23.0.0",
    }
    found = declare(tmp_path, files)
    assert found.pin("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in deploy/requirements.txt:1")


def test_a_pin_for_development_is_better_than_none(tmp_path: Path) -> None:
    found = declare(tmp_path, {"requirements-dev.txt": "gunicorn==21.0.0"})
    assert found.pin("gunicorn") == Pin("21.0.0", "gunicorn==21.0.0 in requirements-dev.txt:1")
    assert "gunicorn" not in found.names


def test_the_newest_of_one_file_is_taken(tmp_path: Path) -> None:
    lines = (
        "gunicorn==22.0.0; python_version < '3.8'\n"
        "gunicorn==23.0.0; python_version >= '3.8'\n"
        "gunicorn==9.0.0; python_version < '3'\n"
    )
    found = declare(tmp_path, {"requirements.txt": lines})
    assert found.pin("gunicorn") == Pin("23.0.0", "gunicorn==23.0.0 in requirements.txt:2")


def test_files_of_the_same_standing_that_disagree_are_mentioned(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "api/requirements.txt": "gunicorn==23.0.0",
        "web/requirements.txt": "flask\ngunicorn==21.2.0",
        "zoo/requirements.txt": "gunicorn==23.0.0",
    }
    pin = declare(tmp_path, files).pin("gunicorn")
    assert pin == Pin(
        "23.0.0",
        "gunicorn==23.0.0 in api/requirements.txt:1 (but 21.2.0 in web/requirements.txt:2)",
    )


def test_files_that_agree_are_not_mentioned(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "api/requirements.txt": "gunicorn==23.0.0",
        "web/requirements.txt": "gunicorn==23.0.0",
    }
    pin = declare(tmp_path, files).pin("gunicorn")
    assert pin == Pin("23.0.0", "gunicorn==23.0.0 in api/requirements.txt:1")
