"""Completion works in a real shell, by the lines that docs/completion.md gives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "completion.md"
LINES = dict(re.findall(r"^\| (bash|zsh|fish) \|.*\| `(.*)` \|$", PAGE.read_text(), re.MULTILINE))
# Each prints what Tab would offer for the words that follow.
ASKS = {
    "bash": 'COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); '
    'eval "$(complete -p gunitune | sed \'s/.*-F \\([^ ]*\\) .*/\\1/\') gunitune"; '
    'printf "%s\\n" "${{COMPREPLY[@]}}"',
    "fish": "complete -C '{words}'",
}  # fmt: skip


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and a `gunitune` on the PATH."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    script = bin_folder / "gunitune"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gunitune "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "HOME": str(tmp_path), "PATH": f"{bin_folder}:{os.environ['PATH']}"}


def shell(name: str, script: str, environ: dict[str, str], *flags: str) -> list[str]:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name}")
    result = subprocess.run(
        [program, *flags, "-c", script],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return [line.split("\t")[0] for line in result.stdout.splitlines() if line]


@pytest.mark.parametrize("name", ASKS)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("gunitune rec", ["recommend"]),
        ("gunitune recommend --cp", ["--cpus"]),
        ("gunitune recommend --no-such", []),
    ],
)
def test_the_documented_line_completes(
    name: str, words: str, offered: list[str], environ: dict[str, str]
) -> None:
    line = LINES[name].replace("\\|", "|")
    assert shell(name, f"{line}\n{ASKS[name].format(words=words)}", environ) == offered


def test_zsh_takes_the_documented_line(environ: dict[str, str]) -> None:
    script = f"autoload -Uz compinit && compinit -u\n{LINES['zsh']}\necho $_comps[gunitune]"
    assert shell("zsh", script, environ) == ["_gunitune_completion"]


def test_what_is_installed_completes_in_a_new_shell(environ: dict[str, str]) -> None:
    told = shell("bash", "gunitune --install-completion; true", environ)
    assert told[0].startswith("bash completion installed in ")
    ask = ASKS["bash"].format(words="gunitune emi")
    assert shell("bash", ask, environ, "-i")[-1:] == ["emit"]
