"""Asks the config module of a real Gunicorn what it takes and holds: test support."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from served import Release

CHILD = """
import ast, collections, ipaddress, json, os, pathlib, ssl, sys
from gunicorn.config import Config
from gunicorn.workers import SUPPORTED_WORKERS

def held(value):
    if isinstance(value, (list, tuple)):
        return tuple(map(held, value))
    if callable(value):
        return "<callable>"
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value

class Iron:
    pass

settings = Config().settings
print(json.dumps({
    "defaults": {name: repr(held(each.value)) for name, each in settings.items()},
    "flags": {name: each.cli or [] for name, each in settings.items()},
    "workers": sorted(SUPPORTED_WORKERS),
}), flush=True)
config = Config()

def answer(name, source):
    try:
        config.set(name, eval(source))
        return {"held": repr(held(config.settings[name].get()))}
    except Exception as error:
        return {"error": type(error).__name__ + ": " + str(error)}

for line in sys.stdin:
    print(json.dumps([answer(*each) for each in json.loads(line)]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Gunicorn holds, as source; or the error that it raises."""

    held: str | None = None
    error: str | None = None

    def value(self) -> Any:
        """What it holds: lists are tuples, functions and classes "<callable>"."""
        assert self.held is not None, self.error
        return ast.literal_eval(self.held)


class GunicornConfig:
    """A process with the config module of a release, fed with settings and values."""

    def __init__(self, release: Release, environ: Mapping[str, str] | None = None) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.version = release.version()
        self.python = release.python()
        self._process = subprocess.Popen(
            [self.python, "-W", "ignore", "-c", CHILD],
            env=kept | {"HOME": "/nonexistent"} | dict(environ or {}),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.facts: dict[str, Any] = self._read()

    def default(self, name: str) -> Any:
        """What it holds when nobody sets it."""
        return ast.literal_eval(self.facts["defaults"][name])

    def set(self, *given: tuple[str, str]) -> list[Answer]:
        """What comes of each `name = source` in a config file."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        return [Answer(**each) for each in self._read()]

    def package(self) -> Path:
        """The folder of its packages."""
        return next(self.python.parent.parent.glob("lib/python3*/site-packages"))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"Gunicorn {self.version} gave no answer"
        return json.loads(line)
