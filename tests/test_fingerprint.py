"""A stored measurement holds until the code or the packages that it spoke of change."""

from __future__ import annotations

from pathlib import Path

import pytest

from gunitune.measure import fingerprint as module
from gunitune.measure.fingerprint import Fingerprint, fingerprint
from project import write_project

ENVIRON: dict[str, str] = {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = write_project(tmp_path / "shop")
    install(folder / ".venv", "gunicorn-25.3.0", "flask-3.1.0")
    return folder


def install(venv: Path, *packages: str) -> None:
    site = venv / "lib/python3.12/site-packages"
    for package in packages:
        (site / f"{package}.dist-info").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("version = 3.12.1\n")


def changed(project: Path, before: Fingerprint) -> str:
    return before.changed(fingerprint(project, ENVIRON))


def test_nothing_has_changed_where_nothing_was_touched(project: Path) -> None:
    assert changed(project, fingerprint(project, ENVIRON)) == ""


@pytest.mark.parametrize(
    "path", ["app.py", "new.py", "requirements.txt", "requirements-dev.txt", "uv.lock"]
)
def test_code_and_dependency_files_count(project: Path, path: str) -> None:
    before = fingerprint(project, ENVIRON)
    with (project / path).open("a") as file:
        file.write("# more\n")
    assert changed(project, before) == "its code or dependencies have"


@pytest.mark.parametrize(
    "path", ["gunicorn.conf.py", "tests/test_app.py", "README.md", ".gunitune/measure.json"]
)
def test_what_no_request_reaches_does_not(project: Path, path: str) -> None:
    before = fingerprint(project, ENVIRON)
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_text("workers = 3\n")
    assert changed(project, before) == ""


def test_a_file_that_moves_is_a_change(project: Path) -> None:
    before = fingerprint(project, ENVIRON)
    (project / "app.py").rename(project / "main.py")
    assert changed(project, before)


def test_line_ends_are_none(project: Path) -> None:
    before = fingerprint(project, ENVIRON)
    text = (project / "app.py").read_bytes()
    (project / "app.py").write_bytes(text.replace(b"\n", b"\r\n"))
    assert changed(project, before) == ""


def test_an_upgrade_in_the_environment_counts(project: Path) -> None:
    before = fingerprint(project, ENVIRON)
    site = project / ".venv/lib/python3.12/site-packages"
    (site / "flask-3.1.0.dist-info").rename(site / "flask-3.2.0.dist-info")
    assert changed(project, before) == "the packages in .venv have"


def test_a_checkout_without_the_environment_says_nothing_of_it(
    project: Path, tmp_path: Path
) -> None:
    bare = write_project(tmp_path / "bare")
    assert fingerprint(bare, ENVIRON).place == ""
    assert changed(bare, fingerprint(project, ENVIRON)) == ""
    assert changed(project, fingerprint(bare, ENVIRON)) == ""


def test_an_environment_of_another_name_is_not_compared(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    install(other, "gunicorn-27.0.1")
    active = fingerprint(project, {"VIRTUAL_ENV": str(other)})
    assert active.place == "the active virtual environment"
    assert changed(project, active) == ""


def test_beyond_the_bounds_the_size_counts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    before = fingerprint(project, ENVIRON)
    text = (project / "app.py").read_text()
    (project / "app.py").write_text(text.swapcase())
    assert changed(project, before) == ""
    (project / "app.py").write_text(text + "#")
    assert changed(project, before)


def test_a_file_that_can_not_be_read_is_no_traceback(project: Path) -> None:
    (project / "fifo.py").symlink_to("/dev/null")
    (project / "gone.py").symlink_to("nowhere")
    assert fingerprint(project, ENVIRON).code
