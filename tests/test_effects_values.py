"""Real Gunicorn does with values what the rules GT1xx say of it, with the rules' own examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from launched import (
    NEWEST,
    RULES,
    await_that,
    checks_well,
    comes_to_say,
    ends,
    example,
    fires,
    free_bind,
    free_port,
    held,
    message,
    mode_of_socket,
    never_answers,
    project,
    python,
    refused,
    run,
    started,
)
from serving import serving


@pytest.mark.parametrize("case", fires("GT103"))
def test_a_refused_value_stops_gunicorn_as_the_message_says(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    release = case.get("gunicorn", NEWEST)
    said = re.search(r'stops with "(.*)"$', message("GT103", case))
    if said:
        assert said[1] in refused(tmp_path, case["conf"], release)
    else:
        code, log = ends(tmp_path, case["conf"], release)
        assert code == 1
        assert "'NoneType' object has no attribute 'lower'" in log


@pytest.mark.parametrize("case", fires("GT104"))
def test_an_exception_in_the_file_stops_gunicorn(tmp_path: Path, case: dict[str, Any]) -> None:
    assert "Failed to read config file" in refused(tmp_path, case["conf"])


def test_gunicorn_without_workers_listens_and_never_answers(tmp_path: Path) -> None:
    conf = example("GT105", "none")
    assert checks_well(tmp_path, conf)
    assert never_answers(tmp_path, conf)


@pytest.mark.parametrize("case", fires("GT106"))
def test_workers_without_connections_never_answer(tmp_path: Path, case: dict[str, Any]) -> None:
    assert never_answers(tmp_path, case["conf"])


def test_a_gthread_worker_without_threads_does_not_boot(tmp_path: Path) -> None:
    conf = example("GT107", "no threads") + free_bind()
    assert checks_well(tmp_path, conf)
    code, log = ends(tmp_path, conf)
    assert (code, "Worker failed to boot" in log) == (3, True)


@pytest.mark.parametrize("case", fires("GT111"))
def test_gunicorn_stops_at_an_address_that_it_can_not_listen_on(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    assert checks_well(tmp_path, case["conf"])
    code, log = ends(tmp_path, case["conf"])
    assert code == 1
    assert re.search(r"is not a valid port number|port must be 0-65535|Can't connect to", log)


def test_gunicorn_stops_where_a_port_is_listed_twice(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    conf = example("GT112", "the same twice").replace("127.0.0.1:8000", address)
    code, log = ends(tmp_path, conf)
    assert (code, "Connection in use" in log, "Can't connect to" in log) == (1, True, True)


@pytest.mark.parametrize("case", fires("GT113"))
def test_workers_without_an_address_die(tmp_path: Path, case: dict[str, Any]) -> None:
    comes_to_say(tmp_path, case["conf"], "list index out of range")


@pytest.mark.parametrize("case", fires("GT117"))
def test_gunicorn_exits_at_once_where_it_is_to_check_or_print(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    code, log = ends(tmp_path, case["conf"])
    assert (code, "Listening at" in log) == (0, False)


@pytest.mark.parametrize("release", ["25.3.0", NEWEST])
def test_no_path_for_the_control_socket_ends_gunicorn(tmp_path: Path, release: str) -> None:
    code, log = ends(tmp_path, example("GT118", "None") + free_bind(), release)
    assert code != 0
    assert "expected str, bytes or os.PathLike object, not NoneType" in log


@pytest.mark.parametrize("case", fires("GT119"))
def test_gunicorn_stops_at_an_item_of_raw_env_that_is_no_variable(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    code, log = ends(tmp_path, case["conf"] + free_bind())
    assert code == 1
    assert re.search(r"environment setting '\w+' invalid", log)


def test_variables_in_one_string_are_one_variable(tmp_path: Path) -> None:
    folder = project(tmp_path, example("GT141", "a comma between"))
    with serving(python(), ["app:app"], folder) as server:
        assert b'"DEBUG": "0,LANG=C"' in server.get()[1]


def test_a_decimal_umask_gives_the_socket_another_mode(tmp_path: Path) -> None:
    conf = example("GT127", "022 without its zero")
    assert mode_of_socket(tmp_path, conf) == 0o751
    assert mode_of_socket(tmp_path, conf.replace("22", "0o22")) == 0o755


def test_sendfile_true_switches_sendfile_off(tmp_path: Path) -> None:
    hook = (
        "\ndef on_starting(server):\n    server.log.info('sendfile is %s', server.cfg.sendfile)\n"
    )
    conf = example("GT125", "True")
    comes_to_say(tmp_path, conf + hook + free_bind(), "sendfile is False")
    comes_to_say(tmp_path, hook + free_bind(), "sendfile is True")


@pytest.mark.parametrize("case", fires("GT126"))
def test_an_unknown_log_level_is_info(tmp_path: Path, case: dict[str, Any]) -> None:
    hook = "\ndef on_starting(server):\n    server.log.critical('is %s', server.log.loglevel)\n"
    comes_to_say(tmp_path, case["conf"] + hook + free_bind(), "is 20")


@pytest.mark.parametrize("release", ["20.1.0", NEWEST])
def test_no_code_of_gunicorn_reads_tmp_upload_dir(release: str) -> None:
    package = next((python(release).parent.parent / "lib").glob("python*/site-packages/gunicorn"))
    using = [path.name for path in package.rglob("*.py") if "tmp_upload_dir" in path.read_text()]
    assert using == ["config.py"]
    assert package.joinpath("config.py").read_text().count("tmp_upload_dir") == 1


def test_a_config_file_in_a_config_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("workers = 7\n")
    conf = example("GT137", "a config file in a config file")
    conf = conf.replace("/etc/gunicorn/base.py", str(tmp_path / "base.py"))
    assert held(tmp_path, conf)["workers"] == "1"


@pytest.mark.parametrize("release", ["23.0.0", NEWEST])
def test_gunicorn_says_that_it_ignores_ssl_version(tmp_path: Path, release: str) -> None:
    folder = project(tmp_path, example("GT138", "TLS 1.2"))
    command = [python(release), "-m", "gunicorn", "--check-config", "app:app"]
    assert "`ssl_version` is deprecated and it is ignored" in run(command, folder, {}).stderr


def test_spew_prints_lines_of_python(tmp_path: Path) -> None:
    conf = example("GT142", "left on") + free_bind()
    with started(tmp_path, conf) as (_, log_path):
        await_that(lambda: len(re.findall(r"^\S+:\d+: ", log_path.read_text(), re.MULTILINE)) > 500)


# Rule -> the test that shows on real Gunicorn what the rule says.
VERIFIED: dict[str, str] = {
    "GT103": "test_a_refused_value_stops_gunicorn_as_the_message_says",
    "GT104": "test_an_exception_in_the_file_stops_gunicorn",
    "GT105": "test_gunicorn_without_workers_listens_and_never_answers",
    "GT106": "test_workers_without_connections_never_answer",
    "GT107": "test_a_gthread_worker_without_threads_does_not_boot",
    "GT111": "test_gunicorn_stops_at_an_address_that_it_can_not_listen_on",
    "GT112": "test_gunicorn_stops_where_a_port_is_listed_twice",
    "GT113": "test_workers_without_an_address_die",
    "GT117": "test_gunicorn_exits_at_once_where_it_is_to_check_or_print",
    "GT118": "test_no_path_for_the_control_socket_ends_gunicorn",
    "GT119": "test_gunicorn_stops_at_an_item_of_raw_env_that_is_no_variable",
    "GT125": "test_sendfile_true_switches_sendfile_off",
    "GT126": "test_an_unknown_log_level_is_info",
    "GT127": "test_a_decimal_umask_gives_the_socket_another_mode",
    "GT137": "test_no_code_of_gunicorn_reads_tmp_upload_dir",
    "GT138": "test_gunicorn_says_that_it_ignores_ssl_version",
    "GT141": "test_variables_in_one_string_are_one_variable",
    "GT142": "test_spew_prints_lines_of_python",
}


@pytest.mark.parametrize(("rule", "test"), VERIFIED.items())
def test_a_verified_rule_has_its_test_and_names_it(rule: str, test: str) -> None:
    assert callable(globals()[test])
    assert "tests/test_effects_values.py" in RULES[rule].refs
