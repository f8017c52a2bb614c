"""Which setting is meant by a name that Gunicorn does not have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.catalog import catalog, flags, newest, setting_names, suggest
from gunitune.catalog.stored import stored

NAMES = catalog(newest()).names

# As met in committed files.
MEANT = {
    "accesslog": "access_log access_logfile access_log_file accesslogs acces_log access-logfile",
    "access_log_format": "access_logformat log_format access_log_fromat",
    "bind": "host port bnid bindd BIND gunicorn_port listen",
    "ca_certs": "ca_cert ssl_ca_certs",
    "certfile": "cert_file ssl_certfile certificate",
    "chdir": "chidr working_dir work_dir cwd",
    "daemon": "deamon dameon daemonize daemons",
    "errorlog": "log_file logfile error_log error_logfile errorlogs --log-file",
    "forwarded_allow_ips": "forwarded_allow_ip forwarded_allows_ips",
    "graceful_timeout": "gracefull_timeout graceful_timout gracefultimeout graceful-timeout",
    "group": "gid",
    "keepalive": "keep_alive keep-alive --keep-alive keepalve keep_alive_timeout keepAlive",
    "keyfile": "key_file ssl_keyfile",
    "limit_request_fields": "limit_request_field",
    "logconfig": "log_config logging_config loggin_config",
    "logconfig_dict": "log_config_dict logconfig_dic dictconfig",
    "logger_class": "logger_clas",
    "loglevel": "log_level LOG_LEVEL loglvl log-level lgo_level logLevel",
    "max_requests": "max_request max_requests_lifetime max_reqests max-requests limit_max_requests",
    "max_requests_jitter": "max_request_jitter max_requests_jiter jitter",
    "on_starting": "on_start on_startup on_starup",
    "pidfile": "pid --pid pid_file pidfiles",
    "post_worker_init": "worker_init post_worker_int",
    "preload_app": "preload --preload preload_apps preload_application",
    "proc_name": "name process_name proces_name procname",
    "proxy_allow_ips": "proxy_allow_from",
    "proxy_protocol": "proxy_protocal",
    "raw_env": "env environment env_vars raw_environ raw_enviroment",
    "reload": "auto_reload reloads",
    "reload_engine": "reload_engin",
    "reuse_port": "reuseport reuse_ports",
    "secure_scheme_headers": "secure_scheme_header",
    "statsd_host": "statsd statshost stats_host",
    "threads": "thread num_threads worker_threads trheads threads_per_worker",
    "timeout": "timout timeouts worker_timeout request_timeout gunicorn_timeout",
    "umask": "umaks",
    "user": "uid user_name",
    "worker_class": "worker_type woker_class worker_clas workerclass workers_class worker-class",
    "worker_connections": "worker_conections worker_connection workers_connections",
    "worker_tmp_dir": "worker_tmpdir worker_temp_dir tmp_dir",
    "workers": "WORKERS Workers worker num_workers worker_count concurrency processes "
    "wrokers workes GUNICORN_WORKERS web_concurrency",
    "wsgi_app": "wsgiapp",
}

# Names of a project's own, or without a setting that does the same.
OTHERS = [
    *("app", "debug", "path", "root", "base_dir", "BASE_DIR", "time", "timestamp", "log", "logs"),
    *("log_dir", "logging", "logger", "conf", "config_file", "configs", "env_name", "secret_key"),
    *("database_url", "redis_url", "server", "backend", "module", "users", "groups", "version"),
    *("title", "spec", "step", "page", "post", "most", "test", "core", "cores", "cpus", "num_cpus"),
    *("cpu_count", "max_workers", "min_workers", "workers_per_core", "default_web_concurrency"),
    *("host_default", "bind_env", "graceful_timeout_str", "use_loglevel", "max_worker_memory"),
    *("spawn_worker_sleep_time", "limit_request_size", "key", "ssl", "tls", "stdout", "default"),
    *("status", "docker", "sentry", "newrelic", "statistics", "past", "cache", "cached", "local"),
    *("public", "private", "x", "a", "_"),
]

PAIRS = [(written, name) for name, texts in MEANT.items() for written in texts.split()]


@pytest.mark.parametrize(("written", "name"), PAIRS)
def test_the_setting_that_was_meant_is_found(written: str, name: str) -> None:
    assert suggest(written, NAMES) == name


@pytest.mark.parametrize("written", OTHERS)
def test_a_word_of_its_own_is_taken_for_no_setting(written: str) -> None:
    assert suggest(written, NAMES) is None


@pytest.mark.parametrize("flag", sorted(flag for flag in flags() if flag.startswith("--")))
def test_the_spelling_of_a_flag_leads_to_its_setting(flag: str) -> None:
    written = flag.removeprefix("--").replace("-", "_")
    every = setting_names()
    assert written in every or suggest(written, every) == flags()[flag]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_setting_needs_no_suggestion_and_is_found_in_capitals(name: str) -> None:
    assert suggest(name, NAMES) is None
    assert suggest(name.upper(), NAMES) == name


def test_only_settings_of_the_release_are_suggested() -> None:
    old = catalog("20.1.0").names
    assert suggest("asgi_lop", NAMES) == "asgi_loop"
    assert suggest("asgi_lop", old) is None
    assert suggest("ASGI_LOOP", old) is None


def test_of_two_settings_as_near_none_is_suggested() -> None:
    assert suggest("worker_exist", frozenset({"worker_exits", "worker_exit"})) == "worker_exit"
    assert suggest("dirty_worker_exin", NAMES) is None


def test_every_alias_names_a_setting_and_is_none() -> None:
    assert set(stored()["aliases"].values()) <= setting_names()
    assert set(stored()["exact"]) <= setting_names()
    assert not set(stored()["aliases"]) & setting_names()


def test_a_name_of_any_length_is_answered() -> None:
    assert suggest("w" * 10**6, NAMES) is None
    assert suggest("", NAMES) is None


# As near to another setting or alias.
AMBIGUOUS = {"n_reload", "o_reload", "worker_iint", "worker_nit"}


@pytest.mark.parametrize("name", sorted(name for name in NAMES if len(name) > 4))
def test_one_slip_anywhere_leads_back_to_the_setting(name: str) -> None:
    for i in range(len(name)):
        slips = {
            name[:i] + name[i + 1 :],
            name[: i + 1] + name[i:],
            name[:i] + name[i : i + 2][::-1] + name[i + 2 :],
        }
        for written in slips - NAMES - AMBIGUOUS:
            meant = None if name in stored()["exact"] else name
            assert suggest(written, NAMES) == meant, written


@given(st.text(max_size=70))
def test_any_name_gives_a_setting_or_none(name: str) -> None:
    assert suggest(name, NAMES) in NAMES | {None}
