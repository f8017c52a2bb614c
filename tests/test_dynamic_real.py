"""A dynamic conf sizes itself as `recommend` would on the spot: in real cgroups, on any machine."""

from __future__ import annotations

import ast
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advice import advice, app
from cgroups import LimitedCgroup, limited_cgroup
from gunitune.machine.probe import probe
from gunitune.model import MIB, Host, Unknown
from gunitune.render.dynamic import SIZED, render
from held import await_booted, count
from hosts import build, host_cases
from served import checkout, emit, named, releases
from serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RELEASES = releases()
HALF = (0.5, 256 * MIB)
MORE = (1.5, 600 * MIB)
DEFAULTS = {"threads": 1, "worker_connections": 1000, "keepalive": 2, "preload_app": False}


@contextmanager
def dynamic(
    group: LimitedCgroup, release: str, folder: Path, options: Sequence[str], **env: str
) -> Iterator[tuple[Server, Path]]:
    """Gunicorn inside the group, with a conf that was emitted outside; and the app's folder."""
    project = checkout("asgi" if "asgi" in options else "wsgi", folder)
    conf = emit(project, "--dynamic", *options)
    join = "".join(f'echo $$ > "{joined}/cgroup.procs" || exit 126\n' for joined in group.joined)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\n{join}exec "{RELEASES[release].python()}" "$@"\n')
    python.chmod(0o755)
    held = folder / "held"
    held.mkdir()
    args = ["-c", str(conf), "app:app"]
    with serving(python, args, project, {"HELD": str(held), **env}) as server:
        yield server, project


def recommended(group: LimitedCgroup, project: Path, options: Sequence[str]) -> dict[str, Any]:
    """What `gunitune recommend` says inside the group of the settings that a dynamic conf sizes."""
    command = [sys.executable, "-m", "gunitune", "recommend", str(project), "-f", "json", *options]
    settings = json.loads(group.run(command).stdout)["settings"]
    return DEFAULTS | {name: settings[name]["value"] for name in SIZED if name in settings}


def decisions(server: Server) -> list[tuple[str, dict[str, str]]]:
    """What the conf said of itself in the log: the machine, and the settings."""
    lines = [line.partition("gunitune: ")[2] for line in server.log().splitlines()]
    told = [line.rpartition(": ") for line in lines if line]
    return [
        (machine, dict(pair.split("=") for pair in text.split(", "))) for machine, _, text in told
    ]


def texts(settings: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items()}


