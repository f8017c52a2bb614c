"""Options come from a file, the environment or a flag, and remember which."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import pytest

from gunitune.errors import UsageError
from gunitune.machine.target import target
from gunitune.model import Interface, Kind, Unknown
from gunitune.options import INTERFACES, KINDS, OPTIONS, PLATFORMS
from gunitune.settings import Settings, find_file, load_settings

PYPROJECT = """
[project]
name = "shop"

[tool.gunitune]
kind = "io"
memory-share = 0.7
leaks = true
rules = ["ops/gunicorn-rules"]

[tool.gunitune.target]
cpus = "500m"
memory = "1GiB"
cores = 64
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def load(start: Path, environ: dict[str, str] | None = None, **given: Any) -> Settings:
    return load_settings(given, start=start, environ=environ or {})


def test_a_project_declares_its_target_and_app(project: Path) -> None:
    settings = load(project)
    assert settings.get("cpus") == 0.5
    assert settings.get("memory") == 1 << 30
    assert settings.get("cores") == 64
    assert settings.get("kind") == "io"
    assert settings.get("memory_share") == 0.7
    assert settings.get("leaks") is True
    assert settings.rules == (project / "ops/gunicorn-rules",)
    assert settings.source("cpus") == "target.cpus in pyproject.toml"


def test_a_flag_beats_the_environment_and_that_beats_the_file(project: Path) -> None:
    settings = load(project, {"GUNITUNE_CPUS": "3", "GUNITUNE_KIND": "cpu"}, cpus="4")
    assert (settings.get("cpus"), settings.source("cpus")) == (4, "flag --cpus")
    assert (settings.get("kind"), settings.source("kind")) == ("cpu", "GUNITUNE_KIND")


def test_what_is_not_given_is_absent(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    settings = load(tmp_path, {"GUNITUNE_KIND": " "})
    assert settings.get("kind") is None
    assert settings.get("replicas", 1) == 1
    with pytest.raises(KeyError):
        settings.source("kind")


def test_the_nearest_file_with_the_table_counts_up_to_the_repository(project: Path) -> None:
    inner = project / "service" / "src"
    inner.mkdir(parents=True)
    (project / "service" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find_file(inner) == project / "pyproject.toml"
    (project / "service" / "gunitune.toml").write_text("kind = 'cpu'\n")
    assert load(inner).get("kind") == "cpu"
    (inner / ".git").mkdir()
    assert find_file(inner) is None


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("[tool.gunitune]\n", True),
        ("[tool]\ngunitune = {kind = 'io'}\n", True),
        ("tool.gunitune.kind = 'io'\n", True),
        ("[tool.gunitune.target]\ncpus = 2\n", True),
        ("# [tool.gunitune] goes here\n", False),
        ("[project]\ndescription = 'tool.gunitune'\n", False),
        ("[tool.gunitune-plugin]\n", False),
        ("tool = 3 # tool.gunitune", False),
        ("[tool.black", False),
    ],
)
def test_a_pyproject_counts_where_it_has_the_table(tmp_path: Path, text: str, counts: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert find_file(tmp_path) == (tmp_path / "pyproject.toml" if counts else None)


def test_what_anyone_may_have_planted_is_not_read(project: Path) -> None:
    inner = project / "service"
    inner.mkdir()
    assert find_file(inner) == project / "pyproject.toml"
    project.chmod(0o1777)
    assert find_file(inner) is None
    assert find_file(project) == project / "pyproject.toml"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_the_folder_of_another_user_is_not_searched(project: Path) -> None:
    inner = project / "service"
    inner.mkdir()
    os.chown(project, 65534, -1)
    assert find_file(inner) is None
    os.chown(inner, 65534, -1)
    assert find_file(inner) == project / "pyproject.toml"


def test_a_folder_that_may_not_be_searched_has_no_file(project: Path) -> None:
    inner = project / "service"
    inner.mkdir()
    project.chmod(0)
    root = os.geteuid() == 0  # root may search anything
    try:
        if root:
            os.seteuid(65534)
        assert find_file(inner) is None
    finally:
        if root:
            os.seteuid(0)
        project.chmod(0o700)


def test_a_current_folder_that_is_gone_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageError, match="the current folder is gone"):
        load(Path())


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gunitune.toml")
    os.mkfifo(tmp_path / "pyproject.toml")
    assert find_file(tmp_path) is None
    for name in ("gunitune.toml", "/dev/zero", str(tmp_path), "a\0b"):
        with pytest.raises(UsageError, match="can't be read"):
            load_settings({}, start=tmp_path, environ={}, file=tmp_path / name)


