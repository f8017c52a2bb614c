"""Which releases a specifier lets in, held against the packaging library where that can say."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from declared import declare
from gunitune.catalog.stored import surveyed
from gunitune.project.dependencies.specifier import allows

SPECIFIERS = (
    ">=22", ">22.0.0", "<24", "<=23.0.0", "==23.*", "!=23.0.0", "!=25.*", "~=25.0", "~=25.0.1",
    ">=20,<24", ">=20.0.4,!=21.*,<22", "==20.1", "==20.1.0", "===20.1.0", ">=99",
)  # fmt: skip


@pytest.mark.parametrize("specifier", SPECIFIERS)
def test_what_a_specifier_lets_in_is_what_pip_lets_in(specifier: str) -> None:
    wanted = [release for release in surveyed() if SpecifierSet(specifier).contains(release)]
    assert [release for release in surveyed() if allows(specifier, release)] == wanted


@pytest.mark.parametrize(
    ("specifier", "newest"),
    [
        ("^23", "23.0.0"),
        ("^22 || ^20", "22.0.0"),
        ("~25.0", "25.0.3"),
        ("~23", "23.0.0"),
        ("*", surveyed()[-1]),
        ("23.0.0", "23.0.0"),
    ],
)
def test_what_poetry_s_own_specifiers_let_in(specifier: str, newest: str) -> None:
    assert [release for release in surveyed() if allows(specifier, release)][-1] == newest


def test_the_newest_that_a_declaration_allows(tmp_path: Path) -> None:
    found = declare(tmp_path, {"requirements.txt": "gunicorn>=20,<24\nflask\n"})
    newest = found.newest("gunicorn", surveyed())
    assert newest is not None
    assert (newest.version, newest.source) == ("23.0.0", "gunicorn>=20,<24 in requirements.txt:1")
    assert found.newest("flask", surveyed()) is None
    assert found.newest("django", surveyed()) is None
