"""The commands as a user runs them: results on stdout, one line of complaint, exit codes."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gunitune import __version__
from project import FLASK_IO, gunitune, write_project

SCHEMAS = Path(__file__).resolve().parent.parent / "docs" / "schemas"
TARGET = ("--cpus", "2", "--memory", "1GiB", "--cores", "64")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop")


def document(result: subprocess.CompletedProcess[str], name: str) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / f"{name}-1.json").read_text()))
    return found


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a command that could not do it."""
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("gunitune: ")
    return result.stderr


def test_version(tmp_path: Path) -> None:
    result = gunitune("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"gunitune {__version__}\n")


@pytest.mark.parametrize("arguments", ["--version", "--help", "rule -f json", "probe"])
def test_a_reader_that_reads_nothing_is_no_error(project: Path, arguments: str) -> None:
    command = f"({shlex.quote(sys.executable)} -m gunitune {arguments}; echo $? >&2) | sleep 0"
    gone = command.replace("(", "(sleep 0.3; ", 1)
    result = subprocess.run(
        gone, shell=True, cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stderr == "0\n"


def test_no_command_is_help(tmp_path: Path) -> None:
    result = gunitune(cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "recommend" in result.stdout


def test_the_next_step_gives_the_same_advice_again(project: Path) -> None:
    found = document(
        gunitune("recommend", ".", *TARGET, "--leaks", "-f", "json", cwd=project), "recommend"
    )
    emitted, _, started = found["next"][-1].partition(" > gunicorn.conf.py, then ")
    assert started == "gunicorn -c gunicorn.conf.py app:app"
    words = shlex.split(emitted)
    assert words[:2] == ["gunitune", "emit"]
    text = gunitune(*words[1:], cwd=project).stdout
    wanted = {name: item["value"] for name, item in found["settings"].items()}
    assigned = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    assert {ast.unparse(node.targets[0]) for node in assigned} == wanted.keys()
    assert "max_requests = 1000" in text


@pytest.mark.parametrize("command", ["", "probe", "recommend", "emit", "compare", "rule"])
def test_help_is_plain_in_a_pipe(tmp_path: Path, command: str) -> None:
    result = gunitune(*command.split(), "--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "Usage: gunitune" in result.stdout
    assert "╭" not in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_recommend_explains_itself_in_80_columns(project: Path) -> None:
    result = gunitune("recommend", project, *TARGET, cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    text = result.stdout
    assert "I/O-bound" in text
    assert "app.py:9" in text
    assert "2 CPUs (flag --cpus)" in text
    assert "1 GiB memory (flag --memory)" in text
    assert "declared target" in text
    assert "Gunicorn 25.3.0 (gunicorn==25.3.0 in requirements.txt:3)" in text
    assert "2 x 2 CPUs + 1 = 5 [heuristic, GA110]" in text
    assert "5000 requests in flight" in text
    assert "gunicorn[gevent]" in text
    assert "gunicorn -c gunicorn.conf.py app:app" in " ".join(text.split())
    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_recommend_speaks_of_this_machine_unless_one_is_declared(project: Path) -> None:
    result = gunitune("recommend", project, cwd=project)
    assert "this machine: if it is your laptop, declare the target" in " ".join(
        result.stdout.split()
    )


def test_recommend_as_json(project: Path) -> None:
    found = document(
        gunitune("recommend", project, *TARGET, "-f", "json", cwd=project), "recommend"
    )
    assert found["schema"] == "gunitune/recommend/1"
    assert found["host"]["cpus"] == 2
    assert found["app"]["kind"] == "io"
    assert found["app"]["framework"] == "flask"
    workers = found["settings"]["workers"]
    assert (workers["value"], workers["rule"], workers["basis"]) == (5, "GA110", "heuristic")
    assert found["capacity"]["in_flight"] == 5000


def test_recommend_as_markdown(project: Path) -> None:
    result = gunitune("recommend", project, *TARGET, "-f", "markdown", cwd=project)
    assert "| `workers` | `5` | 2 x 2 CPUs + 1 = 5" in result.stdout


def test_recommend_colours_when_told_to(project: Path) -> None:
    plain = gunitune("recommend", project, *TARGET, cwd=project).stdout
    colored = gunitune("recommend", project, *TARGET, "--color", "always", cwd=project).stdout
    assert "\x1b[" in colored
    uncolored = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in uncolored.splitlines()] == plain.splitlines()


def test_emit_gives_python_that_says_why(project: Path) -> None:
    result = gunitune("emit", project, *TARGET, cwd=project)
    assert result.returncode == 0
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(result.stdout, feature_version=(3, 7)).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert values == {"worker_class": "gevent", "workers": 5, "worker_connections": 1000}
    lines = result.stdout.splitlines()
    assert lines[lines.index("workers = 5") - 1].startswith("# 2 x 2 CPUs + 1 = 5")
    assert f"gunitune {__version__}" in lines[0]
    assert any("app.py:9" in line for line in lines)


def test_emit_gives_the_same_bytes_again_even_over_its_own_file(project: Path) -> None:
    conf = project / "gunicorn.conf.py"
    texts = []
    for _ in range(2):
        with conf.open("w") as file:  # as a shell does: emptied before gunitune starts
            command = [sys.executable, "-m", "gunitune", "emit", *TARGET, "-q"]
            subprocess.run(command, cwd=project, stdout=file, check=True, timeout=60)
        texts.append(conf.read_bytes())
    assert texts[0] == texts[1] != b""


def test_emit_to_a_file_shows_the_difference_and_wants_force(project: Path) -> None:
    conf = project / "gunicorn.conf.py"
    assert gunitune("emit", ".", *TARGET, "-o", conf, cwd=project).returncode == 0
    before = conf.read_text()
    assert gunitune("emit", ".", *TARGET, "-o", conf, cwd=project).returncode == 0
    other = gunitune("emit", ".", "--cpus", "4", "-o", conf, cwd=project)
    assert other.returncode == 2
    assert "+workers = 9" in other.stderr
    assert other.stderr.splitlines()[-1] == (
        f"gunitune: {conf} exists and differs: --force overwrites it"
    )
    assert conf.read_text() == before
    forced = gunitune("emit", ".", "--cpus", "4", "-o", conf, "--force", cwd=project)
    assert (forced.returncode, forced.stdout) == (0, "")
    assert "workers = 9" in conf.read_text()


def test_emit_as_arguments_and_environment(project: Path) -> None:
    arguments = gunitune("emit", project, *TARGET, "-f", "args", cwd=project).stdout
    assert shlex.split(arguments) == [
        "--worker-class=gevent", "--workers=5", "--worker-connections=1000",
    ]  # fmt: skip
    environment = gunitune("emit", project, *TARGET, "-f", "env", cwd=project).stdout
    (assignment,) = shlex.split(environment)
    name, value = assignment.split("=", 1)
    assert (name, shlex.split(value)) == ("GUNICORN_CMD_ARGS", shlex.split(arguments))


def test_emit_warns_on_stderr_and_not_when_quiet(project: Path) -> None:
    loud = gunitune("emit", project, "--cpus", "0.5", cwd=project)
    assert "warning: 0.5 of a CPU" in loud.stderr
    quiet = gunitune("emit", project, "--cpus", "0.5", "-q", cwd=project)
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout


def test_what_a_project_writes_cannot_leave_its_comment(tmp_path: Path) -> None:
    evil = "workers = 99"
    files = {
        **FLASK_IO,
        f"a\n{evil}\r\u2028x.py": FLASK_IO["app.py"],
        "requirements.txt": f"flask\nrequests\ngunicorn==25.3.0\x0c{evil}\n",
    }
    project = write_project(tmp_path / "shop", files)
    for more in ((), ("--dynamic",)):
        result = gunitune("emit", project, *TARGET, *more, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert not any(line.strip() == evil for line in result.stdout.splitlines())
        assert "99" not in {
            ast.unparse(node.value)
            for node in ast.parse(result.stdout).body
            if isinstance(node, ast.Assign)
        }


def test_compare_shows_who_would_be_killed(project: Path) -> None:
    result = gunitune("compare", project, *TARGET, cwd=project)
    assert result.returncode == 0
    assert "129" in result.stdout
    assert re.search(r"documentation +129 +12.6 GiB +no ", result.stdout)
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    found = document(gunitune("compare", project, *TARGET, "-f", "json", cwd=project), "compare")
    workers = {answer["name"]: answer["workers"] for answer in found["answers"]}
    assert workers == {
        "Gunicorn's default": 1,
        "Gunicorn's documentation": 129,
        "Gunicorn's Docker image": 129,
        "uvicorn-gunicorn image": 64,
        "Heroku's buildpack": 4,
        "OpenShift's s2i-python": 4,
        "3N": 192,
        "Passenger's guide": 7,
        "gunitune": 5,
    }
    killed = {answer["name"] for answer in found["answers"] if answer["killed"]}
    assert killed == {
        "Gunicorn's documentation", "Gunicorn's Docker image", "uvicorn-gunicorn image", "3N",
    }  # fmt: skip
    markdown = gunitune("compare", project, *TARGET, "-f", "markdown", cwd=project).stdout
    assert "| Gunicorn's documentation | 129 |" in markdown


def test_compare_knows_the_bug_of_half_a_cpu(project: Path) -> None:
    half = ("--cpus", "500m", "--memory", "512M", "--cores", "64", "--worker-memory", "150M")
    found = document(gunitune("compare", project, *half, "-f", "json", cwd=project), "compare")
    workers = {answer["name"]: answer["workers"] for answer in found["answers"]}
    assert workers["OpenShift's s2i-python"] == 11
    assert workers["Passenger's guide"] == 2
    assert workers["Heroku's buildpack"] == 2


def test_compare_without_memory_says_what_it_cannot_tell(project: Path) -> None:
    result = gunitune("compare", project, "--cpus", "2", "-f", "json", cwd=project)
    found = document(result, "compare")
    (heroku,) = [item for item in found["answers"] if item["name"] == "Heroku's buildpack"]
    assert heroku["workers"] is None
    assert heroku["workers_unknown"] == "memory not declared: pass --memory"
    assert gunitune("compare", project, "--cpus", "2", cwd=project).stdout.count("?") >= 2


def test_rules_are_listed_and_explained(tmp_path: Path) -> None:
    listed = gunitune("rule", cwd=tmp_path)
    assert "GA310  guard" in listed.stdout
    whole = gunitune("rule", "memory-fit", cwd=tmp_path).stdout
    assert "GA310 memory-fit (guard" in whole
    assert "budget = host.memory_bytes * goal.memory_share" in whole
    found = document(gunitune("rule", "ga310", "-f", "json", cwd=tmp_path), "rule")
    assert [item["name"] for item in found["rules"]] == ["memory-fit"]


def test_probe_as_json(tmp_path: Path) -> None:
    found = document(gunitune("probe", "-f", "json", cwd=tmp_path), "probe")
    assert found["host"]["cpus"] > 0


def test_probe_of_a_snapshot_asks_this_machine_nothing(tmp_path: Path) -> None:
    import hosts

    (case, *_) = [case for case in hosts.host_cases() if case["expect"].get("cpus") == 0.5]
    root = tmp_path / "snapshot"
    hosts.build(case, root)
    result = gunitune("probe", "-f", "json", "--sysroot", root, cwd=tmp_path)
    found = document(result, "probe")
    assert found["host"]["cpus"] == 0.5
    assert found["host"]["origin"] != "this machine"
    assert found["installed"]["python"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recommend", "nowhere"], "'nowhere': No such file or directory"),
        (["recommend", "--cpus", "many"], "flag --cpus: 'many' is not a number of CPUs"),
        (["recommend", "--memory", "1 PB"], "flag --memory: '1 PB' is not a size"),
        (["recommend", "--kind", "fast"], "is not one of io, cpu, memory, unknown"),
        (["recommend", "--bogus"], "No such option: --bogus"),
        (["recommend", "a", "b"], "unexpected extra argument"),
        (["recommend", "-f", "yaml"], "use one of json, markdown, text"),
        (["recommend", "--ask"], "--ask needs a terminal"),
        (["recommend", "--settings", "absent.toml"], "absent.toml: can't be read"),
        (["emit", "-f", "json"], "use one of args, conf, env"),
        (["emit", "--dynamic", "-f", "env"], "--dynamic writes a conf"),
        (["emit", "-o", "no/such/folder.py"], "name another file"),
        (["compare", "-f", "conf"], "use one of json, markdown, text"),
        (["probe", "--sysroot", "nowhere"], "nowhere"),
        (["rule", "GA999"], "there is no rule 'GA999'"),
        (["tell"], "No such command 'tell'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    project: Path, arguments: list[str], words: str
) -> None:
    assert words in complaint(gunitune(*arguments, cwd=project))


@pytest.mark.parametrize("path", ["a\0b", Path("x" * 5000)], ids=["null byte", "too long"])
def test_a_path_that_cannot_be_is_an_error_of_ours(path: Any) -> None:
    import gunitune as package

    with pytest.raises(package.GunituneError):
        package.recommend(path)


def test_a_broken_settings_file_is_one_line(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune]\nkinds = 'io'\n")
    assert "did you mean 'kind'?" in complaint(gunitune("recommend", cwd=project))
    assert gunitune("recommend", "--no-settings", cwd=project).returncode == 0


def test_a_broken_project_rule_is_one_line(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.gunitune]\nrules = ['ops']\n")
    (project / "ops").mkdir()
    (project / "ops" / "GX1-x.toml").write_text("id = 'GX1'\n")
    line = complaint(gunitune("emit", cwd=project))
    assert "GX1-x.toml: name: Field required" in line


def test_settings_come_from_the_environment_too(project: Path) -> None:
    result = gunitune("emit", "-f", "args", cwd=project, env={"GUNITUNE_CPUS": "4"})
    assert "--workers=9" in result.stdout


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m gunitune rule -f json | head -c 10"
    result = subprocess.run(
        command, shell=True, cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.stdout, result.stderr) == ('{\n  "schem', "")


def in_shell(
    command: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `gunitune` is the real command."""
    python = shlex.quote(sys.executable)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GUNITUNE_")}
    return subprocess.run(
        ["bash", "-c", f'gunitune() {{ {python} -m gunitune "$@"; }}; {command}'],
        cwd=cwd, env={**clean, **(env or {})},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("--version >&-", "stdout: not writable"),
        ("--help >&-", "stdout: not writable"),
        ("emit >&-", "stdout: not writable"),
        ("recommend 1</dev/null", "stdout: Bad file descriptor"),
        ("emit nope >&-", "'nope': No such file or directory: name the folder of the project"),
        ("recommend --ask <&-", "--ask needs a terminal: say it with --kind and the other flags"),
        ("--version >/dev/full", "stdout: No space left on device"),
        ("--help >/dev/full", "stdout: No space left on device"),
        ("recommend >/dev/full", "stdout: No space left on device"),
        (
            "emit -o /dev/stdout >/dev/full",
            "/dev/stdout: No space left on device: name another file",
        ),
        ("emit -o /dev/stdout >&-", "/dev/stdout: Bad file descriptor: name another file"),
        ("emit -o . >&-", ". is neither a file nor a stream: name another file"),
    ],
)
def test_a_result_that_cannot_be_printed_is_one_line(
    project: Path, command: str, line: str
) -> None:
    assert complaint(in_shell(f"gunitune {command}", project)) == f"gunitune: {line}\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("emit nope 2>&-", 2),
        ("emit nope 2>/dev/full", 2),
        ("emit nope <&- >&- 2>&-", 2),
        ("emit -o app.py 2>/dev/full", 2),
        ("emit --cpus 0.5 2>/dev/full >/dev/null", 0),
        ("recommend 2>&- >/dev/null", 0),
        ("recommend <&- >/dev/null", 0),
        ("emit -o new.py >&-", 0),
    ],
)
def test_what_cannot_be_complained_about_still_has_its_exit_code(
    project: Path, command: str, code: int
) -> None:
    result = in_shell(f"gunitune {command}", project)
    assert (result.returncode, result.stdout, result.stderr) == (code, "", "")


def test_an_error_into_a_pipe_that_nobody_reads_is_still_one(project: Path) -> None:
    for command in ("gunitune emit nope", "gunitune emit -o app.py"):
        left = in_shell(f"{{ {command}; echo $? >code; }} 2>&1 | true", project)
        assert (left.stdout, left.stderr) == ("", "")
        assert (project / "code").read_text() == "2\n"


def test_streams_are_named_as_files_too(project: Path) -> None:
    plain = gunitune("emit", *TARGET, "-q", cwd=project).stdout
    emit = f"gunitune emit {shlex.join(TARGET)} -q -o"
    assert in_shell(f"{emit} /dev/stdout | cat", project).stdout == plain
    assert in_shell(f"{emit} >(cat) | cat", project).stdout == plain
    assert in_shell(f"{emit} /dev/stderr", project).stderr == plain
    appended = in_shell(f"echo before >log; {emit} /dev/stdout >>log; cat log", project)
    assert appended.stdout == "before\n" + plain


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_what_a_stream_cannot_encode_is_escaped(tmp_path: Path, env: dict[str, str]) -> None:
    project = write_project(tmp_path / "shop", {"café.py": FLASK_IO["app.py"]})
    result = in_shell("gunitune recommend; gunitune rule é", project, env)
    assert result.returncode == 2
    assert "caf\\xe9" in result.stdout or "caf\\udcc3\\udca9" in result.stdout
    assert re.search(r"gunitune: there is no rule '\\+(xe9|udcc3\\+udca9)'", result.stderr)


def test_a_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop")
    (project / "app.py").rename(project / os.fsdecode(b"caf\xe9.py"))
    for command in ("recommend", "recommend -f json", "emit", "emit -o new.py"):
        result = in_shell(f"gunitune {command}", project, {"PYTHONIOENCODING": "utf-8:strict"})
        assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["recommend", "emit --no-settings", "compare", "rule"])
def test_a_current_folder_that_is_gone_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    from gunitune.cli import run

    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run(command.split()) == 2
    assert capsys.readouterr() == (
        "", "gunitune: the current folder is gone: change to one that exists\n",
    )  # fmt: skip


def test_complaints_and_warnings_do_not_drive_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from gunitune.cli import _hint, run

    assert run(["recommend", "a\x1b[2J\nb"]) == 2
    _hint(["b\x1b]0;owned\x07"])
    complained, warned = capsys.readouterr().err.splitlines()
    assert complained.isprintable()
    assert warned == r"gunitune: warning: b\x1b]0;owned\x07"


def test_an_answer_that_is_no_text_is_asked_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    typed = b"\xff\n3\n\n\n\n\n".decode("latin-1")
    code, shown = in_terminal(["recommend", "--ask", *TARGET], project, typed, "latin-1")
    assert code == 0, shown
    assert "please answer with a number from 1 to 4" in shown


def test_an_error_of_our_own_is_one_line_and_says_how_to_see_more(project: Path) -> None:
    broken = (
        "import sys, gunitune.api\n"
        "def fail(*_): raise RuntimeError('boom')\n"
        "gunitune.api.recommend_with = fail\n"
        "from gunitune.cli import run\n"
        "sys.exit(run(['recommend']))\n"
    )
    command = [sys.executable, "-c", broken]
    result = subprocess.run(
        command, cwd=project, capture_output=True, text=True, timeout=60, check=False
    )
    assert "internal error: RuntimeError: boom" in complaint(result)
    debug = {**os.environ, "GUNITUNE_DEBUG": "1"}
    result = subprocess.run(
        command, cwd=project, capture_output=True, text=True, timeout=60, check=False, env=debug
    )
    assert "Traceback" in result.stderr


def in_terminal(
    arguments: list[str], cwd: Path, typed: str = "", encoding: str = "utf-8"
) -> tuple[int, str]:
    """Run the command in a real pseudo-terminal of 80 columns; exit code and what it showed."""
    import fcntl
    import struct
    import termios

    pid, leader = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "gunitune", *arguments],
            {**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.write(leader, typed.encode(encoding))
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    _, status = os.waitpid(pid, 0)
    os.close(leader)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


def test_a_terminal_gets_colours_and_a_bar_for_a_large_project(tmp_path: Path) -> None:
    many = {f"pkg/m{number}.py": f"import os\nx = {number}\n" for number in range(400)}
    project = write_project(tmp_path / "big", {**FLASK_IO, **many})
    code, shown = in_terminal(["recommend", "--cpus", "2"], project)
    assert code == 0
    assert "reading the project" in shown
    assert "\x1b[" in shown
    assert "gevent" in shown


def test_ask_asks_plain_questions_until_they_are_answered(project: Path) -> None:
    typed = "9\n3\nlots\n300M\n\n20\ny\n"
    code, shown = in_terminal(["recommend", "--ask", *TARGET], project, typed)
    assert code == 0, shown
    assert "please answer with a number from 1 to 4" in shown
    assert "'lots' is not a size" in shown
    assert "as you said" in shown
    assert "max_requests" in shown
    assert "gthread" in shown
    assert "declared: flag --worker-memory" in " ".join(shown.split())


def test_who_does_not_know_the_kind_is_asked_about_the_cpus(project: Path) -> None:
    code, shown = in_terminal(["recommend", "--ask", *TARGET], project, "4\n2\n\n\n\nn\n")
    assert code == 0, shown
    assert "CPU-bound" in shown


def test_control_c_is_130_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop")
    out = project / "gunicorn.conf.py"
    command = [sys.executable, "-c", (
        "import sys, time, gunitune.api\n"
        "def wait(*_): print('waiting', file=sys.stderr, flush=True); time.sleep(60)\n"
        "gunitune.api.recommend_with = wait\n"
        "from gunitune.cli import run\n"
        f"sys.exit(run(['emit', '-o', {str(out)!r}]))\n"
    )]  # fmt: skip
    process = subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "waiting\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "")
    assert not out.exists()
