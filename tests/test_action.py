"""The action works: its own scripts are run by bash, as a runner of GitHub's runs them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugged import APP, GOOD, MISSPELT, ROOT, assert_valid, published, read_yaml, run, staged

PAGE = ROOT / "docs" / "ci.md"
ACTION = ROOT / "action.yml"


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    return dict(read_yaml(ACTION.read_text()))


def test_the_action_keeps_github_s_format() -> None:
    assert_valid(ACTION, "vendor.github-actions")


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
def runner(action: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Runner:
    repository = tmp_path_factory.mktemp("published") / "gunitune"
    published(repository)
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
