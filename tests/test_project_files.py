from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.errors import ProjectError
from gunitune.model import Unknown
from gunitune.project.files import ProjectFiles, read_bounded, read_source, walk

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return root


def python(files: ProjectFiles) -> list[str]:
    return [files.relative(path) for path in files.python]


def declaring(files: ProjectFiles) -> list[str]:
    return [files.relative(path) for path in files.dependency_files]


def test_python_files_are_listed_sorted_at_every_depth(tmp_path: Path) -> None:
    tree(
        tmp_path, "shop/views.py", "app.py", "shop/a/b/c.py", "README.md", "app.pyc", "shop/app.js"
    )
    files = walk(tmp_path)
    assert python(files) == ["app.py", "shop/a/b/c.py", "shop/views.py"]
    assert files.root == tmp_path
    assert files.start is None
    assert not files.truncated


@pytest.mark.parametrize(
    "folder",
    [
        *("node_modules", "__pycache__", "build", "dist", "lib/python3.11/site-packages", "venv"),
        *(".git", ".hg", ".tox", ".nox", ".eggs", ".mypy_cache", ".venv", ".anything", "a/.hidden"),
    ],
)
def test_what_was_built_installed_or_hidden_is_left_out(tmp_path: Path, folder: str) -> None:
    tree(tmp_path, "app.py", f"{folder}/x.py", f"{folder}/deep/y.py", f"{folder}/requirements.txt")
    files = walk(tmp_path)
    assert python(files) == ["app.py"]
    assert declaring(files) == []


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history", "CACHEDIR.TAG"])
def test_an_environment_or_cache_is_known_by_its_mark(tmp_path: Path, mark: str) -> None:
    tree(tmp_path, "app.py", f"env/{mark}", "env/bin/activate.py")
    assert python(walk(tmp_path)) == ["app.py"]


def test_a_virtual_environment_made_in_the_project_folder_does_not_hide_the_project(
    tmp_path: Path,
) -> None:
    tree(tmp_path, "pyvenv.cfg", "app.py", "lib/python3.11/site-packages/flask.py")
    assert python(walk(tmp_path)) == ["app.py"]


def test_a_project_in_a_folder_called_build_is_read(tmp_path: Path) -> None:
    tree(tmp_path, "build/app.py")
    assert python(walk(tmp_path / "build")) == ["app.py"]


def test_migrations_are_kept(tmp_path: Path) -> None:
    tree(tmp_path, "shop/migrations/0001_initial.py")
    assert python(walk(tmp_path)) == ["shop/migrations/0001_initial.py"]


DECLARING = [
    *("requirements.txt", "Requirements.txt", "requirements-dev.txt", "dev-requirements.txt"),
    *("requirements.in", "requirements.prod.txt", "requirements.lock", "requirements/base.txt"),
    *("requirements/edx/base.in", "constraints.txt", "upper-constraints.txt", "pyproject.toml"),
    *("Pipfile", "Pipfile.lock", "setup.cfg", "setup.py", "uv.lock", "poetry.lock", "pdm.lock"),
    *("pylock.toml", "pylock.prod.toml", "environment.yml", "environment-dev.yaml", "conda.yaml"),
    *("services/api/requirements.txt", "conda-env.yml"),
]


@pytest.mark.parametrize("name", DECLARING)
def test_files_that_declare_dependencies_are_known_by_name(tmp_path: Path, name: str) -> None:
    assert declaring(walk(tree(tmp_path, name))) == [name]


@pytest.mark.parametrize(
    "name",
    [
        *("notes.txt", "robots.txt", "package-lock.json", "Cargo.lock", "yarn.lock", "values.yaml"),
        *("requirements.md", "requirements.py", "docker-compose.yml", "pyproject.toml.bak"),
        *("requirements.txt.orig", "pylock.a.b.toml", "config/setup.cfg.in", "requirements/a.md"),
    ],
)
def test_other_files_declare_nothing(tmp_path: Path, name: str) -> None:
    assert declaring(walk(tree(tmp_path, name))) == []


def test_setup_py_is_source_and_declaration(tmp_path: Path) -> None:
    files = walk(tree(tmp_path, "setup.py"))
    assert python(files) == declaring(files) == ["setup.py"]


def test_a_file_as_path_makes_its_folder_the_root(tmp_path: Path) -> None:
    tree(tmp_path, "app.py", "shop/db.py", "requirements.txt")
    files = walk(tmp_path / "app.py")
    assert files.root == tmp_path
    assert files.start == tmp_path / "app.py"
    assert python(files) == ["app.py", "shop/db.py"]
    assert declaring(files) == ["requirements.txt"]


@pytest.mark.parametrize("name", ["missing", "app.py/below", "a" * 300, "with\0null"])
def test_a_path_that_is_not_there_is_one_line_with_a_hint(tmp_path: Path, name: str) -> None:
    tree(tmp_path, "app.py")
    with pytest.raises(ProjectError) as caught:
        walk(tmp_path / name)
    assert "can't read the project at" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_pipe_is_no_project(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProjectError, match="neither a folder nor a file"):
        walk(tmp_path / "pipe")