def test_no_settings_reads_no_file(project: Path) -> None:
    settings = load_settings({}, start=project, environ={}, use_file=False)
    assert settings.values == {}


def test_a_named_file_is_read_instead(project: Path) -> None:
    other = project / "other.toml"
    other.write_text("kind = 'memory'\n[target]\ncpus = 2\n")
    settings = load_settings({}, start=project, environ={}, file=other)
    assert (settings.get("kind"), settings.get("cpus")) == ("memory", 2)
    assert settings.source("cpus") == "target.cpus in other.toml"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[tool.gunitune]\nkinds = 'io'", "did you mean 'kind'?"),
        ("[tool.gunitune]\ncpus = 2", "did you mean 'target.cpus'?"),
        ("[tool.gunitune]\nzzz = 1", "known are "),
        ("[tool.gunitune]\nkind = 'fast'", "'fast' is not one of io, cpu, memory, unknown"),
        ("[tool.gunitune]\nkind = ['io']", "is not a single value"),
        ("[tool.gunitune]\ntarget = 1", "target must be a table"),
        ("[tool.gunitune]\nrules = 'ops'", "rules must be a list of folders"),
        ("[tool.gunitune]\nleaks = 'perhaps'", "is not true or false"),
        ("[tool.gunitune", "can't be read as TOML"),
        ("tool.gunitune = 3", "must be a table"),
        ("tool.gunitune.rules = " + "[" * 5000, "can't be read as TOML"),
        ("[tool.gunitune]\nkind." + "a." * 5000 + "a = 1", "too many dots"),
        ("[tool.gunitune]\nmemory-share = " + "9" * 5000, "can't be read as TOML"),
        ("[tool.gunitune]\nmemory-share = 0x" + "f" * 5000, "the number is too large"),
        ("[tool.gunitune]\nkind = '" + "x" * 5000 + "'", "longer than 1000 characters"),
        ("[tool.gunitune]\nconcurrency = true", "True is no value for it"),
        ("[tool.gunitune]\ntarget.cpus = false", "False is no value for it"),
        ("[tool.gunitune]\nrps = 250", "--rps needs --latency: rps comes from rps in pyproject"),
        ("[tool.gunitune]\nx = " + "[" * 5000, "can't be read as TOML"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.toml"):
        load_settings({}, start=tmp_path, environ={}, file=tmp_path / "absent.toml")
    for name in ("pyproject.toml", "gunitune.toml"):
        (tmp_path / name).write_text("#" * 2_000_000)
        with pytest.raises(UsageError, match=f"{name}: can't be read: larger than"):
            load(tmp_path)


@pytest.mark.parametrize(
    ("name", "bad"),
    [("cpus", "many"), ("memory", "0"), ("cores", "1.5"), ("platform", "mainframe"),
     ("kind", "IO"), ("app", "-x"), ("app", ""), ("app", "a\nb"), ("interface", "cgi"),
     ("worker_class", "meinheld"), ("worker_memory", "x"), ("gunicorn_version", "newest"),
     ("concurrency", "0"), ("concurrency", "-1"), ("concurrency", "99999999999"), ("rps", "fast"),
     ("rps", "0"), ("rps", "nan"), ("latency", "soon"), ("memory_share", "1.5"),
     ("memory_share", "x%"), ("memory_share", "٣%"), ("memory_share", "0.5_5"),
     ("memory_share", "%"), ("memory_share", ""), ("replicas", "٣"), ("db_connections", ""),
     ("concurrency", "00000000199999999"), ("concurrency", "10000001"), ("concurrency", "00"),
     ("concurrency", "9" * 5000), ("concurrency", 2.0),
     ("concurrency", "1_0"), ("rps", "1_000"), ("rps", "٣"), ("rps", "1e9"), ("rps", "inf"),
     ("cpus", 0.00001), ("cpus", 1e300), ("cpus", float("nan")), ("cpus", True),
     ("memory", False), ("gunicorn_version", "1.0"), ("gunicorn_version", "17.5"),
     ("gunicorn_version", "100"), ("gunicorn_version", "2024.1"), ("latency", ["1s"]),
     ("kind", {"io": 1}), ("app", "x" * 1001), ("leaks", "perhaps")],
)  # fmt: skip
def test_a_bad_value_names_its_flag(tmp_path: Path, name: str, bad: Any) -> None:
    with pytest.raises(UsageError, match=f"flag --{name.replace('_', '-')}: ") as caught:
        load_settings({name: bad}, start=tmp_path, environ={})
    assert len(str(caught.value)) < 2000


def test_a_number_too_large_to_print_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="flag --concurrency: the number is too large"):
        load(tmp_path, concurrency=10**5000)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("memory_share", "80%", 0.8), ("worker_class", "uvicorn", "uvicorn_worker.UvicornWorker"),
     ("app", "shop.wsgi:app", "shop.wsgi:app"), ("concurrency", "007", 7),
     ("concurrency", "0" * 20 + "10000000", 10_000_000), ("gunicorn_version", "18.0", "18.0"),
     ("gunicorn_version", " 25.3.0 ", "25.3.0"), ("leaks", True, True), ("leaks", 0, False),
     ("cpus", 2, 2.0), ("memory", 1 << 30, 1 << 30), ("memory", 1e16, 10**16)],
)  # fmt: skip
def test_a_value_is_read(tmp_path: Path, name: str, text: Any, value: Any) -> None:
    assert load(tmp_path, **{name: text}).get(name) == value