@pytest.mark.parametrize(
    ("release", "size", "options"),
    [
        ("20.1.0", HALF, ("--kind", "unknown", "--worker-memory", "100M")),
        ("newest", HALF, ("--kind", "unknown", "--worker-memory", "100M")),
        ("20.1.0", MORE, ("--kind", "unknown", "--worker-memory", "100M")),
        ("newest", MORE, ("--kind", "memory")),
        ("newest", MORE, ("--kind", "io", "--worker-class", "gevent")),
        ("newest", MORE, ("--kind", "io", "--worker-class", "asgi")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) and "--kind" in value else None,
)
def test_gunicorn_in_a_group_starts_what_recommend_says_there(
    release: str, size: tuple[float, int], options: Sequence[str], tmp_path: Path
) -> None:
    options = [*options, "--gunicorn-version", RELEASES[release].version()]
    with limited_cgroup(*size) as group:
        with dynamic(group, release, tmp_path, options) as (server, project):
            wanted = recommended(group, project, options)
            count(server, wanted, tmp_path / "held")
            ((machine, settings),) = decisions(server)
        assert (
            machine == f"{min(size[0], len(os.sched_getaffinity(0))):g} CPUs, {size[1] // MIB} MiB"
        )
        assert texts(DEFAULTS) | settings == texts(wanted)
    if size == HALF:
        assert (wanted["worker_class"], wanted["workers"], wanted["threads"]) == ("gthread", 1, 2)


def test_nothing_of_gunitune_is_there_where_a_dynamic_conf_runs(tmp_path: Path) -> None:
    with (
        limited_cgroup(*HALF) as group,
        dynamic(group, "newest", tmp_path, ("--kind", "unknown")) as (server, _),
    ):
        assert json.loads(server.get("/")[1])["gunitune"] is False
        assert set(server.worker_pids()) <= set(group.pids())


@pytest.mark.parametrize("release", ["20.1.0", "newest"])
def test_web_concurrency_sets_the_workers_and_threads_follow(release: str, tmp_path: Path) -> None:
    with (
        limited_cgroup(*MORE) as group,
        dynamic(group, release, tmp_path, ("--kind", "memory"), WEB_CONCURRENCY="3") as (server, _),
    ):
        ((machine, settings),) = decisions(server)
        assert machine.endswith(" CPUs, 600 MiB, WEB_CONCURRENCY=3")
        wanted = {"worker_class": "gthread", "workers": 3, "threads": 2, "preload_app": True}
        assert settings == texts(wanted)
        count(server, wanted, tmp_path / "held")


@pytest.mark.parametrize("release", ["20.1.0", "newest"])
def test_hup_sizes_anew_for_the_limits_of_that_moment(release: str, tmp_path: Path) -> None:
    options = ("--kind", "unknown", "--gunicorn-version", RELEASES[release].version())
    with (
        limited_cgroup(*HALF) as group,
        dynamic(group, release, tmp_path, options) as (server, project),
    ):
        first = await_booted(server, 1)
        limit(group, *MORE)
        wanted = recommended(group, project, options)
        os.kill(server.master_pid, signal.SIGHUP)
        await_successors(server, first, wanted["workers"])
        count(server, wanted, tmp_path / "held")
        _, (_, settings) = decisions(server)
        assert texts(DEFAULTS) | settings == texts(wanted)


def limit(group: LimitedCgroup, cpus: float, memory_bytes: int) -> None:
    """Give the group other limits, in whichever of the kernel's files it has."""
    quota_us = round(cpus * 100_000)
    files = {
        "cpu.max": f"{quota_us} 100000",
        "cpu.cfs_quota_us": f"{quota_us}",
        "memory.max": f"{memory_bytes}",
        "memory.limit_in_bytes": f"{memory_bytes}",
    }
    for folder in group.limited:
        for name, text in files.items():
            if (folder / name).exists():
                (folder / name).write_text(text)


def await_successors(server: Server, before: Sequence[int], workers: int) -> None:
    """Wait until so many workers have taken the place of those before."""
    deadline = time.monotonic() + 30
    while not set(pids := server.worker_pids()).isdisjoint(before) or len(pids) != workers:
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


CASES = host_cases()


def machine(root: Path) -> tuple[Host, dict[str, Any]]:
    """The machine below `root` by the probe, and the emitted file's own functions reading it."""
    text = render(advice())
    names: dict[str, Any] = {"open": lambda path, **how: Path(f"{root}{path}").open(**how)}  # noqa: SIM115
    exec(compile(text[: text.index("_DECISION = ")], "gunicorn.conf.py", "exec"), names)
    host = probe(root)
    names["os"] = system(host, root)
    return host, names


def system(host: Host, root: Path) -> SimpleNamespace:
    """The `os` of that machine, whose kernel has bound affinity by the cpusets already."""
    met: dict[str, float] = {}
    for fact in host.limits:
        name = "affinity" if fact.unit == "cpus" and not fact.name.startswith("cpu.") else fact.name
        met[name] = min(met.get(name, math.inf), float(fact.value))
    paths = {"isdir": lambda path: Path(f"{root}{path}").is_dir()}
    return SimpleNamespace(
        path=SimpleNamespace(**vars(os.path) | paths),
        cpu_count=lambda: host.cores_visible,
        sched_getaffinity=lambda _: range(int(met["affinity"])),
        sysconf={"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": int(met.get("MemTotal", 0) / 4096)}.get,
    )


def assert_same_answers(root: Path) -> None:
    """CPUs, memory and processes are the probe's, where that can tell them."""
    host, names = machine(root)
    pids = math.inf if isinstance(host.pids_max, Unknown) else host.pids_max
    if not isinstance(host.cores_visible, Unknown):
        assert names["_cpus"]() == host.cpus
    if not isinstance(host.memory_bytes, Unknown):
        assert names["_memory_bytes"]() == host.memory_bytes
    assert names["_processes"]() == pids


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_fixture_machine_is_read_as_the_probe_reads_it(
    case: dict[str, Any], tmp_path: Path
) -> None:
    assert_same_answers(build(case, tmp_path))


NAMES = st.sampled_from(["a", "b"])
PATHS = st.lists(NAMES, max_size=3).map(lambda names: "/" + "/".join(names))
CPU_MAX = st.sampled_from(["max 100000", "50000 100000", "150000 50000", "75000", "", "x 100000"])
SIZES = st.sampled_from(
    ["max", "-1", "268435456", "600000000", "9223372036854771712", "18446744073709551615", "0", "?"]
)
QUOTAS = st.sampled_from(["-1", "50000", "125000"])
LIMITS = {
    "unified": {"cpu.max": CPU_MAX, "memory.max": SIZES, "memory.high": SIZES, "pids.max": SIZES},
    "cpu": {"cpu.cfs_quota_us": QUOTAS, "cpu.cfs_period_us": st.sampled_from(["100000", "20000"])},
    "memory": {"memory.limit_in_bytes": SIZES},
    "pids": {"pids.max": SIZES},
}


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    """Hierarchies of either version, mounted whole or in part, with limits at any level."""
    mounts, memberships = [""], [""]
    files: dict[str, str] = {}
    for kind in draw(st.lists(st.sampled_from(list(LIMITS)), min_size=1, unique=True)):
        controller, fstype = ("", "cgroup2") if kind == "unified" else (kind, "cgroup")
        path = draw(st.sampled_from(["", "/.."])) + draw(PATHS)
        memberships.append(f"{len(memberships)}:{controller}:{path}")
        for place in range(draw(st.integers(0, 2))):
            root = draw(st.sampled_from(["/", "/", "/a", "/a/b", "/.."]))
            point = f"/sys/fs/cgroup/{kind}{place}"
            mounts.append(f"3 2 0:2 {root} {point} rw - {fstype} {fstype} rw,{controller}")
            for level in draw(st.lists(PATHS, max_size=4, unique=True)):
                for file, values in LIMITS[kind].items():
                    if draw(st.booleans()):
                        files[f"{kind}{place}{level.rstrip('/')}/{file}"] = draw(values) + "\n"
    texts = {"mountinfo": "\n".join(mounts), "cgroup": "\n".join(memberships)}
    return {"layout": "", "files": files, **texts}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=machines())