def test_links_out_of_the_root_and_loops_are_not_followed(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", "secret.py", "requirements.txt")
    root = tree(tmp_path / "root", "app.py")
    (root / "out").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "secret.py").symlink_to(outside / "secret.py")
    (root / "requirements.txt").symlink_to(outside / "requirements.txt")
    (root / "self.py").symlink_to(root / "self.py")
    (root / "gone.py").symlink_to(root / "nothing.py")
    files = walk(root)
    assert python(files) == ["app.py"]
    assert declaring(files) == []


def test_a_neighbour_whose_name_starts_like_the_root_is_outside(tmp_path: Path) -> None:
    tree(tmp_path / "root2", "secret.py")
    root = tree(tmp_path / "root", "app.py")
    (root / "link.py").symlink_to(tmp_path / "root2" / "secret.py")
    assert python(walk(root)) == ["app.py"]


def test_links_to_files_of_the_project_are_followed(tmp_path: Path) -> None:
    tree(tmp_path, "deploy/pins.list")
    (tmp_path / "requirements.txt").symlink_to("deploy/pins.list")
    assert declaring(walk(tmp_path)) == ["requirements.txt"]


def test_a_root_reached_through_a_link_is_read(tmp_path: Path) -> None:
    tree(tmp_path / "real", "app.py", "shop/db.py")
    (tmp_path / "current").symlink_to(tmp_path / "real")
    assert python(walk(tmp_path / "current")) == ["app.py", "shop/db.py"]


def test_pipes_and_folders_named_like_source_are_not_source(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    os.mkfifo(tmp_path / "requirements.txt")
    files = walk(tree(tmp_path, "app.py"))
    assert python(files) == ["app.py"]
    assert declaring(files) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, "app.py", "closed/x.py")
    (tmp_path / "closed").chmod(0)
    try:
        assert python(walk(tmp_path)) == ["app.py"]
        with pytest.raises(ProjectError, match="can't read the project"):
            walk(tmp_path / "closed")
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_a_folder_that_vanishes_while_walking_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "app.py", "gone/x.py")
    scan = os.scandir

    def vanishing(path: str) -> object:
        if str(path).endswith("gone"):
            raise FileNotFoundError(path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert python(walk(tmp_path)) == ["app.py"]
    with pytest.raises(ProjectError, match="can't read the project"):
        walk(tmp_path / "gone")


def test_the_files_nearest_to_the_root_are_listed_when_there_are_too_many(tmp_path: Path) -> None:
    tree(tmp_path, "z.py", "requirements.txt", *(f"a/m{number}.py" for number in range(10)))
    files = walk(tmp_path, limit=4)
    assert files.truncated
    assert python(files) == ["a/m0.py", "a/m1.py", "z.py"]
    assert declaring(files) == ["requirements.txt"]


def test_exactly_as_many_files_as_allowed_is_not_too_many(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "b.py")
    assert not walk(tmp_path, limit=2).truncated
    assert walk(tmp_path, limit=1).truncated


def test_a_folder_full_of_other_files_ends_the_walk(tmp_path: Path) -> None:
    tree(tmp_path, "app.py", "media/deep/late.py", *(f"media/{n}.png" for n in range(60)))
    files = walk(tmp_path, limit=2)
    assert files.truncated
    assert python(files) == ["app.py"]


def test_names_that_are_no_text_are_shown_on_one_printable_line(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("")
    (tmp_path / "new\nline.py").write_text("")
    files = walk(tmp_path)
    assert sorted(python(files)) == ["caf\\udce9.py", "new\\nline.py"]


def test_names_in_other_scripts_are_shown_as_they_are(tmp_path: Path) -> None:
    assert python(walk(tree(tmp_path, "größe/приложение.py"))) == ["größe/приложение.py"]


def test_a_path_outside_of_the_root_is_shown_whole(tmp_path: Path) -> None:
    files = walk(tree(tmp_path / "root", "app.py"))
    assert files.relative(tmp_path / "other.py") == (tmp_path / "other.py").as_posix()


def test_source_is_read_up_to_a_mebibyte(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_bytes(b"x" * MIB)
    assert read_source(path) == b"x" * MIB
    path.write_bytes(b"x" * (MIB + 1))
    assert read_source(path) is None


def test_what_cannot_be_read_is_none_with_a_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert read_source(tmp_path / "gone.py") is None
    assert read_source(tmp_path / "pipe.py") is None
    assert read_bounded(tmp_path / "gone.py", 10) == Unknown("No such file or directory")
    assert read_bounded(tmp_path / "pipe.py", 10) == Unknown("not a regular file")
    (tmp_path / "big.py").write_bytes(b"x" * 3000)
    assert read_bounded(tmp_path / "big.py", 2048) == Unknown("larger than 2 KiB")


def test_a_file_that_makes_its_readers_wait_is_not_waited_for() -> None:
    from pathlib import Path

    # Who may not read it gets an error at once; who may would wait for the kernel's next message.
    assert read_bounded(Path("/proc/kmsg"), 10) is not None


def test_the_walk_says_the_same_twice(tmp_path: Path) -> None:
    tree(tmp_path, *(f"p{n % 7}/m{n}.py" for n in range(50)), "uv.lock")
    assert walk(tmp_path, limit=20) == walk(tmp_path, limit=20)


@given(st.text())
def test_any_path_is_a_project_or_a_project_error(name: str) -> None:
    from pathlib import Path  # a strategy's function gets no fixtures

    try:
        files = walk(Path("/nonexistent") / "x" / name.replace("..", "").lstrip("/"))
    except ProjectError:
        return
    raise AssertionError(files)
