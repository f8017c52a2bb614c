"""What other projects plug in works: the hook, the action, the snippets of docs/ci.md."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gunitune import __version__
from gunitune.project.files import CONFIGURATION
from plugged import ROOT, git, published, read_yaml, run, snippets, staged, tool
from project import gunitune

PAGE = ROOT / "docs" / "ci.md"
ACTION = ROOT / "action.yml"
GOOD = "workers = 5\n"
MISSPELT = "workers = 5\nmax_request_jitter = 50\n"
APP = {
    "app.py": "def app(environ, start_response):\n    return []\n",
    "requirements.txt": "gunicorn\n",
}


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


# The action


def validated(path: Path, schema: str) -> None:
    done = run(tool("check-jsonschema"), "--builtin-schema", schema, path, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    return dict(read_yaml(ACTION.read_text()))


def test_the_action_keeps_github_s_format() -> None:
    validated(ACTION, "vendor.github-actions")


def test_no_input_is_pasted_into_a_script(action: dict[str, Any]) -> None:
    scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert len(scripts) == 2
    assert all("${{" not in script for script in scripts)


def test_every_input_of_the_action_is_used_and_explained(action: dict[str, Any]) -> None:
    used = re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION.read_text())
    assert sorted(used) == sorted(action["inputs"])
    text = PAGE.read_text()
    assert all(f"`{name}`" in text for name in action["inputs"])
    assert all(spec["description"] for spec in action["inputs"].values())


class Runner:
    """A job on a machine like GitHub's: it runs the action's own scripts by bash."""

    def __init__(self, action: dict[str, Any], repository: Path, folder: Path) -> None:
        self.action, self.repository = action, repository
        self.temp = folder / "temp"
        self.temp.mkdir()

    def script(self, name: str, cwd: Path, **inputs: str) -> tuple[int, str, dict[str, str]]:
        """Run a step; gives its exit code, its output, and the outputs that it sets."""
        step = next(step for step in self.action["runs"]["steps"] if step["name"] == name)
        script, outputs = self.temp / "step.sh", self.temp / "outputs"
        script.write_text(step["run"])
        outputs.write_text("")
        given = {key: self._value(text, inputs) for key, text in step["env"].items()}
        given |= {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(outputs)}
        given |= {"GITHUB_ACTION_PATH": str(self.repository)}
        bash = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
        done = run(*bash, script, cwd=cwd, env=given)
        pairs = (line.split("=", 1) for line in outputs.read_text().splitlines())
        return done.returncode, done.stdout + done.stderr, dict(pairs)

    def _value(self, text: str, inputs: dict[str, str]) -> str:
        """An expression of the action, worked out."""
        if text == "${{ steps.python.outputs.python-path }}":
            return sys.executable
        match = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text)
        assert match, text
        name = match[1]
        default = str(self.action["inputs"][name]["default"])
        return inputs.get(name.replace("-", "_"), default)


@pytest.fixture(scope="module")
def runner(
    action: dict[str, Any], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Runner:
    made = Runner(action, repository, tmp_path_factory.mktemp("runner"))
    code, output, _ = made.script("Install gunitune", repository)
    assert code == 0, output
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    files = {"gunicorn.conf.py": MISSPELT, "api/good.py": GOOD, "my api/gunicorn.conf.py": MISSPELT}
    yield staged(tmp_path, {**APP, **files})
    assert not (tmp_path / "pwned").exists()


def test_the_action_annotates_what_it_finds(runner: Runner, workspace: Path) -> None:
    code, output, outputs = runner.script("Check", workspace, cpus="2", memory="1GiB")
    assert code == 1, output
    assert re.search(r"^::error file=gunicorn\.conf\.py,line=2,", output, re.MULTILINE), output
    assert "::error file=my api/gunicorn.conf.py,line=2," in output
    assert outputs == {}


def test_the_action_checks_the_paths_it_is_given(runner: Runner, workspace: Path) -> None:
    code, output, _ = runner.script("Check", workspace, paths="api/good.py\n")
    assert code == 0, output
    both = {"paths": "gunicorn.conf.py\n\ngood.py", "working_directory": "api"}
    code, output, _ = runner.script("Check", workspace, **both)
    assert code == 2, output  # there is no api/gunicorn.conf.py
    absolute = {"paths": f"{workspace}/my api\ngood.py", "working_directory": "api"}
    code, output, _ = runner.script("Check", workspace, **absolute)
    assert code == 1, output
    assert "::error file=my api/gunicorn.conf.py,line=2," in output


def test_the_action_s_inputs_are_the_options(runner: Runner, workspace: Path) -> None:
    (workspace / "big.py").write_text("workers = 129\n")
    small = {"paths": "big.py", "cores": "64", "memory": "64GiB", "gunicorn_version": "23.0.0"}
    code, output, _ = runner.script("Check", workspace, cpus="2", **small)
    assert code == 1, output
    assert "129 workers" in output
    assert runner.script("Check", workspace, cpus="64", **small)[0] == 0
    assert runner.script("Check", workspace, cpus="2", args="--ignore GT2", **small)[0] == 0
    assert runner.script("Check", workspace, cpus="2", fail_on="error", **small)[0] == 0


def test_the_action_writes_sarif_beside_the_annotations(runner: Runner, workspace: Path) -> None:
    code, output, outputs = runner.script("Check", workspace, sarif="true")
    assert code == 1, output
    assert "::error file=" in output
    (sarif,) = json.loads(Path(outputs["sarif"]).read_text())["runs"]
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif["results"]
    }
    assert uris == {"gunicorn.conf.py", "my%20api/gunicorn.conf.py"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"cpus": "$(touch pwned)"},
        {"cpus": "2; touch pwned"},
        {"args": "; touch pwned"},
        {"args": "--cpus=`touch pwned`"},
        {"paths": "$(touch pwned)"},
        {"paths": "--cpus=2"},
        {"working_directory": "$(touch pwned)"},
        {"cpus": "2", "sarif": "true", "args": "--no-such-option"},
    ],
)
def test_the_action_refuses_what_is_no_option_and_runs_nothing_of_it(
    runner: Runner, workspace: Path, inputs: dict[str, str]
) -> None:
    code, output, outputs = runner.script("Check", workspace, **inputs)
    assert (code, outputs) == (2, {}), output
    assert output.startswith("gunitune: ")
    assert "internal error" not in output


# The snippets


@pytest.mark.parametrize(
    ("start", "schema"),
    [("name: gunicorn\n", "vendor.github-workflows"), ("gunitune:\n", "vendor.gitlab-ci")],
)
def test_a_snippet_keeps_its_format(start: str, schema: str, tmp_path: Path) -> None:
    (snippet,) = [text for text in snippets(PAGE, "yaml") if text.startswith(start)]
    (tmp_path / "snippet.yml").write_text(snippet)
    validated(tmp_path / "snippet.yml", schema)


def test_the_pre_commit_snippet_keeps_its_format(tmp_path: Path) -> None:
    (snippet,) = [text for text in snippets(PAGE, "yaml") if text.startswith("repos:")]
    (tmp_path / "config.yaml").write_text(snippet)
    done = run(tool("pre-commit"), "validate-config", "config.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_gitlab_job_reports_and_then_fails(runner: Runner, workspace: Path) -> None:
    (snippet,) = [text for text in snippets(PAGE, "yaml") if text.startswith("gunitune:\n")]
    job = read_yaml(snippet)["gunitune"]
    install, *commands = job["script"]
    assert install == "pip install gunitune"
    path = {"PATH": f"{runner.temp}/gunitune/bin:{os.environ['PATH']}"}
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