def test_any_machine_is_read_as_the_probe_reads_it(case: dict[str, Any]) -> None:
    with TemporaryDirectory(prefix="machine-") as folder:
        assert_same_answers(build(case, Path(folder)))


@pytest.mark.parametrize("kind", ["io", "cpu", "memory", "unknown"])
def test_a_dynamic_conf_is_python_3_7(kind: Any) -> None:
    ast.parse(render(advice(app(kind=kind))), feature_version=(3, 7))


RUN = """
import json, runpy, sys
names = runpy.run_path(sys.argv[1])
print(json.dumps({name: names[name] for name in sys.argv[2:] if name in names}))
"""


@pytest.mark.parametrize("minor", [7, 8])
@pytest.mark.parametrize("options", [(), ("--dynamic",)])
def test_an_emitted_conf_runs_on_an_old_python(
    minor: int, options: Sequence[str], tmp_path: Path
) -> None:
    python = shutil.which(f"python3.{minor}")
    if (
        python is None
        or subprocess.run([python, "-c", ""], check=False, stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip(f"no python3.{minor} on the PATH that runs")
    conf = emit(checkout("wsgi", tmp_path), "--kind", "io", *options)
    command = [python, "-I", "-c", RUN, str(conf), *SIZED]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    values = named(conf)
    assert json.loads(ran.stdout) == {key: values[key] for key in SIZED if key in values}
