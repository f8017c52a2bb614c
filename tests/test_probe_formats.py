from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from gunitune.machine.probe import probe
from gunitune.model import Fact, Host, Installed, Unknown
from gunitune.render import formats, renderer
from hosts import build

if TYPE_CHECKING:
    from pathlib import Path

_INSTALLED = Installed("3.12.4", "/srv/app/.venv", "23.0.0", "/srv/app/.venv", frozenset())
_MISSING = Installed(Unknown("no idea"), "no idea", Unknown("none here"), "none here")
_LONG = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f1e2d3c4b5a6978.slice/c1"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    files = {
        f"{_LONG}/cpu.max": "50000 100000\n",
        f"{_LONG}/memory.max": "536870912\n",
        f"{_LONG}/pids.max": "1024\n",
        f"{_LONG}/cpu.stat": "nr_periods 200\nnr_throttled 150\nthrottled_usec 2500000\n",
    }
    return probe(build({"layout": "v2", "cgroup": f"0::/{_LONG}\n", "files": files}, tmp_path))


def _text(host: Host, installed: Installed = _INSTALLED, **options: Any) -> str:
    return renderer("probe", "text")(host, installed, **options)


def _json(host: Host, installed: Installed = _INSTALLED) -> Any:
    return json.loads(renderer("probe", "json")(host, installed))


def test_probe_has_a_format_for_people_and_one_for_programs() -> None:
    assert formats("probe") == ("json", "text")


def test_the_text_shows_each_number_with_its_source(host: Host) -> None:
    lines = [" ".join(line.split()) for line in _text(host).splitlines()]
    assert "cores visible 8 online CPUs in /sys/devices/system/cpu/online" in lines
    assert any(line.startswith("CPUs 0.5 cgroup v2 cpu.max of") for line in lines)
    assert any(line.startswith("memory 512 MiB cgroup v2 memory.max of") for line in lines)
    assert any(line.startswith("processes 1024 cgroup v2 pids.max of") for line in lines)
    assert "/dev/shm tmpfs /proc/self/mountinfo" in lines
    assert "Gunicorn 23.0.0 /srv/app/.venv" in lines
    assert any(line.startswith("nr_throttled 150 periods cgroup v2 cpu.stat") for line in lines)
    assert any(line.startswith("throttled 2.5 s cgroup v2 cpu.stat") for line in lines)


def test_the_text_marks_the_limits_that_bind_and_no_others(host: Host) -> None:
    marked = [line.split()[1:3] for line in _text(host).splitlines() if line.startswith("  * ")]
    assert marked == [["0.5", "cpus"], ["512", "MiB"]]


def test_the_text_marks_a_bound_that_has_a_remark_on_cgroups(tmp_path: Path) -> None:
    host = probe(build({"layout": "v2"}, tmp_path))
    marked = [line.split()[1:3] for line in _text(host).splitlines() if line.startswith("  * ")]
    assert marked == [["8", "cpus"], ["16", "GiB"]]


def test_the_text_fits_80_columns_however_long_the_paths(host: Host) -> None:
    text = _text(host)
    assert max(map(len, text.splitlines())) <= 80
    assert _LONG in "".join(text.split())
    assert text.endswith("\n")


def test_the_text_in_a_terminal_says_the_same_in_colour(host: Host) -> None:
    assert "\x1b[" in _text(host, color=True)
    assert "\x1b[" not in _text(host)


def test_the_text_says_why_something_is_unknown(host: Host) -> None:
    bare = dataclasses.replace(
        host,
        memory_bytes=Unknown("not shown"),
        memory_source="not shown",
        platform=Unknown("hidden"),
        platform_source="hidden",
        shm=Unknown("no mounts"),
        pids_max=Unknown("no pids limit found"),
        facts=(),
    )
    lines = [" ".join(line.split()) for line in _text(bare, _MISSING).splitlines()]
    assert "memory unknown not shown" in lines
    assert "platform unknown hidden" in lines
    assert "/dev/shm unknown no mounts" in lines
    assert "processes unknown no pids limit found" in lines
    assert "Python unknown no idea" in lines
    assert "Also seen" not in lines
    assert "/dev/shm no tmpfs" in " ".join(_text(dataclasses.replace(bare, shm=False)).split())


def test_no_control_character_of_a_cgroups_name_reaches_the_terminal(host: Host) -> None:
    odd = dataclasses.replace(host, facts=(Fact("x", "\x1b[31m", "", "\x1b]0;title\x07\r\n"),))
    assert all(line.isprintable() for line in _text(odd).splitlines())


def test_the_json_has_the_keys_of_its_version(host: Host) -> None:
    document = _json(host)
    assert document["schema"] == "gunitune/probe/1"
    assert document["gunitune"]
    found = document["host"]
    assert found["cpus"] == 0.5
    assert found["cpus_source"] == f"cgroup v2 cpu.max of /{_LONG}: 50000/100000"
    assert found["cores_visible"] == 8
    assert found["memory_bytes"] == 536870912
    assert found["platform"] == "kubernetes"
    assert found["shm"] is True
    assert found["pids_max"] == 1024
    assert found["limits"][0] == {
        "name": "online CPUs",
        "value": 8,
        "unit": "cpus",
        "source": "online CPUs in /sys/devices/system/cpu/online",
    }
    assert [fact["name"] for fact in found["facts"]] == ["nr_periods", "nr_throttled", "throttled"]
    assert document["installed"] == {
        "python": "3.12.4",
        "python_source": "/srv/app/.venv",
        "gunicorn": "23.0.0",
        "gunicorn_source": "/srv/app/.venv",
    }
    assert not [key for key in found if key.endswith("_unknown")]


def test_the_json_has_null_and_a_reason_for_what_is_unknown(tmp_path: Path) -> None:
    case = {"layout": "", "cgroup": "0::/\n", "missing": ["proc/meminfo"]}
    document = _json(probe(build(case, tmp_path)), _MISSING)
    found = document["host"]
    assert found["memory_bytes"] is None
    assert "MemTotal" in found["memory_source"]
    assert (found["shm"], found["shm_unknown"]) == (None, "/proc/self/mountinfo can't be read")
    assert (found["pids_max"], found["pids_max_unknown"]) == (None, "no pids limit found")
    assert document["installed"]["gunicorn"] is None
    assert document["installed"]["gunicorn_source"] == "none here"
