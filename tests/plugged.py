"""A repository of gunitune as others would get it, and the tools of their CI: test support."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from serving import environment

ROOT = Path(__file__).resolve().parent.parent
GOOD = "workers = 5\n"
MISSPELT = "workers = 5\nmax_request_jitter = 50\n"
APP = {
    "app.py": "def app(environ, start_response):\n    return []\n",
    "requirements.txt": "gunicorn\n",
}
PACKAGE = ("src", "rules", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
IDENTITY = {
    f"GIT_{who}_{what}": f"{who.lower()}@example.com"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def tool(name: str) -> str:
    """The path of pre-commit or check-jsonschema, in an environment of their own."""
    python = environment("plugging", ("pre-commit>=4", "check-jsonschema>=0.30"))
    return str(python.parent / name)


def run(
    *command: str | Path, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command with git's own settings and gunitune's variables out of the way."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GUNITUNE_")}
    clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}
    for name in ("PYTHONPATH", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        clean.pop(name, None)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def git(*arguments: str, cwd: Path) -> str:
    """What git prints; AssertionError where it fails."""
    done = run("git", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def published(folder: Path) -> str:
    """Make a repository of gunitune as it stands here, committed or not; gives its commit."""
    folder.mkdir()
    for name in PACKAGE:
        source = ROOT / name
        if source.is_dir():
            caches = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=caches)
        else:
            shutil.copy(source, folder / name)
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "As it stands", cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


def staged(folder: Path, files: dict[str, str]) -> Path:
    """A git repository with these files staged."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    return folder


def read_yaml(text: str) -> Any:
    """A YAML document, by a real parser, in the tools' environment."""
    program = "import json, sys, yaml; json.dump(yaml.safe_load(sys.argv[1]), sys.stdout)"
    done = run(tool("python"), "-c", program, text, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def snippets(page: Path, language: str) -> list[str]:
    """The blocks of one language in a page, without their indentation."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in blocks]


def assert_valid(path: Path, schema: str) -> None:
    """Check a file against a schema that check-jsonschema comes with."""
    done = run(tool("check-jsonschema"), "--builtin-schema", schema, path, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def path_with_gunitune(folder: Path) -> str:
    """A PATH on which `gunitune` is this checkout's."""
    scripts = folder / "scripts-on-path"
    scripts.mkdir()
    start = f'PYTHONPATH="{ROOT / "src"}" exec "{sys.executable}" -m gunitune "$@"'
    (scripts / "gunitune").write_text(f"#!/bin/sh\n{start}\n", encoding="utf-8")
    (scripts / "gunitune").chmod(0o755)
    return f"{scripts}:{os.environ['PATH']}"
