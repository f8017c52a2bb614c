from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunitune.machine.groups import Cgroups, Membership
from gunitune.machine.hosting import platform
from gunitune.machine.sysroot import Sysroot

if TYPE_CHECKING:
    from pathlib import Path

_KUBERNETES = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


def _member(path: str) -> Cgroups:
    return Cgroups((Membership(frozenset(), path),), {})


def _name(
    root: Path, environ: dict[str, str], cgroups: Cgroups, *, live: bool = True
) -> tuple[str | None, str]:
    return platform(Sysroot(root, live=live), environ, cgroups, ())


@pytest.mark.parametrize(
    ("environ", "name", "key"),
    [
        ({"DYNO": "web.1", **_KUBERNETES}, "heroku", "DYNO"),
        ({"K_SERVICE": "app", **_KUBERNETES}, "cloud-run", "K_SERVICE"),
        ({"ECS_CONTAINER_METADATA_URI": "http://x"}, "ecs", "ECS_CONTAINER_METADATA_URI"),
        ({"ECS_CONTAINER_METADATA_URI_V4": "http://x"}, "ecs", "ECS_CONTAINER_METADATA_URI_V4"),
        ({**_KUBERNETES, "container": "docker"}, "kubernetes", "KUBERNETES_SERVICE_HOST"),
        ({"container": "podman", "INVOCATION_ID": "1"}, "podman", "container=podman"),
        ({"container": "docker"}, "docker", "container=docker"),
        ({"container": "lxc-libvirt"}, "lxc", "container=lxc-libvirt"),
        ({"container": "systemd-nspawn"}, "container", "container=systemd-nspawn"),
        ({"INVOCATION_ID": "0f1e"}, "systemd", "INVOCATION_ID"),
    ],
)
def test_an_environment_variable_names_the_platform(
    environ: dict[str, str], name: str, key: str, tmp_path: Path
) -> None:
    assert _name(tmp_path, environ, _member("/")) == (name, f"environment variable {key}")


@pytest.mark.parametrize("key", ["DYNO", "container", "INVOCATION_ID"])
def test_an_empty_variable_names_none(key: str, tmp_path: Path) -> None:
    assert _name(tmp_path, {key: ""}, _member("/"))[0] == "bare"


@pytest.mark.parametrize(
    ("file", "name"), [(".dockerenv", "docker"), ("run/.containerenv", "podman")]
)
def test_a_marker_file_names_the_platform_of_the_running_system_alone(
    file: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    assert _name(tmp_path, {}, _member("/")) == (name, f"/{file}")
    assert _name(tmp_path, {}, _member("/"), live=False)[0] == "bare"


def test_clouds_win_over_what_they_run_on_whatever_shows_it(tmp_path: Path) -> None:
    (tmp_path / ".dockerenv").touch()
    in_pod = _member("/kubepods/pod1/docker-0f1e.scope")
    assert _name(tmp_path, {"K_SERVICE": "app"}, in_pod)[0] == "cloud-run"
    assert _name(tmp_path, {}, in_pod)[0] == "kubernetes"


def test_an_invocation_inherited_by_a_desktop_session_is_no_service(tmp_path: Path) -> None:
    session = _member("/user.slice/user-1000.slice/user@1000.service/app.slice")
    assert _name(tmp_path, {"INVOCATION_ID": "0f1e"}, session)[0] == "bare"


def test_bare_says_what_was_looked_at(tmp_path: Path) -> None:
    name, source = _name(tmp_path, {}, Cgroups((), {}))
    assert name == "bare"
    assert source == (
        "no sign of a container or service in the environment, marker files and cgroup paths"
    )
