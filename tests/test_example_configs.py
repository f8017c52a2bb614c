"""The examples' own configs: Gunicorn serves with them, and gunitune's own hook passes them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from plugged import ROOT, git, path_with_gunitune, run, tool
from project import gunitune
from serving import environment, serving

EXAMPLES = ROOT / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/requirements.txt"))
TARGET = ("--cpus", "2", "--memory", "1GiB")
ASKED = {
    "cpu_pillow": ("--platform", "kubernetes"),
    "django_orm": ("--platform", "docker", "--worker-class", "gthread", "--concurrency", "40"),
}
CONFIGS = [f"examples/{name}/deploy/gunicorn.conf.py" for name in NAMES]


def copied(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("instance", "__pycache__", ".gunitune")
    return Path(shutil.copytree(EXAMPLES, folder / "examples", ignore=ignored))


@pytest.mark.parametrize("name", NAMES)
def test_an_examples_config_is_what_is_emitted_today(name: str, tmp_path: Path) -> None:
    """Else: `gunitune emit` again with these flags; the folder in its start line is ours."""
    committed = (EXAMPLES / name / "deploy" / "gunicorn.conf.py").read_text()
    dynamic = ["--dynamic"] if "sizes itself" in committed else []
    flags = (*TARGET, *ASKED.get(name, ()), *dynamic, "--quiet")
    ran = gunitune("emit", ".", *flags, cwd=copied(tmp_path) / name)
    assert ran.stdout == committed.replace(" -c deploy/", " -c ")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_serves_with_its_own_config(name: str, tmp_path: Path) -> None:
    python = environment(name, EXAMPLES / name / "requirements.txt")
    spec = "config.wsgi" if name == "django_orm" else "app:app"
    args = ["--config", "deploy/gunicorn.conf.py", spec]
    with serving(python, args, copied(tmp_path) / name) as server:
        status, body = server.get("/healthz")
        assert (status, json.loads(body)) == (200, {"status": "ok"})


def test_a_search_of_the_examples_finds_their_configs_and_nothing_in_them() -> None:
    target = ("--cpus", "2", "--memory", "1GiB")
    done = gunitune("check", "examples", *target, "--format", "json", cwd=ROOT)
    report = json.loads(done.stdout)
    assert [file["path"] if isinstance(file, dict) else file for file in report["files"]] == CONFIGS
    severities = {finding["severity"] for finding in report["findings"]}
    assert (done.returncode, severities - {"note"}) == (0, set()), report["findings"]


def test_this_repository_s_own_hook_passes(tmp_path: Path) -> None:
    copied(tmp_path)
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    git("init", "--quiet", cwd=tmp_path)
    git("add", "examples", ".pre-commit-config.yaml", cwd=tmp_path)
    env = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PATH": path_with_gunitune(tmp_path)}
    command = (tool("pre-commit"), "run", "--all-files", "--verbose")
    done = run(*command, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout
    (tmp_path / CONFIGS[0]).write_text("worker = 5\n")
    done = run(*command, cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert f"{CONFIGS[0]}:1:1" in done.stdout
