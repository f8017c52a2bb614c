"""Secrets are hidden wherever they stand, and ordinary configuration is left as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gunicorn.config import KNOWN_SETTINGS  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from gunitune.conf.model import Defined
from gunitune.mask import HIDDEN, hidden, mask, shown
from gunitune.model import Unknown
from gunitune.secret import is_secret, secrets

PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nshort\n-----END {0}PRIVATE KEY-----"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BASE64 = "dGhpcyBpcyBhIHNlY3JldCBrZXkxMjM0NTY3ODkwYWI="
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # assignments and dicts
        ('secret_key = "hunter2"', 'secret_key = "***"'),
        ("SECRET_KEY='hunter2'", "SECRET_KEY='***'"),
        ('db_password: str = "hunter2"', 'db_password: str = "***"'),
        ('not read: password = "hunter2"', 'not read: password = "***"'),
        ('password += "hunter2"', 'password += "***"'),
        ('if token == "hunter2":', 'if token == "***":'),
        ('secret = ("hunter" "two")', 'secret = ("***" "***")'),
        ('secret = b"hunter2"', 'secret = b"***"'),
        ('secret = """a\nb"""', 'secret = """***"""'),
        ("secret = '''a\nb", "secret = '''***"),
        ("secret = 'hunter2", "secret = '***"),
        (r'secret = "hun\"ter2"', 'secret = "***"'),
        ('{"password": "hunter2", "user": "x"}', '{"password": "***", "user": "x"}'),
        ("{'ApiKey': 'hunter2'}", "{'ApiKey': '***'}"),
        ("dbPassword = 'hunter2'", "dbPassword = '***'"),
        ("authtoken = 'hunter2'", "authtoken = '***'"),
        ("SENTRY_DSN = 'https://x@sentry.io/1'", "SENTRY_DSN = '***'"),
        ("session_cookie = 'hunter2'", "session_cookie = '***'"),
        ("aws_credentials = 'hunter2'", "aws_credentials = '***'"),
        ('os.environ["API_TOKEN"] = "hunter2"', 'os.environ["API_TOKEN"] = "***"'),
        ('os.environ.setdefault("SECRET_KEY", "hunter2")',
         'os.environ.setdefault("SECRET_KEY", "***")'),
        ('config("DB_PASSWORD", default="hunter2")', 'config("DB_PASSWORD", default="***")'),
        ('os.getenv("PWD_ADMIN", \'hunter2\')', 'os.getenv("PWD_ADMIN", \'***\')'),
        # environments
        ('raw_env = ["A=b", \'SECRET=x y\']', 'raw_env = ["A=***", \'SECRET=***\']'),
        ('raw_env = [\n  "A=b",\n]\nx = "B=c"', 'raw_env = [\n  "A=***",\n]\nx = "B=c"'),
        ('raw_env += ("A=b",)\nbind = "B=c"', 'raw_env += ("A=***",)\nbind = "B=c"'),
        ('raw_env.append("A=b")', 'raw_env.append("A=***")'),
        ('env = ["DB_PASSWORD=hunter2", "A=b"]', 'env = ["DB_PASSWORD=***", "A=b"]'),
        ("DB_PASSWORD=hunter2 gunicorn app:app", "DB_PASSWORD=*** gunicorn app:app"),
        ("# export API_KEY=hunter2", "# export API_KEY=***"),
        ("--password=hunter2 --db-token abc -w 4", "--password=*** --db-token *** -w 4"),
        ("https://x.example/?access_token=hunter2&page=2",
         "https://x.example/?access_token=***&page=2"),
        # URLs
        ("postgres://user:hunter2@db:5432/app", "postgres://user:***@db:5432/app"),
        ("redis://:hunter2@redis:6379/0", "redis://:***@redis:6379/0"),
        ("amqp+ssl://user:p@ss@mq/", "amqp+ssl://user:***@mq/"),
        ("http://user:80hunter@h/", "http://user:***@h/"),
        ("postgres://user:pa/ss@db/app", "postgres://user:***@db/app"),
        # shapes
        ("x = 'AKIAIOSFODNN7EXAMPLE'", "x = '***'"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", HIDDEN),
        ("github_pat_11ABCDEFG0abcdefghijklmnop", HIDDEN),
        ("glpat-abcdefghijklmnopqrst", HIDDEN),
        ("sk_live_abcdefgh12345678 and rk_test_abcdefgh", "*** and ***"),
        ("sk-proj-abcdefghijklmnopqrstuvwxyz", HIDDEN),
        ("whsec_abcdefghij", HIDDEN),
        ("xoxb-123456789012-abcdef", HIDDEN),
        ("https://hooks.slack.com/services/T0/B0/abc", "https://hooks.slack.com/services/***"),
        ("AIzaSyA-abcdefghijklmnopqrstuvwxyz012345", HIDDEN),
        ("SG.abcdefghijklmnop.abcdefghijklmnop", HIDDEN),
        ("hf_abcdefghijklmnopqrstuvwx", HIDDEN),
        ("pypi-AgEIcHlwaS5vcmcabcdef", HIDDEN),
        (f"x = '{JWT}'", "x = '***'"),
        (PEM.format("RSA "), HIDDEN),
        (f"'{PEM.format('')}' + x", "'***' + x"),
        ("-----BEGIN PRIVATE KEY-----\nabc", HIDDEN),
        ("'Bearer abcdefgh12345678'", "'Bearer ***'"),
        ("Basic dXNlcjpodW50ZXIyMTIz", "Basic ***"),
        (f"x = '{HEX}'", "x = '***'"),
        (f"x = '{HEX.upper()}'", "x = '***'"),
        (f"x = '{BASE64}'", "x = '***'"),
        (f"/hook/{HEX}/x", "/hook/***/x"),
    ],
)  # fmt: skip
def test_a_secret_is_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "bind = '0.0.0.0:8000'",
        "bind = ['unix:/run/gunicorn/my-project-production-backend-1.sock', '[::1]:8000']",
        "keyfile = '/etc/ssl/private/server.key'",
        f"keyfile = '/etc/ssl/private/{HEX}.key'",
        "certfile='/etc/letsencrypt/live/example.com/fullchain.pem'",
        "SSL_KEY = '/etc/ssl/private/server.key'",
        "SSL_KEY = 'certs/server.pem'",
        "DB_PASSWORD = '/run/secrets/db'",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "PWD=/home/app",
        "chdir = '/srv/releases/20240101120000/my-project-production/current'",
        "worker_class = 'uvicorn.workers.UvicornWorker'",
        "worker_class = 'gthread'  # threads = 4",
        "wsgi_app = 'myproject_production_v2.wsgi_application_factory_2024:create_app()'",
        'access_log_format = \'%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"\'',
        'access_log_format = \'auth="%({Authorization}i)s" token="%(u)s" key="%(x)s"\'',
        '\'{"cookie": "%({cookie}i)s", "status": "%(s)s"}\'',
        "secure_scheme_headers = {'X-FORWARDED-PROTOCOL': 'ssl', 'X-FORWARDED-SSL': 'on'}",
        "ciphers = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305'",
        "forwarded_allow_ips = '10.0.0.0/8,127.0.0.1'",
        "password = os.environ['DB_PASSWORD']",
        "password = get_password()",
        "dict(SECRET_KEY=os.environ['X'], API_KEY=get('x'))",
        "for name in ('SECRET_KEY', 'DB_PASSWORD'):",
        "SECRET_KEY = ''",
        "SECRET_KEY = '${SECRET_KEY}'",
        "'DB_PASSWORD=$DB_PASSWORD'",
        "url = f'postgres://{user}:{password}@{host}/db'",
        "url = 'postgres://user:%(password)s@db/'",
        "http://localhost:8000/@app",
        "https://example.com:8443, see x@y.example",
        "TOKENIZERS_PARALLELISM=false",
        "SESSION_COOKIE_SECURE=True",
        "AUTH_TIMEOUT=30 TOKEN_URL=https://x.example/token COOKIE_NAME=sid",
        "cache_key = 'views'; sorted(x, key='name')",
        "--keyfile /etc/key.pem --auth-timeout 30 --worker-class gthread",
        "a token of 3 words, basic things",
        "import this_is_a_rather_long_name_of_a_module_version_2",
        "MyProjectProductionWsgiApplicationFactory2 and ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH",
        "1234567890123456789012345678901234567890",
        "# https://docs.gunicorn.org/en/stable/settings.html#secure-scheme-headers-2024-edition",
        "-----BEGIN CERTIFICATE-----",
        "tmp_upload_dir = None",
    ],
)
def test_ordinary_configuration_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text


def test_no_setting_of_gunicorn_is_named_like_a_secret() -> None:
    assert [setting.name for setting in KNOWN_SETTINGS if is_secret(setting.name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "SECRET", "token", "DB_PASSWORD", "db_passwd", "PWD", "api_key", "ApiKey", "APIKEY",
        "AWSSecretAccessKey", "CREDENTIALS", "dsn", "PRIVATE_KEY", "BASIC_AUTH", "cookie",
        "KEY", "x-auth-token", "accesstoken", "DJANGO_SECRET_KEY", "passphrase",
    ],
)  # fmt: skip
def test_a_name_tells_of_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "workers", "keyfile", "keepalive", "monkey", "KEYCLOAK", "key", "public_key", "author",
        "COOKIE_AGE", "TOKEN_TTL", "KEY_FILE", "passenger", "bypass_proxy", "", "_", "SORT_KEY",
    ],
)  # fmt: skip
def test_a_name_that_only_looks_alike_does_not(name: str) -> None:
    assert not is_secret(name)


def test_secrets_that_overlap_are_one() -> None:
    text = f"token = '{HEX}' + x"
    assert [text[start:end] for start, end in secrets(text)] == [HEX]


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("workers", 4, "4"),
        ("preload_app", True, "True"),
        ("timeout", 0.5, "0.5"),
        ("timeout", float("nan"), "nan"),
        ("certfile", None, "None"),
        ("bind", "0.0.0.0:8000", "'0.0.0.0:8000'"),
        ("bind", ("a:1", "b:2"), "('a:1', 'b:2')"),
        ("bind", ["a:1"], "['a:1']"),
        ("raw_env", ["A=b", "SECRET"], "['A=***', '***']"),
        ("raw_env", "A=b=c", "'A=***'"),
        ("raw_env", {"A": "b"}, "{'A': '***'}"),
        ("logconfig_dict", {"password": "x", "level": "INFO"},
         "{'password': '***', 'level': 'INFO'}"),
        ("logconfig_dict", {"credentials": {"a": ["x"]}}, "{'credentials': {'a': ['***']}}"),
        ("statsd_host", "udp://u:hunter2@h:1", "'udp://u:***@h:1'"),
        ("post_fork", Defined("function", "post_fork"), "the function post_fork"),
        ("post_fork", Defined("lambda", "<lambda>"), "a lambda"),
        ("logger_class", Defined("class", "Logger"), "the class Logger"),
        ("workers", Unknown("set by environment variable X"),
         "unknown: set by environment variable X"),
        ("workers", Unknown("not read: token = 'hunter2'\x1b"),
         r"unknown: not read: token = '***'\x1b"),
        ("workers", 1 << 2000, "a number of 2001 bits"),
        ("x", {2, 1}, "{1, 2}"),
        ("x", b"a", "b'a'"),
        ("x", 1j, "1j"),
        ("proc_name", "a\n\x1b[31m", r"'a\n\x1b[31m'"),
        ("proc_name", "a" * 100, f"'{'a' * 56}..."),
        ("SECRET_KEY", "hunter2", "'***'"),
        ("SSL_KEY", "/etc/ssl/x.key", "'/etc/ssl/x.key'"),
    ],
)  # fmt: skip
def test_a_value_is_written_for_people(name: str, value: Any, written: str) -> None:
    assert shown(name, value) == written


def test_a_value_nested_without_end_is_cut() -> None:
    value: Any = []
    value.append(value)
    assert json.dumps(hidden("bind", value)).count("[") == 21
    assert shown("bind", value).startswith("[[[[")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(st.sampled_from(["raw_env", "bind", "SECRET"]), VALUES)
def test_any_value_is_written_on_a_short_line_and_is_json(name: str, value: Any) -> None:
    line = shown(name, value)
    assert line.isprintable()
    assert len(line) <= 60
    json.dumps(hidden(name, value), allow_nan=False)


@given(st.lists(st.text(min_size=1).filter(lambda text: "***" not in text)))
def test_no_value_of_an_environment_is_shown(values: list[str]) -> None:
    pairs = [f"NAME={value}" for value in values]
    assert hidden("raw_env", pairs) == ["NAME=***"] * len(pairs)


PIECES = st.sampled_from([
    "secret", "=", " ", '"', "'", '"""', "\\", "\n", "token", ": ", "raw_env", "[", "]", "://", "@",
    ":", "a", "9", "/", "-----BEGIN PRIVATE KEY-----", "Bearer ", HEX, "--password", "{", "}", "(",
    "eyJ", ".", "***", ",", "$", "KEY=", "?",
])  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join) | st.text())
@example('"secret=""')
def test_secrets_stand_in_order_and_apart(text: str) -> None:
    at = -1
    for start, end in secrets(text):
        assert at < start < end <= len(text)
        at = end
    outside = mask(text).replace(HIDDEN, "")
    assert len(outside) <= len(text)
