"""The pre-commit hook and the snippets of docs/ci.md work as other projects use them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gunitune import __version__
from gunitune.project.files import CONFIGURATION
from plugged import (
    APP,
    GOOD,
    MISSPELT,
    ROOT,
    assert_valid,
    git,
    path_with_gunitune,
    published,
    read_yaml,
    run,
    snippets,
    staged,
    tool,
)
from project import gunitune

PAGE = ROOT / "docs" / "ci.md"


@pytest.fixture(scope="module")
def hook() -> dict[str, Any]:
    (only,) = read_yaml((ROOT / ".pre-commit-hooks.yaml").read_text())
    return dict(only)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "gunitune"
    published(folder)
    return folder


# The hook


@pytest.mark.parametrize("command", ["validate-manifest", "validate-config"])
def test_pre_commit_takes_what_this_repository_declares(command: str) -> None:
    name = {"validate-manifest": "-hooks", "validate-config": "-config"}[command]
    done = run(tool("pre-commit"), command, f".pre-commit{name}.yaml", cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "name",
    ["gunicorn.conf.py", "gunicorn_config.py", "gunicorn.py", "gunicorn_conf.py",
     "gunicorn_settings.py", "gunicorn.config.py", "gunicorn-prod.conf.py", "gunicorn.dev.py",
     "deploy/gunicorn.conf.py", "a/b/gunicorn_config.py"],
)  # fmt: skip
def test_the_hook_looks_at_the_names_in_use(hook: dict[str, Any], name: str) -> None:
    assert re.search(hook["files"], name)


@pytest.mark.parametrize(
    "name",
    ["app.py", "my_gunicorn.conf.py", "gunicorn_logging.py", "gunicorn/app.py", "gunicorn.conf",
     "gunicorn.conf.py.j2", "test_gunicorn.py", "gunicorn.conf.pyc", "gunicorn_worker.py"],
)  # fmt: skip
def test_the_hook_leaves_other_files_alone(hook: dict[str, Any], name: str) -> None:
    assert not re.search(hook["files"], name)


def test_the_hook_knows_the_names_that_a_search_knows(hook: dict[str, Any]) -> None:
    assert hook["files"] == f"(^|/){CONFIGURATION.pattern}$"


@pytest.fixture(scope="module")
def pre_commit_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit"))}


def scratch(folder: Path, repository: Path, files: dict[str, str]) -> Path:
    """A project that has the hook, with the files staged."""
    revision = git("rev-parse", "HEAD", cwd=repository)
    used = {"id": "gunitune", "args": ["--cpus=2", "--memory=1GiB"]}
    config = {"repos": [{"repo": str(repository), "rev": revision, "hooks": [used]}]}
    made = {".pre-commit-config.yaml": json.dumps(config), **APP, **files}
    return staged(folder, made)


def commit(folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Commit with the hook installed, as a developer does."""
    assert run(tool("pre-commit"), "install", cwd=folder, env=env).returncode == 0
    done = run("git", "commit", "--message", "Try", cwd=folder, env=env)
    return done.returncode, done.stdout + done.stderr


def test_pre_commit_stops_a_commit_with_a_misspelt_setting(
    tmp_path: Path, repository: Path, pre_commit_home: dict[str, str]
) -> None:
    files = {"deploy/gunicorn.conf.py": MISSPELT, "gunicorn.dev.py": GOOD}
    code, output = commit(scratch(tmp_path, repository, files), pre_commit_home)
    assert code == 1, output
    assert re.search(r"^gunitune check\.+Failed$", output, re.MULTILINE), output
    assert "deploy/gunicorn.conf.py:2:1" in output
    assert "max_requests_jitter" in output
    assert "app.py:" not in output


def test_pre_commit_lets_good_and_other_files_pass(
    tmp_path: Path, repository: Path, pre_commit_home: dict[str, str]
) -> None:
    files = {"gunicorn.conf.py": GOOD, "settings.py": MISSPELT}
    code, output = commit(scratch(tmp_path, repository, files), pre_commit_home)
    assert code == 0, output
    assert re.search(r"^gunitune check\.+Passed$", output, re.MULTILINE), output


def test_pre_commit_skips_a_commit_without_a_config(
    tmp_path: Path, repository: Path, pre_commit_home: dict[str, str]
) -> None:
    code, output = commit(scratch(tmp_path, repository, {}), pre_commit_home)
    assert code == 0, output
    assert "no files to check" in output


# The snippets


@pytest.mark.parametrize(
    ("start", "schema"),
    [("name: gunicorn\n", "vendor.github-workflows"), ("gunitune:\n", "vendor.gitlab-ci")],
)
def test_a_snippet_keeps_its_format(start: str, schema: str, tmp_path: Path) -> None:
    (snippet,) = [text for text in snippets(PAGE, "yaml") if text.startswith(start)]
    (tmp_path / "snippet.yml").write_text(snippet)
    assert_valid(tmp_path / "snippet.yml", schema)


def test_the_pre_commit_snippet_keeps_its_format(tmp_path: Path) -> None:
    (snippet,) = [text for text in snippets(PAGE, "yaml") if text.startswith("repos:")]
    (tmp_path / "config.yaml").write_text(snippet)
    done = run(tool("pre-commit"), "validate-config", "config.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_gitlab_job_reports_and_then_fails(tmp_path: Path) -> None:
    (snippet,) = [text for text in snippets(PAGE, "yaml") if text.startswith("gunitune:\n")]
    job = read_yaml(snippet)["gunitune"]
    install, *commands = job["script"]
    assert install == "pip install gunitune"
    files = {"gunicorn.conf.py": MISSPELT, "my api/gunicorn.conf.py": MISSPELT}
    workspace = staged(tmp_path / "shop", {**APP, **files})
    path = {"PATH": path_with_gunitune(tmp_path)}
    codes = [run("sh", "-c", command, cwd=workspace, env=path).returncode for command in commands]
    assert codes == [0, 1]
    issues = json.loads((workspace / job["artifacts"]["reports"]["codequality"]).read_text())
    assert {issue["location"]["path"] for issue in issues} == {
        "gunicorn.conf.py",
        "my api/gunicorn.conf.py",
    }


def test_the_page_names_options_that_there_are_and_this_release() -> None:
    text = PAGE.read_text()
    offered = gunitune("check", "--help", cwd=ROOT, env={"COLUMNS": "200"}).stdout
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
        assert re.search(rf"{flag}\b", offered), flag
    assert re.findall(r"(?:gunitune@|rev: )v([\d.]+)", text) == [__version__] * 2