def test_a_rate_and_a_latency_need_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--rps needs --latency: rps comes from flag --rps"):
        load(tmp_path, rps="0.5")
    with pytest.raises(UsageError, match=r"--latency needs --rps: .* from GUNITUNE_LATENCY"):
        load(tmp_path, {"GUNITUNE_LATENCY": "80ms"})
    both = load(tmp_path, {"GUNITUNE_LATENCY": "80ms"}, rps="0.5")
    assert (both.get("rps"), both.get("latency")) == (0.5, 0.08)
    assert load(tmp_path, rps=250, latency=0.00001).get("latency") == 0.00001


def test_every_option_explains_itself() -> None:
    for option in OPTIONS:
        assert option.help.endswith((".", "…"))
        assert option.flag.startswith("--")
    assert tuple(sorted(PLATFORMS)) == PLATFORMS
    assert get_args(Kind) == KINDS
    assert get_args(Interface) == INTERFACES


def test_a_declared_target_mixes_nothing_of_this_machine_in(tmp_path: Path) -> None:
    host = target(load(tmp_path, cpus="2", cores="64"))
    assert (host.cpus, host.cores_visible, host.origin) == (2, 64, "declared target")
    assert host.memory_bytes == Unknown("memory not declared: pass --memory")
    assert isinstance(host.platform, Unknown)
    assert host.memory_source == "not declared (--memory)"


def test_only_memory_declared_takes_the_cpus_of_this_machine_and_says_so(tmp_path: Path) -> None:
    host = target(load(tmp_path, memory="1G", platform="docker"))
    assert host.memory_bytes == 1 << 30
    assert host.cpus > 0
    assert host.cpus_source.startswith("not declared, this machine's: ")
    assert host.platform == "docker"


def test_declared_cores_stand_for_the_cpus(tmp_path: Path) -> None:
    host = target(load(tmp_path, cores="8"))
    assert (host.cpus, host.cores_visible) == (8, 8)


def test_declared_cpus_alone_show_as_many_cores(tmp_path: Path) -> None:
    host = target(load(tmp_path, cpus="1.5"))
    assert host.cores_visible == 2
    assert "--cores" in host.cores_source


def test_nothing_declared_is_this_machine(tmp_path: Path) -> None:
    assert target(load(tmp_path)).origin == "this machine"
