"""The catalogue held against the real Gunicorn: names, defaults, flags, what is taken and held."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gunicorn_config import Answer, GunicornConfig
from gunitune.catalog import Catalog, catalog, newest
from gunitune.conf.model import Defined
from gunitune.model import Unknown
from served import releases

RELEASES = tuple(releases())

# Of these it hangs on the target, or on code that is not run, what Gunicorn makes of a value.
HANGS_ON_TARGET = {"chdir", "group", "reload_extra_files", "ssl_version", "user"}


@pytest.fixture(scope="session", params=RELEASES)
def real(request: pytest.FixtureRequest) -> Iterator[GunicornConfig]:
    config = GunicornConfig(releases()[request.param])
    yield config
    config.close()


@pytest.fixture(scope="session")
def known(real: GunicornConfig) -> Catalog:
    return catalog(real.version)


def plain() -> list[Any]:
    return [
        *(None, True, False, 0, 1, 2, 4, 5, 16, 17, 30, 8190, 16384, 2**24, 2**31 - 1, 2**31, -1),
        *(2**70, -(2**70), 4.0, 4.5, -0.5, 0.0, float("1e300"), 1j),
        *("", " ", "4", " 4 ", "0x4", "0o22", "022", "08", "-1", "4.5", "1_000", "30s", "1e3", "٤"),
        *("true", "TRUE", " False ", "yes", "on", "off", "none", "None", "auto", " Auto", "V2"),
        *("sync", "gthread", "drop", "REFUSE", "dangerous", "poll", "inotify", "python", "fast"),
        *("asyncio", "uvloop", "prior-knowledge", "upgrade", "both", "h1", "h2,h1", "h2, H1", ","),
        *("h1,h1", "h3", "h4", "TLS", "TLSv1_2", "tls", "127.0.0.1", "*", "10.0.0.0/8", "::1"),
        *("10.0.0.1/8", "127.0.0.1, ::1", "127.0.0.1,,*", "example.com", "10.0.0.1,proxy", "1.2.3"),
        *("localhost:8125", "localhost:", "localhost", "a:b", "a:1:2", "unix:1234", "unix:///run/x"),
        *("unix:/run/x", "fd://3", "fd://x", "[::1]:80", "[::1]", "tcp://H:1", ":80", "unix://a:1"),
        *("root", "nobody-of-that-name", "12", "²", "a\0b", "/", "/nonexistent", "a.b", "os.path"),
        *(".a", "a.", "abc", "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace")),
        *(b"", b"4", b"abc", b"0x4", bytearray(b"4"), [], (), {}, set(), frozenset()),
        *([" a ", "b"], ("a",), {"a"}, {"a": 1}, [None, "a"], [1], ["a", 1], [b"a"], [["a"]]),
        *([""], ["/"], ["/nonexistent"], ("a=b", "c"), {1: 2}, frozenset({"h1"}), range(3), (1, 2)),
    ]  # fmt: skip


OTHERS: list[tuple[str, Any]] = [
    ("pathlib.PurePosixPath('/tmp')", PurePosixPath("/tmp")),
    ("lambda: None", Defined("lambda", "<lambda>", 0, 0)),
    ("lambda a: None", Defined("lambda", "<lambda>", 1, 1)),
    ("lambda a, b: None", Defined("lambda", "<lambda>", 2, 2)),
    ("lambda a, b=1: None", Defined("lambda", "<lambda>", 1, 2)),
    ("lambda a, b, c: None", Defined("lambda", "<lambda>", 3, 3)),
    ("lambda a, b, c, d: None", Defined("lambda", "<lambda>", 4, 4)),
    ("lambda a, b, c, d, e: None", Defined("function", "hook", 5, 5)),
    ("lambda *a: None", Defined("function", "hook", 0, None)),
    ("Iron", Defined("class", "Iron")),
    ("os.path", Defined("object", "path")),
]


def judge(known: Catalog, answer: Answer, name: str, value: Any) -> str | None:
    """What of the catalogue's word on a value is not so; None where all is."""
    fault, held = known.fault(name, value), known.convert(name, value)
    what = f"{known.version} {name} = {value!r}: {answer}, fault {fault!r}, holds {held!r}"
    if fault:
        told = re.search(r'stops with "(.*)"$', fault, re.DOTALL)
        agrees = answer.error is not None and (not told or told[1] in answer.error)
        return None if agrees and isinstance(held, Unknown) and len(fault) < 300 else what
    if isinstance(held, Unknown):
        return None if _may_be_unknown(name, value) else what
    if answer.error:
        return None if name in HANGS_ON_TARGET or _may_be_refused(value) else what
    if isinstance(held, Defined):
        return None if answer.value() == "<callable>" else what
    if isinstance(value, (set, frozenset, dict)) and isinstance(held, tuple):
        return None if sorted(answer.value(), key=repr) == sorted(held, key=repr) else what
    return None if answer.held == repr(_tuples(held)) else what


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


