"""What the catalogue says of values: why Gunicorn refuses one, and what it holds of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gunitune.catalog import Catalog, catalog, newest, setting_names
from gunitune.catalog.kinds import validator
from gunitune.catalog.network import parse_address
from gunitune.catalog.refusal import LONGEST, Refused
from gunitune.catalog.stored import stored
from gunitune.conf.model import Defined
from gunitune.model import Unknown


def now() -> Catalog:
    return catalog(newest())


NO_INT = "int() can't convert non-string with explicit base"
HOOK = Defined("function", "hook", 0, 1)


@pytest.mark.parametrize(
    ("name", "value", "told", "error"),
    [
        ("workers", 4.5, "an integer is wanted, not the float 4.5", NO_INT),
        ("workers", None, "an integer is wanted, not None", NO_INT),
        ("workers", HOOK, "an integer is wanted, not the function 'hook'", NO_INT),
        (
            "workers",
            b"08",
            "an integer is wanted, not the bytes b'08'",
            "invalid literal for int() with base 0",
        ),
        (
            "timeout",
            -1,
            "an integer of 0 or more is wanted, not the integer -1",
            "Value must be positive",
        ),
        ("reload", "1", "True or False is wanted, not the string '1'", "Invalid boolean"),
        (
            "reload",
            (1, 2),
            "True or False is wanted, not the tuple of 2 items",
            "not all arguments",
        ),
        ("pidfile", Path("/run"), "a string is wanted, not the PosixPath", "Not a string"),
        (
            "forwarded_allow_ips",
            ["10.0.0.1"],
            "a string with commas between the items is wanted, not the list of 1 item",
            "Not a string",
        ),
        (
            "forwarded_allow_ips",
            "10.0.0.1/8",
            "an IP address or network is wanted, not the string '10.0.0.1/8'",
            "has host bits set",
        ),
        (
            "pre_fork",
            HOOK,
            "a function of 2 arguments is wanted, and hook takes 1 argument",
            "Value must have an arity of: 2",
        ),
        (
            "post_request",
            HOOK,
            "a function of 2, 3 or 4 arguments is wanted, and hook takes 1 argument",
            "Value must have an arity of: 4",
        ),
        (
            "on_exit",
            "hook",
            "a function of 1 argument or its dotted path is wanted, not the string 'hook'",
            "is not import string",
        ),
        (
            "http_protocols",
            "h1,h3",
            "a string of h1 and h2 with commas between them is wanted, not the string 'h1,h3'",
            "Invalid protocol 'h3",
        ),
        (
            "http2_max_concurrent_streams",
            0,
            "an integer of 1 or more is wanted, not the integer 0",
            "HTTP/2 max concurrent streams must be at least 1",
        ),
    ],
)
def test_a_fault_says_what_is_wanted_what_was_given_and_how_gunicorn_stops(
    name: str, value: Any, told: str, error: str
) -> None:
    message = f'{told}: Gunicorn stops with "{error}"'
    assert now().fault(name, value) == message
    assert now().convert(name, value) == Unknown(f"Gunicorn refuses it: {message}")


HUGE = ["x" * 10**6, b"x" * 10**6, -(10**9999), ["x"] * 10**5, {"x" * 99: 1}, (1,) * 999, 1e300]


@pytest.mark.parametrize("value", HUGE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", sorted(setting_names() - {"tolerate_dangerous_framing"}))
def test_a_fault_is_one_short_line_however_large_the_value(name: str, value: Any) -> None:
    fault = now().fault(name, value) or ""
    assert len(fault) < 4 * LONGEST
    assert fault.isprintable()


def test_what_a_value_holds_does_not_break_the_line() -> None:
    fault = now().fault("workers", "1\n\x1b[31m\u202e")
    assert fault
    assert fault.isprintable()


def test_changes_between_releases_are_heeded() -> None:
    assert catalog("24.0.0").convert("proxy_protocol", True) is True
    assert now().convert("proxy_protocol", True) == "auto"
    assert catalog("22.0.0").fault("forwarded_allow_ips", "proxy.internal") is None
    assert catalog("23.0.0").fault("forwarded_allow_ips", "proxy.internal")
    assert catalog("24.0.0").fault("forwarded_allow_ips", "10.0.0.0/8")
    assert catalog("24.1.0").fault("forwarded_allow_ips", "10.0.0.1/8") is None
    assert catalog("24.1.1").fault("forwarded_allow_ips", "10.0.0.0/8") is None
    assert catalog("24.1.1").fault("forwarded_allow_ips", "10.0.0.1/8")
    assert catalog("26.2.0").fault("http2_initial_window_size", 2**31) is None
    assert now().fault("http2_initial_window_size", 2**31)
    assert catalog("26.2.0").convert("http_protocols", "h3") == ("h3",)
    assert now().fault("http_protocols", "h3")
    assert catalog("20.1.0").fault("ssl_version", "nonsense")
    assert catalog("21.0.0").fault("ssl_version", "nonsense") is None
    assert catalog("20.1.0").convert("statsd_host", "a:1") == ("a", 1)
    assert catalog("20.1.0").fault("statsd_host", "unix:///run/statsd")
    assert now().convert("statsd_host", "unix:///run/statsd") == "/run/statsd"


@pytest.mark.parametrize("name", sorted(setting_names() - {"tolerate_dangerous_framing"}))
def test_what_is_unknown_is_no_fault_and_stays_unknown(name: str) -> None:
    unknown = Unknown("set by environment variable X")
    assert (now().fault(name, unknown), now().convert(name, unknown)) == (None, unknown)
    imported = Defined("object", "thing")
    assert now().fault(name, imported) is None
    assert now().convert(name, imported) == Unknown("thing is defined elsewhere")


def test_a_list_with_something_unknown_in_it_is_unknown() -> None:
    unknown = Unknown("set by environment variable X")
    assert now().convert("bind", ["a", unknown]) == unknown
    assert now().fault("bind", ["a", unknown]) is None
    assert now().fault("bind", [unknown, 1])


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("workers", "0x4", 4),
        ("bind", "a:1,b:2", ("a:1,b:2",)),
        ("bind", None, ()),
        ("bind", [" a:1 "], ("a:1",)),
        ("user", "root", 0),
        ("user", "12", 12),
        ("user", "www", Unknown("the number of the user www")),
        ("group", None, Unknown("the group that Gunicorn is started as")),
        ("chdir", " /srv//app/ ", "/srv/app"),
        (
            "chdir",
            "app",
            Unknown("it is relative to the directory that Gunicorn is started in"),
        ),
        ("worker_class", Defined("class", "Own"), Defined("class", "Own")),
        (
            "worker_class",
            Defined("function", "pick", 0, 0),
            Unknown("Gunicorn calls pick for the class"),
        ),
        ("post_fork", "hooks.post_fork", Unknown("post_fork is in another module")),
        ("bind", Defined("class", "Hosts"), Unknown("what Hosts gives when gone through")),
    ],
)
def test_what_gunicorn_holds_of_a_value(name: str, value: Any, held: Any) -> None:
    assert now().convert(name, value) == held
    assert now().fault(name, value) is None


def test_a_protocol_that_few_pythons_have_is_unknown() -> None:
    known = catalog("20.1.0")
    assert known.convert("ssl_version", "SSLv3") == Unknown(
        "whether Python there has that protocol"
    )
    assert known.convert("ssl_version", "TLS_SERVER") == 17


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ("0.0.0.0", 8000)),
        ("LOCALHOST", ("localhost", 8000)),
        ("[::1]", ("::1", 8000)),
        ("[::1]:80", ("::1", 80)),
        ("tcp://a:80", ("a", 80)),
        ("unix:/run/x", "/run/x"),
        ("unix:///run/x", "/run/x"),
        ("fd://3", 3),
    ],
)
def test_an_address_is_parsed_as_gunicorn_does(text: str, address: Any) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["a:b", "fd://x", ":"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a valid"):
        parse_address(text)


def test_every_kind_is_one_that_can_be_judged() -> None:
    kinds = {kind for each in stored()["settings"].values() for _, kind in each["kind"]}
    assert all(callable(validator(kind)) for kind in kinds)
    with pytest.raises(KeyError):
        validator("teapot")
