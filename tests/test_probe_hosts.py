from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from gunitune.machine.limits import NOT_UNDERSTOOD
from gunitune.machine.probe import probe
from gunitune.model import Fact, Host, Unknown
from hosts import build, host_cases

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CASES = host_cases()


def _values(facts: Iterable[Fact]) -> dict[str, float | str]:
    return {fact.name: fact.value for fact in facts if fact.value != NOT_UNDERSTOOD}


def _shown(host: Host, key: str) -> Any:
    """What a case's `expect` calls `key`."""
    if key == "limits":
        return _values(host.limits)
    if key == "facts":
        return _values(host.facts)
    if key == "quotas":
        return [fact.value for fact in host.limits if fact.name == "cpu.max"]
    if key == "not_understood":
        return [fact.name for fact in host.facts if fact.value == NOT_UNDERSTOOD]
    value = getattr(host, key)
    return f"unknown: {value.reason}" if isinstance(value, Unknown) else value


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_fixture_machine_is_read_as_its_case_says(case: dict[str, Any], tmp_path: Path) -> None:
    host = probe(build(case, tmp_path), {"KUBERNETES_SERVICE_HOST": "not consulted"})
    assert {key: _shown(host, key) for key in case["expect"]} == case["expect"]
    assert host.origin == f"the snapshot below {tmp_path}"
    assert all(fact.source for fact in (*host.limits, *host.facts))


def test_every_case_has_a_name_of_its_own_and_expects_something() -> None:
    assert len({case["name"] for case in _CASES}) == len(_CASES)
    assert all(case["expect"] for case in _CASES)


def test_values_that_were_not_understood_are_quoted_with_their_file(tmp_path: Path) -> None:
    case = {
        "layout": "v2",
        "cgroup": "0::/app\n",
        "files": {"app/memory.max": "lots and lots of it, more than anyone can read\n"},
    }
    host = probe(build(case, tmp_path))
    assert [fact.source for fact in host.facts] == [
        "cgroup v2 memory.max of /app: 'lots and lots of it, more than anyone ca'"
    ]


def test_a_third_of_a_cpu_is_not_rounded(tmp_path: Path) -> None:
    case = {"layout": "v2", "cgroup": "0::/a\n", "files": {"a/cpu.max": "33333 100000\n"}}
    assert math.isclose(probe(build(case, tmp_path)).cpus, 0.33333)