def _may_be_unknown(name: str, value: Any) -> bool:
    hook = isinstance(value, str) and "." in value
    return name in HANGS_ON_TARGET or isinstance(value, Defined) or hook


def _may_be_refused(value: Any) -> bool:
    """Whether it is no more than a name for something that can't be seen."""
    return isinstance(value, Defined) and (value.kind == "class" or value.most_args is None)


def test_every_value_is_taken_refused_and_held_as_by_gunicorn(
    real: GunicornConfig, known: Catalog
) -> None:
    values = [(repr(value), value) for value in plain()] + OTHERS
    asked = [(name, *each) for name in sorted(known.names) for each in values]
    answers = real.set(*((name, source) for name, source, _ in asked))
    pairs = zip(asked, answers, strict=True)
    wrong = [judge(known, answer, name, value) for (name, _, value), answer in pairs]
    assert not any(wrong), "\n".join(each for each in wrong if each)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.binary(max_size=6) | st.sampled_from(["1", "a,b", "::1", "h2"])
    | st.ip_addresses().map(str) | st.integers().map(str) | st.from_regex(r"[a-z]*:[0-9]{0,3}"),
    lambda inner: st.lists(inner, max_size=3)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_value_is_judged_as_by_gunicorn(
    real: GunicornConfig, known: Catalog, data: st.DataObject
) -> None:
    # A directory or a file of any name may be there; what a user is called, likewise.
    name = data.draw(st.sampled_from(sorted(known.names)))
    value = data.draw(VALUES)
    (answer,) = real.set((name, repr(value)))
    assert judge(known, answer, name, value) is None


def test_the_settings_are_those_of_gunicorn(real: GunicornConfig, known: Catalog) -> None:
    assert known.names == set(real.facts["defaults"])


def test_the_worker_classes_are_those_of_gunicorn(real: GunicornConfig, known: Catalog) -> None:
    assert sorted(known.worker_classes) == real.facts["workers"]


def test_the_defaults_are_those_of_gunicorn(real: GunicornConfig, known: Catalog) -> None:
    found = {name: known.default(name) for name in known.names}
    unknown = {name for name, value in found.items() if isinstance(value, Unknown)}
    hooks = {name for name in known.names if real.default(name) == "<callable>"}
    assert unknown == hooks | {"chdir", "group", "user"} | ({"control_socket"} & known.names) - (
        {"control_socket"} if known.release < (25, 2) else set()
    )
    assert {name: real.default(name) for name in known.names - unknown} == {
        name: found[name] for name in known.names - unknown
    }


@pytest.mark.parametrize("name", RELEASES)
def test_the_defaults_follow_the_environment_as_gunicorn_s_do(name: str) -> None:
    environ = {"WEB_CONCURRENCY": "7", "PORT": "5000", "FORWARDED_ALLOW_IPS": "10.0.0.1,::1"}
    real = GunicornConfig(releases()[name], environ)
    known = catalog(real.version)
    for setting in ("workers", "bind", "forwarded_allow_ips"):
        assert known.default(setting, environ) == real.default(setting)
        assert known.default(setting) != real.default(setting)
    real.close()


def test_the_flags_are_those_of_gunicorn(real: GunicornConfig, known: Catalog) -> None:
    assert {name: list(known.flags(name)) for name in known.names} == real.facts["flags"]


def test_the_newest_release_of_the_tests_is_in_the_catalogue(real: GunicornConfig) -> None:
    assert catalog(real.version).surveyed == real.version
    if RELEASES[-1] == "newest" and real.version not in RELEASES:
        assert newest() == real.version


WORKERS = {
    "sync": ["gunicorn/workers/sync.py"],
    "gthread": ["gunicorn/workers/gthread.py"],
    "gevent": ["gunicorn/workers/ggevent.py", "gunicorn/workers/base_async.py"],
    "eventlet": ["gunicorn/workers/geventlet.py", "gunicorn/workers/base_async.py"],
    "tornado": ["gunicorn/workers/gtornado.py"],
    "asgi": ["gunicorn/workers/gasgi.py", "gunicorn/asgi/*.py"],
    "uvicorn": ["uvicorn_worker/_workers.py"],
}
# It keeps the one in an attribute that nothing reads, and looks at the other to warn of it.
LOOKED_AT = {("asgi", "worker_connections"), ("asgi", "threads")}


@pytest.mark.parametrize("worker_class", sorted(WORKERS))
def test_a_class_does_not_read_what_has_no_effect_with_it(
    real: GunicornConfig, known: Catalog, worker_class: str
) -> None:
    paths = [path for each in WORKERS[worker_class] for path in real.package().glob(each)]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    for name in known.names:
        classes = known.acts_on(name)
        if classes is not None and worker_class not in classes:
            read = re.search(rf"cfg\.{name}\b|cfg, ['\"]{name}['\"]", text)
            assert not read or (worker_class, name) in LOOKED_AT, name
