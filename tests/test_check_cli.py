"""`gunitune check` as a user runs it: findings on stdout, what was assumed on stderr, codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gunitune import GunituneError, check
from gunitune.environment import environment
from project import gunitune, write_project

SCHEMAS = Path(__file__).resolve().parent.parent / "docs" / "schemas"
TARGET = ("--cpus", "2", "--memory", "1GiB")
BAD = """import multiprocessing

workers = multiprocessing.cpu_count() * 2 + 1
max_requests = 1000
max_request_jitter = 50
"""
GOOD = "bind = '127.0.0.1:8000'\nworkers = 5\ntimeout = 30\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {"app.py": "def app(environ, start_response):\n    return []\n"}
    return write_project(tmp_path / "shop", {**files, "gunicorn.conf.py": BAD})


def document(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / "check-1.json").read_text()))
    return found


def rules(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [finding["rule"] for finding in document(result)["findings"]]


def found(project: Path, *arguments: str, stdin: str = "") -> dict[str, Any]:
    return document(gunitune("check", *arguments, "-f", "json", cwd=project, stdin=stdin))


def by_setting(report: dict[str, Any], setting: str) -> list[dict[str, Any]]:
    return [finding for finding in report["findings"] if finding["setting"] == setting]


def test_findings_are_explained_with_their_line_and_exit_1(project: Path) -> None:
    result = gunitune("check", *TARGET, cwd=project)
    assert result.returncode == 1
    assert "gunicorn.conf.py:5:1" in result.stdout
    assert "max_requests_jitter" in result.stdout
    assert "129 workers" in result.stdout
    assert "\x1b" not in result.stdout
    assert "2 CPUs (flag --cpus)" in result.stderr
    assert all(line.startswith("gunitune: ") for line in result.stderr.splitlines())


def test_quiet_leaves_stderr_empty(project: Path) -> None:
    result = gunitune("check", *TARGET, "--quiet", cwd=project)
    assert (result.returncode, result.stderr) == (1, "")


def test_a_clean_config_exits_0(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(GOOD)
    result = gunitune("check", *TARGET, "--ignore", "GT7", cwd=project)
    assert result.returncode == 0
    assert "error" not in result.stdout.replace("errorlog", "")


def test_cpu_count_is_the_targets_and_64_where_nobody_said(project: Path) -> None:
    workers = by_setting(found(project, *TARGET), "workers")
    assert "129" in workers[0]["message"]
    assert workers[0]["severity"] == "warning"
    assert workers[0]["message"].endswith("if the target has only 2 cores pass --cores 2")
    declared = found(project, *TARGET, "--cores", "2")
    assert [item for item in by_setting(declared, "workers") if item["severity"] != "note"] == []


def test_what_rests_on_a_machine_that_nobody_declared_is_a_note(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text("workers = 5000\n")
    severities = {item["severity"] for item in by_setting(found(project), "workers")}
    assert severities == {"note"}
    declared = by_setting(found(project, *TARGET), "workers")
    assert {item["severity"] for item in declared} > {"note"} - {"note"}


def test_the_settings_are_listed_with_what_they_depend_on(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(
        "import os\nworkers = int(os.environ['N'])\nthreads = 2\nraw_env = ['TOKEN=hunter2']\n"
    )
    rows = {item["name"]: item for item in found(project)["settings"]}
    assert rows["workers"]["value"] is None
    assert "N" in rows["workers"]["unknown"]
    assert rows["workers"]["depends_on"] == ["env:N"]
    assert rows["threads"]["value"] == 2
    assert "hunter2" not in json.dumps(rows)


def test_the_environment_is_what_was_declared(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text("import os\nworkers = int(os.environ['N'])\n")
    (project / "prod.env").write_text("# production\nexport N='0' # none\n")
    assert by_setting(found(project), "workers") == []
    for options in (("--env", "N=0"), ("--env-file", "prod.env")):
        assert by_setting(found(project, *options), "workers")[0]["severity"] == "error"


def test_the_other_side_of_a_condition_is_a_note_that_names_it(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(
        "import os\nworkers = 5\nif os.environ.get('DEBUG'):\n    workers = 0\n"
    )
    (note,) = [i for i in by_setting(found(project), "workers") if i["line"] == 4]
    assert note["severity"] == "note"
    assert "DEBUG" in note["condition"]
    declared = by_setting(found(project, "--env", "DEBUG=1"), "workers")
    assert "error" in {item["severity"] for item in declared}


def test_the_release_is_declared_or_pinned_or_allowed_or_the_newest(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text("worker_class = 'eventlet'\n")
    assert found(project)["files"][0]["gunicorn"].startswith("2")
    errors = by_setting(found(project), "worker_class")
    assert errors[0]["severity"] == "error"
    for text, release in (("gunicorn==23.0.0\n", "23.0.0"), ("gunicorn>=20,<24\n", "23.0.0")):
        (project / "requirements.txt").write_text(text)
        report = found(project)
        assert report["files"][0]["gunicorn"] == release
        assert [i for i in by_setting(report, "worker_class") if i["severity"] == "error"] == []
    declared = found(project, "--gunicorn-version", "26.0.0")
    assert declared["files"][0]["gunicorn"] == "26.0.0"


@pytest.mark.parametrize(
    ("release", "judged"), [("99", "27."), ("23.0.7", "23.0.0"), ("18", "19.")]
)
def test_a_release_that_gunitune_does_not_know_is_said(
    project: Path, release: str, judged: str
) -> None:
    (checked,) = found(project, "--gunicorn-version", release)["files"]
    assert checked["gunicorn"] == release
    assert f"judged as {judged}" in checked["gunicorn_source"]
    (known,) = found(project, "--gunicorn-version", "23")["files"]
    assert known["gunicorn_source"] == "flag --gunicorn-version"


def test_stdin_is_a_file_of_its_own(project: Path) -> None:
    report = found(project, "-", stdin="wrokers = 3\n")
    assert [item["path"] for item in report["findings"]] == ["<stdin>"] * len(report["findings"])
    assert "GT101" in {item["rule"] for item in report["findings"]}
    named = found(project, "-", "--stdin-filename", "deploy/g.py", stdin="wrokers = 3\n")
    assert named["findings"][0]["path"] == "deploy/g.py"


def test_rules_are_selected_and_ignored_by_id_name_and_prefix(project: Path) -> None:
    def run(*options: str) -> list[str]:
        return rules(gunitune("check", *TARGET, *options, "-f", "json", cwd=project))

    assert set(run("--select", "GT101")) == {"GT101"}
    assert set(run("--select", "misspelt-setting,GT0")) == {"GT101"}
    assert not any(rule.startswith("GT1") for rule in run("--ignore", "GT1"))
    result = gunitune("check", "--select", "GT999", cwd=project)
    assert (result.returncode, result.stdout) == (2, "")
    assert "GT999" in result.stderr


def test_fail_on_and_exit_zero_decide_the_exit_code(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text("wrokers = 5\n")

    def code(*options: str) -> int:
        return gunitune("check", *options, cwd=project).returncode

    assert code() == 1
    assert code("--exit-zero") == 0
    (project / "gunicorn.conf.py").write_text("sendfile = True\nmax_requests_jitter = 5\n")
    assert code("--fail-on", "error") == 0
    assert code("--fail-on", "note") == 1
    assert code("--fail-on", "no") == 2


@pytest.mark.parametrize("form", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_every_format_has_the_same_exit_code(project: Path, form: str) -> None:
    result = gunitune("check", *TARGET, "-f", form, cwd=project)
    assert result.returncode == 1
    assert "GT101" in result.stdout


def test_settings_come_from_pyproject_and_are_shown_with_their_source(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.gunitune]\nselect = ['GT1']\nfail-on = 'error'\nenv = ['A=1']\n"
        "[tool.gunitune.target]\ncpus = 2\n"
    )
    assert set(rules(gunitune("check", "-f", "json", cwd=project))) == {"GT101"}
    shown = gunitune("check", "--show-settings", "--ignore", "GT102", cwd=project)
    assert shown.returncode == 0
    assert "GT1 " in shown.stdout
    assert "fail-on in pyproject.toml" in shown.stdout
    assert "flag --ignore" in shown.stdout
    page = json.loads(gunitune("check", "--show-settings", "-f", "json", cwd=project).stdout)
    jsonschema.validate(page, json.loads((SCHEMAS / "settings-1.json").read_text()))
    assert page["settings"]["target.cpus"]["source"] == "target.cpus in pyproject.toml"


def test_an_unknown_key_is_refused_with_a_suggestion(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune]\nselekt = ['GT1']\n")
    result = gunitune("check", cwd=project)
    assert result.returncode == 2
    assert "did you mean 'select'?" in result.stderr


def test_comments_take_findings_back_and_idle_ones_are_found(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(
        "wrokers = 3  # gunitune: ignore[GT101] the old name\n"
        "timeout = 30  # gunitune: ignore[GT101]\n"
    )
    report = found(project)
    assert [item["rule"] for item in report["ignored"]] == ["GT101"]
    assert [item["rule"] for item in report["findings"] if item["rule"] < "GT1"] == ["GT001"]
    heedless = found(project, "--no-ignores")
    assert "GT101" in {item["rule"] for item in heedless["findings"]}
    assert "GT001" not in {item["rule"] for item in heedless["findings"]}


def test_diff_shows_what_fix_then_does(project: Path) -> None:
    conf = project / "gunicorn.conf.py"
    shown = gunitune("check", *TARGET, "--diff", cwd=project)
    assert shown.returncode == 1
    assert "+max_requests_jitter = 50" in shown.stdout
    assert conf.read_text() == BAD
    applied = project.parent / "patched"
    shutil.copytree(project, applied)
    subprocess.run(["git", "apply", "-"], cwd=applied, input=shown.stdout, text=True, check=True)
    done = gunitune("check", *TARGET, "--fix", "--select", "GT1,GT3", cwd=project)
    assert "mended 1 (GT101)" in done.stderr
    assert conf.read_text() == BAD.replace("max_request_jitter", "max_requests_jitter")
    assert (applied / "gunicorn.conf.py").read_text() == conf.read_text()
    assert gunitune("check", *TARGET, "--diff", cwd=project).returncode == 0


def test_stdin_can_be_compared_but_not_mended(project: Path) -> None:
    shown = gunitune("check", "-", "--diff", cwd=project, stdin="wrokers = 3\n")
    assert "+workers = 3" in shown.stdout
    refused = gunitune("check", "-", "--fix", cwd=project, stdin="wrokers = 3\n")
    assert refused.returncode == 2
    assert "stdin can't be mended" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py"], "nowhere.py"),
        (["-f", "yaml"], "'yaml' is no format of gunitune check"),
        (["--env", "X"], "NAME=VALUE"),
        (["--env-file", "none.env"], "none.env"),
        (["--settings", "none.toml"], "none.toml"),
        (["--cpus", "many"], "is not a number of CPUs"),
        (["--selct", "GT1"], "--selct"),
    ],
)
def test_what_can_not_be_done_is_one_line_and_exit_2(
    project: Path, arguments: list[str], said: str
) -> None:
    result = gunitune("check", *arguments, cwd=project)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_only_a_flag_names_an_env_file_outside_of_the_project(project: Path) -> None:
    (project.parent / "other.env").write_text("CLASS=correcthorse\n")
    (project / "inside.env").write_text("CLASS=gthread\n")
    (project / "linked.env").symlink_to(project.parent / "other.env")
    (project / "gunicorn.conf.py").write_text("import os\nworker_class = os.environ['CLASS']\n")
    for name in ("../other.env", "linked.env", str(project.parent / "other.env")):
        (project / "gunitune.toml").write_text(f"env-file = '{name}'\n")
        result = gunitune("check", cwd=project)
        assert result.returncode == 2
        assert "lies outside" in result.stderr
        assert "correcthorse" not in result.stdout + result.stderr
    (project / "gunitune.toml").write_text("env-file = 'inside.env'\n")
    assert gunitune("check", cwd=project).returncode == 0
    declared = gunitune("check", "--no-settings", "--env-file", "../other.env", cwd=project)
    assert "correcthorse" in declared.stdout


def test_a_broken_env_file_names_its_line(project: Path) -> None:
    (project / "bad.env").write_text("A=1\nnot a line\n")
    result = gunitune("check", "--env-file", "bad.env", cwd=project)
    assert result.returncode == 2
    assert "bad.env:2" in result.stderr


def test_a_folder_without_configs_says_so(tmp_path: Path) -> None:
    result = gunitune("check", cwd=write_project(tmp_path / "empty", {"app.py": ""}))
    assert result.returncode == 0
    assert "no config" in result.stderr


def test_a_file_that_can_not_be_read_is_a_finding_and_the_rest_is_checked(project: Path) -> None:
    (project / "gunicorn_config.py").write_bytes(b"workers = (\n")
    result = gunitune("check", "-f", "json", cwd=project)
    assert result.returncode == 1
    assert {"GT012", "GT101"} <= set(rules(result))


def test_nothing_of_the_config_runs(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(
        "import pathlib, os\n"
        "pathlib.Path('ran').touch()\n"
        "os.system('touch ran')\n"
        "workers = [pathlib.Path('ran').touch() for _ in (1,)] and 3\n"
    )
    gunitune("check", cwd=project)
    assert not (project / "ran").exists()


def test_a_folder_without_rules_is_refused(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune]\nrules = ['ops']\n")
    (project / "ops" / "check").mkdir(parents=True)
    result = gunitune("check", cwd=project)
    assert result.returncode == 2
    assert "no rule (ID-name.toml) stands in it" in result.stderr


def test_a_project_has_rules_of_its_own_and_they_can_not_run_anything(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune]\nrules = ['ops']\n")
    folder = project / "ops"
    folder.mkdir()
    rule = folder / "GX901-our-timeout.toml"
    text = (
        'id = "GX901"\nname = "our-timeout"\nsince = "1"\nseverity = "error"\n'
        'settings = ["timeout"]\nwhen = "conf.timeout > 60"\nmessage = "{conf.timeout} s"\n'
        'help = "60 at most"\nsummary = "s"\nwhy = "w"\n'
        '[[case]]\nname = "long"\nconf = "timeout = 61"\n'
    )
    rule.write_text(text)
    (project / "gunicorn.conf.py").write_text("timeout = 90\n")
    report = found(project)
    assert [i["message"] for i in report["findings"] if i["rule"] == "GX901"] == ["90 s"]
    assert "our-timeout" in gunitune("rule", "GX901", cwd=project).stdout
    rule.write_text(text.replace('when = "conf.timeout > 60"', 'check = "faults"'))
    refused = gunitune("check", cwd=project)
    assert refused.returncode == 2
    assert "only gunitune's own rules may name a function" in refused.stderr
    rule.write_text(text.replace("timeout = 61", "timeout = 60"))
    assert "case 'long'" in gunitune("check", cwd=project).stderr


def test_the_api_is_the_command(project: Path) -> None:
    report = check(project, cpus=2, memory="1GiB", select=["GT101"])
    assert [finding.rule for finding in report.findings] == ["GT101"]
    with pytest.raises(GunituneError, match="no option of check"):
        check(project, cpu=2)


def test_the_output_goes_to_a_file(project: Path) -> None:
    result = gunitune("check", "-f", "sarif", "-o", "out.sarif", cwd=project)
    assert (result.returncode, result.stdout) == (1, "")
    assert json.loads((project / "out.sarif").read_text())["version"] == "2.1.0"


def test_control_characters_and_secrets_do_not_reach_the_output(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text(
        'wrokers = "\\x1b[31m"\nraw_env = ["SECRET_KEY=hunter2hunter2"]\n# \x1b[2J\nbnid = "\x07"\n'
    )
    for form in ("text", "json", "github", "sarif", "junit", "gitlab"):
        result = gunitune("check", "-f", form, cwd=project)
        assert "\x1b" not in result.stdout + result.stderr
        assert "\x07" not in result.stdout + result.stderr
        assert "hunter2" not in result.stdout + result.stderr


def test_the_examples_directory_passes_its_own_gate() -> None:
    examples = Path(__file__).resolve().parent.parent / "examples"
    result = gunitune("check", examples, cwd=examples)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        ("A=1", ("A", "1")),
        ("export A = 1", ("A", "1")),
        ("A='x # y' # z", ("A", "x # y")),
        ('A="x\\n\\"y\\" $z"', ("A", 'x\n"y" $z')),
        ("A=x#y # z", ("A", "x#y")),
        ("A=", ("A", "")),
        ("A=# none", ("A", "")),
        ("A=b=c", ("A", "b=c")),
        ("two words=1", None),
        ("=1", None),
    ],
)
def test_the_lines_of_an_env_file(tmp_path: Path, line: str, pair: tuple[str, str] | None) -> None:
    file = tmp_path / ".env"
    file.write_text(f"\n# comment\n{line}\n")
    if pair is None:
        with pytest.raises(GunituneError, match=":3: no NAME=VALUE line"):
            environment(str(file), ())
    else:
        assert environment(str(file), ()) == dict([pair])
    assert environment(None, [("B", "2")]) == {"B": "2"}


def test_a_report_is_not_written_over_a_config(project: Path) -> None:
    result = gunitune("check", "-o", "gunicorn.conf.py", "-f", "json", cwd=project)
    assert (result.returncode, result.stdout) == (2, "")
    assert "is one of the configs" in result.stderr
    assert (project / "gunicorn.conf.py").read_text() == BAD


def test_a_prefix_lists_its_rules_and_an_id_explains_one(project: Path) -> None:
    listed = gunitune("rule", "gt10", cwd=project).stdout
    assert {line[:4] for line in listed.splitlines() if line.startswith("GT")} == {"GT10"}
    assert len(listed.splitlines()) > 5
    assert "write <meant>" in gunitune("rule", "GT101", cwd=project).stdout


def test_a_rule_of_a_project_can_not_add_code(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune]\nrules = ['ops']\n")
    (project / "ops").mkdir()
    (project / "ops" / "GX901-hook.toml").write_text(
        'id = "GX901"\nname = "hook"\nsince = "1"\nseverity = "error"\nsettings = ["timeout"]\n'
        'when = "True"\nmessage = "m"\nhelp = "h"\nsummary = "s"\nwhy = "w"\n'
        '[fix]\nkind = "add"\nsetting = "post_fork"\nvalue = "\'os.abort\'"\n'
        '[[case]]\nname = "c"\nconf = "timeout = 1"\n'
    )
    result = gunitune("check", "--fix", cwd=project)
    assert result.returncode == 2
    assert "fix.setting: a rule can't set it" in result.stderr


def test_a_name_of_any_length_makes_a_short_message(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text("w" * 50_000 + "orkers = 3\n")
    assert all(len(item["message"]) < 700 for item in found(project)["findings"])


def test_where_ci_runs_says_nothing_of_where_gunicorn_will(project: Path) -> None:
    (project / "gunicorn.conf.py").write_text("graceful_timeout = 600\n")
    report = found(project)
    assert report["host"]["platform"] is None
    assert {"GT505", "GT506"} <= {item["rule"] for item in report["skipped"]}
    declared = found(project, "--platform", "heroku")
    assert "GT505" in {item["rule"] for item in declared["findings"]}
