"""Small projects to recommend for, and the real command line: test support."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FLASK_IO = {
    "requirements.txt": "flask\nrequests\ngunicorn==25.3.0\n",
    "app.py": (
        "import requests\n"
        "from flask import Flask\n\n"
        "app = Flask(__name__)\n\n\n"
        '@app.route("/")\n'
        "def index():\n"
        '    answer = requests.get("http://inventory.internal/items", timeout=5)\n'
        "    return answer.json()\n"
    ),
}


def write_project(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Write files below a folder, a Flask app that waits if none are given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".git").mkdir(exist_ok=True)  # no settings file further up is looked for
    for name, text in (FLASK_IO if files is None else files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def gunitune(
    *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the real command in a pipe, with no GUNITUNE_ variables but those given."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GUNITUNE_")}
    for name in ("NO_COLOR", "FORCE_COLOR", "VIRTUAL_ENV"):
        clean.pop(name, None)
    return subprocess.run(
        [sys.executable, "-m", "gunitune", *map(str, arguments)],
        cwd=cwd,
        env={**clean, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
