from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.conf import find as finding
from gunitune.conf.find import Found, find, project_root
from gunitune.data import rules_dir
from gunitune.errors import ProjectError

NAMES = frozenset(json.loads((rules_dir() / "gunicorn" / "settings.json").read_text()))
CONFIG = 'bind = "0.0.0.0:8000"\nworkers = 3\n'


def put(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        write(root / name, text)
    return root


def write(path: Path, text: str = CONFIG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def shown(*paths: Path) -> list[str]:
    return [found.shown for found in find(paths, NAMES)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


USUAL = [
    *("gunicorn.conf.py", "gunicorn_config.py", "gunicorn_conf.py", "gunicorn.config.py"),
    *("gunicorn-prod.conf.py", "gunicorn_conf_dev.py", "GUNICORN.CONF.PY".lower()),
]
LOOSE = [
    *("gunicorn.py", "gunicorn_settings.py", "gunicorn_prod.py", "gunicorn.conf"),
    *("gunicorn-staging.conf", "gunicorn/prod.py"),
]


@pytest.mark.parametrize("name", USUAL)
def test_a_usual_name_is_a_config_even_where_it_sets_nothing(here: Path, name: str) -> None:
    write(here / "deploy" / name, "import os\n")
    assert shown(Path()) == [f"deploy/{name}"]


@pytest.mark.parametrize("name", LOOSE)
def test_a_name_that_others_use_too_needs_one_setting(here: Path, name: str) -> None:
    path = write(here / name, "workers = 3\n")
    assert shown(Path()) == [name]
    path.write_text("import subprocess\nsubprocess.run(['gunicorn'])\n")
    assert shown(Path()) == []


def test_a_launcher_by_the_name_of_gunicorn_is_no_config(here: Path) -> None:
    write(
        here / "gunicorn.py",
        "from gunicorn.app.base import BaseApplication\n\n\nclass App(BaseApplication):\n"
        "    workers = 3\n    bind = 'x'\n\n\nif __name__ == '__main__':\n    App().run()\n"
        "    globals()\n",
    )
    assert shown(Path()) == []


def test_a_config_that_sets_through_globals_is_one_by_its_name(here: Path) -> None:
    write(here / "gunicorn.py", 'globals().update({"workers": 3})\n')
    assert shown(Path()) == ["gunicorn.py"]


def test_a_file_of_supervisors_is_no_config(here: Path) -> None:
    write(here / "gunicorn.conf", "[program:gunicorn]\nuser = www-data\numask = 022\n")
    assert shown(Path()) == []
    write(here / "gunicorn.conf", "user = 'www-data'\numask = 0o22\n")
    assert shown(Path()) == ["gunicorn.conf"]


def test_gunicorns_own_modules_are_no_configs(here: Path) -> None:
    write(here / "gunicorn" / "debug.py", "def spew(trace_names=None):\n    pass\n")
    write(here / "gunicorn" / "config.py", "KNOWN_SETTINGS = []\nuser = 1\ngroup = 1\n")
    assert shown(Path()) == []


CONTENT = [
    CONFIG,
    "workers: int = 3\nbind = 'x'\n",
    "timeout = 30\nworkers = 4\n",
    "timeout = 30\nworker_class = 'gevent'\n\n\nclass Logger:\n    pass\n",
    "\ufeffbind = 'x'\nworkers = 1\n",
    "bind = 'x'\r\nworkers = 1\r\n",
    "bind = 'x'\rworkers = 1\r",
    "def post_fork(server, worker):\n    pass\n\n\ntimeout = 3\n",
    "bind = [\n  '0.0.0.0:80',\n]\nworkers = (\n1\n)\n",
    "'''\nworkers and bind:\n'''\nbind = 'x'  # (:\nworkers=1\n",
    "workers = (  # not closed\nbind = 1\nbind = 3\nthreads = 'x'\n".replace("(", "0"),
]


@pytest.mark.parametrize("text", CONTENT)
def test_a_file_of_any_name_is_a_config_by_what_it_sets(here: Path, text: str) -> None:
    (here / "wsgi").mkdir()
    (here / "wsgi" / "config.py").write_bytes(text.encode())
    found = list(find([Path()], NAMES))
    assert [item.shown for item in found] == ["wsgi/config.py"]
    assert found[0].data == text.encode()
    assert not found[0].named


OTHERS = [
    "workers = 3\n",
    "workers = 3\nworkers = 4\n",
    "user = 'me'\ngroup = 'us'\ntimeout = 3\nconfig = {}\nprotocol = 'x'\nreload = True\n",
    "CONF = '''\nbind = 'x'\nworkers = 3\n'''\n",
    "CONF = dict(\nbind='x',\nworkers=3,\n)\n",
    "def main():\n    bind = 'x'\n    workers = 3\n",
    "workers == 3\nbind == 4\nworker_class = 'x'\n",
    "workers = 4\ntimeout = 3\n\n\nclass Scraper:\n    pass\n",
    "workers = 4\ntimeout = 3\nif __name__ == '__main__':\n    print(workers)\n",
    "# '''\nbind = 'x'\n# '''\n",
    "bind, workers\n",
    "",
]


@pytest.mark.parametrize("text", OTHERS)
def test_an_ordinary_module_is_no_config(here: Path, text: str) -> None:
    write(here / "config.py", text)
    assert shown(Path()) == []


def test_a_config_of_another_server_is_left_out(here: Path) -> None:
    write(here / "hypercorn_config.py")
    assert shown(Path()) == []
    assert shown(Path("hypercorn_config.py")) == ["hypercorn_config.py"]


def test_a_file_that_was_named_is_taken_whatever_it_is(here: Path) -> None:
    write(here / "notes.txt", "")
    assert list(find([Path("notes.txt")], NAMES)) == [
        Found(Path("notes.txt"), "notes.txt", named=True)
    ]


def test_a_usual_name_is_not_read_by_the_search(here: Path) -> None:
    write(here / "gunicorn.conf.py")
    assert [item.data for item in find([Path()], NAMES)] == [None]


@pytest.mark.parametrize("folder", [".venv", "venv", "node_modules", "a/site-packages", ".git"])
def test_what_was_built_installed_or_hidden_is_not_searched(here: Path, folder: str) -> None:
    write(here / folder / "gunicorn.conf.py")
    assert shown(Path()) == []
    assert shown(Path(folder)) == [f"{folder}/gunicorn.conf.py"]


def test_environments_and_caches_are_known_by_their_mark(here: Path) -> None:
    write(here / "env" / "gunicorn.conf.py")
    write(here / "env" / "pyvenv.cfg")
    assert shown(Path()) == []


def test_files_come_sorted_and_once_however_often_the_paths_name_them(here: Path) -> None:
    for name in ("b/gunicorn.conf.py", "a/z.py", "a-b/gunicorn.conf.py", "gunicorn.conf.py"):
        write(here / name)
    everything = ["a/z.py", "a-b/gunicorn.conf.py", "b/gunicorn.conf.py", "gunicorn.conf.py"]
    assert shown(Path()) == everything
    twice = [Path("b"), Path(), here / "a", Path("a/../a/z.py"), Path("gunicorn.conf.py")]
    assert shown(*twice) == everything
    named = {item.shown for item in find(twice, NAMES) if item.named}
    assert named == {"a/z.py", "gunicorn.conf.py"}


def test_a_link_to_a_config_is_that_config(here: Path) -> None:
    write(here / "deploy" / "gunicorn.conf.py")
    (here / "a.py").symlink_to("deploy/gunicorn.conf.py")
    (here / "z.py").symlink_to("deploy/gunicorn.conf.py")
    assert shown(Path()) == ["deploy/gunicorn.conf.py"]
    assert shown(Path(), Path("a.py")) == ["a.py"]
    assert shown(Path("a.py"), Path("z.py")) == ["a.py"]


def test_a_config_that_is_a_link_to_another_name_is_found(here: Path) -> None:
    write(here / "settings.txt")
    (here / "gunicorn.conf.py").symlink_to("settings.txt")
    assert shown(Path()) == ["gunicorn.conf.py"]


def test_links_to_folders_and_out_of_the_search_are_not_followed(here: Path) -> None:
    outside = write(here / "outside" / "gunicorn.conf.py")
    (here / "in").mkdir()
    (here / "in" / "loop").symlink_to(here / "in")
    (here / "in" / "out").symlink_to(here / "outside")
    (here / "in" / "gunicorn.conf.py").symlink_to(outside)
    (here / "in" / "gunicorn_conf.py").symlink_to("gunicorn_conf.py")
    assert shown(Path("in")) == []
    assert shown(Path("in/gunicorn.conf.py")) == ["in/gunicorn.conf.py"]
    assert shown(Path("in/out")) == ["in/out/gunicorn.conf.py"]


@pytest.mark.parametrize("name", ["missing", "gunicorn.conf.py/x", "x" * 300, "nu\0ll", "loop"])
def test_a_path_that_is_not_there_is_named_before_any_file_is_given(here: Path, name: str) -> None:
    write(here / "gunicorn.conf.py")
    (here / "loop").symlink_to("loop")
    with pytest.raises(ProjectError) as caught:
        find([Path(), Path(name)], NAMES)
    assert name.replace("\0", "\\x00") in caught.value.message
    assert caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_an_error_where_it_was_named(here: Path) -> None:
    write(here / "closed" / "gunicorn.conf.py")
    (here / "closed").chmod(0)
    try:
        assert shown(Path()) == []
        with pytest.raises(ProjectError, match="Permission"):
            find([Path("closed")], NAMES)
    finally:
        (here / "closed").chmod(0o755)


def test_a_folder_without_configs_gives_nothing(here: Path) -> None:
    write(here / "app.py", "import flask\n")
    assert shown(Path()) == []


def test_a_pipe_that_was_named_is_left_to_its_reader_and_one_that_was_not_is_no_file(
    here: Path,
) -> None:
    os.mkfifo(here / "gunicorn.conf.py")
    os.mkfifo(here / "other.py")
    assert shown(Path()) == []
    assert shown(Path("gunicorn.conf.py")) == ["gunicorn.conf.py"]


def test_a_large_file_is_no_config_unless_its_name_says_so(here: Path) -> None:
    write(here / "data.py", CONFIG + "#" * (1024 * 1024))
    write(here / "gunicorn.py", CONFIG + "#" * (1024 * 1024))
    assert [(item.shown, item.data) for item in find([Path()], NAMES)] == [("gunicorn.py", None)]


def test_a_folder_with_too_many_entries_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MAX_ENTRIES", 3)
    for number in range(5):
        write(here / f"{number}.png")
    with pytest.raises(ProjectError, match="more than 3 files"):
        find([Path()], NAMES)


def test_paths_below_the_current_folder_are_shown_from_there(here: Path) -> None:
    write(here / "sub" / "gunicorn.conf.py")
    write(here / "gunicorn_conf.py")
    assert shown(here) == ["gunicorn_conf.py", "sub/gunicorn.conf.py"]
    assert shown(Path("./sub/")) == ["sub/gunicorn.conf.py"]
    assert shown(Path("sub/..")) == ["gunicorn_conf.py", "sub/gunicorn.conf.py"]
    os.chdir(here / "sub")
    assert shown(Path("..")) == ["../gunicorn_conf.py", "gunicorn.conf.py"]
    assert shown(Path("../sub/gunicorn.conf.py")) == ["gunicorn.conf.py"]
    assert shown(here / "gunicorn_conf.py") == [(here / "gunicorn_conf.py").as_posix()]


def test_a_current_folder_reached_through_a_link_is_still_the_current_one(here: Path) -> None:
    write(here / "real" / "gunicorn.conf.py")
    (here / "link").symlink_to("real")
    os.chdir(here / "real")
    assert shown(here / "link" / "gunicorn.conf.py") == ["gunicorn.conf.py"]


def test_the_search_works_where_the_current_folder_is_gone(here: Path) -> None:
    config = write(here / "kept" / "gunicorn.conf.py")
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    try:
        assert shown(here / "kept") == [config.as_posix()]
    finally:
        os.chdir(here)


def test_odd_names_are_shown_on_one_printable_line(here: Path) -> None:
    write(here / "new\nline" / "gunicorn.conf.py")
    write(here / os.fsdecode(b"caf\xe9") / "gunicorn.conf.py")
    assert shown(Path()) == ["caf\\udce9/gunicorn.conf.py", "new\\nline/gunicorn.conf.py"]
    assert all(item.path.exists() for item in find([Path()], NAMES))


def test_a_thousand_settings_in_brackets_are_none(here: Path) -> None:
    write(here / "x.py", "conf = dict(\n" + "bind=1,\nworkers=2,\n" * 30_000 + ")\n")
    assert shown(Path()) == []


@given(st.binary(max_size=200))
def test_any_bytes_are_a_config_or_none(data: bytes) -> None:
    text = "\n" + (b"bind = workers\nworkers = 1\n" + data).decode("latin-1")
    assert finding._settings(text, NAMES) <= NAMES
    assert isinstance(finding._configures(text, NAMES), bool)


def root_of(path: Path) -> Path:
    finding._folder.cache_clear()
    return project_root(path)


MARKS = ["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "requirements-dev.txt"]


@pytest.mark.parametrize("mark", [*MARKS, "Pipfile", "uv.lock", "poetry.lock", "environment.yml"])
def test_the_project_is_the_nearest_folder_that_declares_dependencies(
    tmp_path: Path, mark: str
) -> None:
    config = write(tmp_path / "repo" / "service" / "deploy" / "gunicorn.conf.py")
    write(tmp_path / "repo" / "service" / mark, "")
    write(tmp_path / "repo" / "pyproject.toml", "")
    assert root_of(config) == tmp_path / "repo" / "service"


def test_the_project_does_not_reach_above_the_repository(tmp_path: Path) -> None:
    config = write(tmp_path / "outer" / "repo" / "deploy" / "gunicorn.conf.py")
    write(tmp_path / "outer" / "pyproject.toml", "")
    (tmp_path / "outer" / "repo" / ".git").mkdir()
    assert root_of(config) == tmp_path / "outer" / "repo"


def test_a_config_without_a_project_has_its_own_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)  # anyone may write there: it says nothing of the project
    write(tmp_path / "pyproject.toml", "")
    config = write(tmp_path / "conf" / "gunicorn.conf.py")
    assert root_of(config) == tmp_path / "conf"
    assert root_of(tmp_path / "gone" / "gunicorn.conf.py") == tmp_path / "gone"


def test_a_folder_that_anyone_may_write_to_is_the_project_where_the_config_is_in_it(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o777)
    write(tmp_path / "pyproject.toml", "")
    assert root_of(write(tmp_path / "gunicorn.conf.py")) == tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_folder_of_another_user_is_not_the_project(tmp_path: Path) -> None:
    config = write(tmp_path / "other" / "mine" / "gunicorn.conf.py")
    write(tmp_path / "other" / "pyproject.toml", "")
    os.chown(tmp_path / "other", 12345, 12345)
    assert root_of(config) == tmp_path / "other" / "mine"


def test_a_linked_config_belongs_to_the_project_that_links_it(here: Path) -> None:
    write(here / "shared" / "gunicorn.conf.py")
    write(here / "shared" / "setup.py", "")
    write(here / "app" / "Pipfile", "")
    (here / "app" / "gunicorn.conf.py").symlink_to("../shared/gunicorn.conf.py")
    assert root_of(Path("app/gunicorn.conf.py")) == here.resolve() / "app"
