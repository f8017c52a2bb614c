"""Tells groups and files that serve development from those that the app runs with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEV = frozenset(
    (
        *("bench", "benchmark", "benchmarks", "check", "checks", "ci", "commit", "cov", "coverage"),
        *("debug", "dev", "devel", "develop", "development", "doc", "docs", "documentation"),
        *("e2e", "example", "examples", "format", "formatting", "jupyter", "lint", "linter"),
        *("linters", "linting", "local", "mypy", "notebook", "notebooks", "nox", "precommit"),
        *("profiling", "qa", "quality", "style", "test", "tester", "testing", "tests", "tox"),
        *("types", "typing"),
    )
)
# Of folders the whole name counts: `services/checks` is an app's.
_DEV_FOLDERS = frozenset(
    (
        *("bench", "benchmark", "benchmarks", "ci", "dev", "doc", "docs", "e2e", "example"),
        *("examples", "notebooks", "test", "testing", "tests"),
    )
)
_DEPTH = 10  # of groups that include groups


def is_dev(name: str) -> bool:
    """Tell by its words whether a group or file serves development: `requirements-dev.txt`."""
    return not _DEV.isdisjoint(re.split(r"[^a-z0-9]+", name.lower()))


def is_dev_path(path: str) -> bool:
    """Tell by its folders and its name whether a file serves development."""
    *folders, name = path.split("/")
    return is_dev(name) or not _DEV_FOLDERS.isdisjoint(folder.lower() for folder in folders)


def dev_groups(includes: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Groups (PEP 735) that serve development: by name, or since only such groups include them.

    `includes` names, for each group, the groups that it includes.
    """
    users: dict[str, set[str]] = {name: set() for name in includes}
    for user, used in includes.items():
        for name in used & users.keys():
            users[name].add(user)
    dev = {name for name in includes if is_dev(name)}
    for _ in range(_DEPTH):
        dev |= {name for name, using in users.items() if using and using <= dev}
    return frozenset(dev)
