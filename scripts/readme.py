"""Writes what the README shows of gunitune between its markers: the real output, nothing by hand.

python scripts/readme.py
"""

from __future__ import annotations

import os
import re
import subprocess  # noqa: TID253
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COMMANDS = {
    "recommend": "recommend examples/flask_io --cpus 2 --memory 1GiB",
    "compare": "compare examples/flask_io --cpus 2 --memory 1GiB --cores 64",
    "check": "check docs/shown/gunicorn.conf.py --cpus 2 --memory 1GiB --gunicorn-version 25.3.0",
}


def shown(name: str) -> str:
    """A block of the README: the command and what it prints."""
    command = COMMANDS[name]
    argv = [sys.executable, "-m", "gunitune", *command.split(), "--no-settings"]
    clean = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    result = subprocess.run(argv, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    if result.returncode > 1:
        raise SystemExit(result.stderr)
    return f"```console\n$ gunitune {command}\n{result.stdout}```\n"


def with_blocks(text: str) -> str:
    """The README's text with every block made anew."""
    for name in COMMANDS:
        block = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
        text = block.sub(lambda match, name=name: match[1] + shown(name) + match[2], text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    README.write_text(with_blocks(README.read_text(encoding="utf-8")), encoding="utf-8")
