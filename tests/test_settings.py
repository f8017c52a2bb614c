"""Options come from a file, the environment or a flag, and remember which."""

from __future__ import annotations

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
        ("tool = 3 # tool.gunitune", "must be a table"),
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
    (tmp_path / "gunitune.toml").write_text("#" * 2_000_000)
    with pytest.raises(UsageError, match="larger than"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "bad"),
    [("cpus", "many"), ("memory", "0"), ("cores", "1.5"), ("platform", "mainframe"),
     ("kind", "IO"), ("app", "-x"), ("app", ""), ("app", "a\nb"), ("interface", "cgi"),
     ("worker_class", "meinheld"), ("worker_memory", "x"), ("gunicorn_version", "newest"),
     ("concurrency", "0"), ("concurrency", "-1"), ("concurrency", "99999999999"), ("rps", "fast"),
     ("rps", "0"), ("rps", "nan"), ("latency", "soon"), ("memory_share", "1.5"),
     ("memory_share", "x%"), ("replicas", "٣"), ("db_connections", "")],
)  # fmt: skip
def test_a_bad_value_names_its_flag(tmp_path: Path, name: str, bad: str) -> None:
    with pytest.raises(UsageError, match=f"flag --{name.replace('_', '-')}: "):
        load_settings({name: bad}, start=tmp_path, environ={})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("memory_share", "80%", 0.8), ("worker_class", "uvicorn", "uvicorn_worker.UvicornWorker"),
     ("rps", "0.5", 0.5), ("latency", "80ms", 0.08), ("app", "shop.wsgi:app", "shop.wsgi:app"),
     ("gunicorn_version", "25.3.0", "25.3.0"), ("leaks", True, True), ("cpus", 2, 2.0),
     ("memory", 1 << 30, 1 << 30)],
)  # fmt: skip
def test_a_value_is_read(tmp_path: Path, name: str, text: Any, value: Any) -> None:
    assert load(tmp_path, **{name: text}).get(name) == value


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
