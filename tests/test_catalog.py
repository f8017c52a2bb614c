"""What the catalogue says of releases, settings, defaults and worker classes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.catalog import Catalog, catalog, flags, newest, setting_names
from gunitune.catalog.stored import numbers, stored, surveyed
from gunitune.data import rules_dir
from gunitune.errors import UsageError
from gunitune.model import Unknown
from served import releases

CLASSES = {"sync", "gthread", "gevent", "eventlet", "tornado", "asgi", "uvicorn"}


def now() -> Catalog:
    return catalog(newest())


@pytest.mark.parametrize(
    ("version", "used"),
    [
        ("25.3.0", "25.3.0"),
        ("25.3.7", "25.3.0"),
        ("26", "26.0.0"),
        ("20.0.1", "20.0.0"),
        ("20.1.0.post1", "20.1.0"),
        ("19.0", "19.7.1"),
        ("99", newest()),
    ],
)
def test_a_release_is_known_by_the_nearest_before_it(version: str, used: str) -> None:
    assert (catalog(version).version, catalog(version).surveyed) == (version, used)


def test_the_release_is_the_one_that_was_asked_for() -> None:
    assert catalog("26.9").release == (26, 9, 0)


def test_a_word_is_no_release() -> None:
    with pytest.raises(UsageError, match="'latest' is not a version"):
        catalog("latest")


def test_the_releases_are_in_order_and_the_last_is_the_newest() -> None:
    assert list(surveyed()) == sorted(surveyed(), key=numbers)
    assert newest() == surveyed()[-1]


def test_every_release_that_gunicorn_is_tested_with_was_surveyed() -> None:
    assert {name for name in releases() if name != "newest"} <= set(surveyed())


def test_a_setting_may_be_missing_from_a_release_between() -> None:
    having = [each for each in surveyed() if "strip_header_spaces" in catalog(each).names]
    assert (having[0], having[1]) == ("19.10.0", "20.0.2")
    assert now().since("strip_header_spaces") == "19.10.0"
    assert now().gone("strip_header_spaces") is None


@pytest.mark.parametrize(
    ("name", "since", "gone"),
    [
        ("workers", "19.7.1", None),
        ("asgi_loop", "24.0.0", None),
        ("asgi_disconnect_grace_period", "25.0.2", None),
        ("http2_cleartext", "26.2.0", None),
        ("tolerate_dangerous_framing", "22.0.0", "23.0.0"),
    ],
)
def test_it_is_known_when_a_setting_came_and_went(name: str, since: str, gone: str | None) -> None:
    assert (now().since(name), now().gone(name)) == (since, gone)
    assert name in catalog(since).names
    assert gone is None or name not in catalog(gone).names


def test_what_is_no_setting_of_any_release_is_a_key_error() -> None:
    for ask in (now().since, now().gone, now().acts_on, now().why_not, now().default):
        with pytest.raises(KeyError):
            ask("workres")


def test_what_the_release_does_not_have_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        catalog("20.1.0").fault("asgi_loop", "auto")


def test_the_settings_are_those_of_all_releases() -> None:
    assert setting_names() == {name for each in surveyed() for name in catalog(each).names}


def test_a_flag_names_its_setting() -> None:
    wanted = {"-w": "workers", "--keep-alive": "keepalive", "--log-file": "errorlog"}
    assert wanted.items() <= flags().items()
    assert flags()["--log-config-dict"] == "logconfig_dict"
    assert now().flags("logconfig_dict") == ()


def test_a_release_says_what_python_it_asks_for() -> None:
    assert catalog("19.7.1").python is None
    assert catalog("23.0.0").python == ">=3.7"
    assert catalog("24.0.0").python == ">=3.10"


def test_eventlet_went_and_asgi_came() -> None:
    assert "eventlet" in catalog("25.3.0").worker_classes
    assert "eventlet" not in catalog("26.0.0").worker_classes
    assert "asgi" not in catalog("23.0.0").worker_classes
    assert "asgi" in catalog("24.0.0").worker_classes


@pytest.mark.parametrize(
    ("name", "environ", "value"),
    [
        ("workers", {}, 1),
        ("workers", {"WEB_CONCURRENCY": " 3 "}, 3),
        ("workers", {"PORT": "3"}, 1),
        ("bind", {}, ("127.0.0.1:8000",)),
        ("bind", {"PORT": "80"}, ("0.0.0.0:80",)),
        ("forwarded_allow_ips", {}, ("127.0.0.1", "::1")),
        ("forwarded_allow_ips", {"FORWARDED_ALLOW_IPS": "*"}, ("*",)),
        ("sendfile", {}, None),
        ("secure_scheme_headers", {}, {
            "X-FORWARDED-PROTOCOL": "ssl", "X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on",
        }),
        ("syslog_addr", {}, "udp://localhost:514"),
    ],
)  # fmt: skip
def test_a_default_is_what_gunicorn_holds(name: str, environ: dict[str, str], value: Any) -> None:
    assert now().default(name, environ) == value


@pytest.mark.parametrize(
    ("name", "environ", "reason"),
    [
        ("workers", {"WEB_CONCURRENCY": "auto"}, "Gunicorn refuses what WEB_CONCURRENCY is set to"),
        ("workers", {"WEB_CONCURRENCY": "-1"}, "Gunicorn refuses what WEB_CONCURRENCY is set to"),
        (
            "forwarded_allow_ips",
            {"FORWARDED_ALLOW_IPS": "proxy"},
            "Gunicorn refuses what FORWARDED_ALLOW_IPS is set to",
        ),
        ("user", {}, "the user that Gunicorn is started as"),
        ("chdir", {}, "the directory that Gunicorn is started in"),
        ("control_socket", {}, "$XDG_RUNTIME_DIR or the home directory"),
        ("on_starting", {}, "a function of Gunicorn's own"),
    ],
)
def test_a_default_that_hangs_on_the_machine_is_unknown(
    name: str, environ: dict[str, str], reason: str
) -> None:
    assert now().default(name, environ) == Unknown(reason)


@pytest.mark.parametrize(
    ("version", "name", "classes"),
    [
        ("27.0.1", "workers", None),
        ("27.0.1", "threads", {"gthread"}),
        ("27.0.1", "worker_connections", {"gthread", "gevent", "eventlet"}),
        ("27.0.1", "keepalive", CLASSES - {"sync"}),
        ("27.0.1", "backlog", CLASSES - {"asgi"}),
        ("27.0.1", "tmp_upload_dir", set()),
        ("20.1.0", "ssl_version", None),
        ("21.0.0", "ssl_version", {"uvicorn"}),
    ],
)
def test_a_setting_acts_on_the_classes_that_heed_it(
    version: str, name: str, classes: set[str] | None
) -> None:
    found = catalog(version).acts_on(name)
    assert (None if found is None else set(found)) == classes
    assert bool(catalog(version).why_not(name)) is (classes is not None)


def test_what_a_class_heeds_of_a_value_may_hang_on_the_release() -> None:
    assert "before Gunicorn 27" in catalog("25.3.0").partly("keepalive", "asgi")
    assert now().partly("keepalive", "asgi") == ""
    assert now().partly("keepalive", "tornado")
    assert now().partly("workers", "sync") == ""


def test_every_effect_names_settings_and_classes_and_a_reference() -> None:
    for name, effects in stored()["effects"].items():
        assert name in setting_names()
        for effect in effects:
            assert set(effect["classes"]) <= CLASSES
            assert set(effect.get("partly", {})) <= set(effect["classes"])
            assert effect["reason"]
    text = (rules_dir() / "gunicorn" / "effects.toml").read_text()
    assert text.count("[[effect]]") == text.count("\nrefs = [")


def test_every_default_of_every_release_is_taken_by_it() -> None:
    for version in surveyed():
        known = catalog(version)
        assert len([known.default(name) for name in known.names]) > 70


@given(st.from_regex(re.compile(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}", re.ASCII), fullmatch=True))
def test_any_release_number_gives_a_catalogue(version: str) -> None:
    known = catalog(version)
    assert known.surveyed in surveyed()
    assert "workers" in known.names
