"""Load generators on PATH: told from namesakes, asked as documented, their words understood.

wrk is run for real where it is installed. oha, vegeta and k6 have no package here: a script of
their name stands in for each, which notes how it was called and prints what the real one's
documentation says that it prints (for k6, what k6 1.1.0 printed).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from array import array
from base64 import b64decode
from pathlib import Path
from typing import Any

import psutil
import pytest

from answering import answering
from gunitune.errors import GunituneError, UsageError
from gunitune.load.external import k6, oha, onpath, vegeta, wrk
from gunitune.load.external.process import run
from gunitune.load.external.tool import Job, Tool, is_expected, kind_of, missing
from gunitune.load.quantiles import latency_of
from gunitune.load.run import EXTERNAL, generate
from gunitune.model import Unknown
from gunitune.trial import Latency, Load, Request

SRC = Path(__file__).resolve().parent.parent / "src"
RECORDED = Path(__file__).parent / "fixtures" / "load" / "k6-1.1.0.txt"
VERSIONS = {
    "oha": "oha 1.15.0",
    "vegeta": "Version: v12.13.0\nCommit: cf58112\nRuntime: go1.24.0 linux/amd64\nDate: today",
    "wrk": "wrk 4.2.0 [epoll] Copyright (C) 2012 Will Glozer\nUsage: wrk <options> <url>",
    "k6": "k6 v1.1.0 (commit/0e3fb953be, go1.24.4, linux/amd64)",
}
# The keys and units of oha's schema.json.
OHA = {
    "summary": {"successRate": 0.99, "total": 2.0, "slowest": 0.5, "average": 0.02},
    "latencyPercentiles": {
        "p10": 0.001, "p25": 0.002, "p50": 0.01, "p75": 0.02, "p90": 0.03,
        "p95": 0.04, "p99": 0.1, "p99.9": 0.2, "p99.99": 0.4,
    },
    "statusCodeDistribution": {"200": 990, "503": 10},
    "errorDistribution": {
        "aborted due to deadline": 8,
        "Connection refused (os error 111)": 3,
        "timeout": 2,
        "connection closed before message completed": 1,
    },
}  # fmt: skip
# The columns that vegeta's README lists for `encode --to csv`: time, status, latency, bytes out
# and in, error, body, name, sequence, method, URL, headers.
VEGETA = """\
1700000000000000000,200,5000000,0,2,,,,0,GET,http://127.0.0.1:8000/,Q29u
1700000000100000000,200,15000000,0,2,,,,1,GET,http://127.0.0.1:8000/,Q29u
1700000000200000000,503,1000000,0,2,503 Service Unavailable,,,2,GET,http://127.0.0.1:8000/,
1700000000300000000,0,1000000,0,0,"Get ""http://127.0.0.1:8000/"": connection refused",,,3,GET,,
1700000000400000000,0,1000000,0,0,"Get ""http://127.0.0.1:8000/"": EOF",,,4,GET,,
1700000000450000000,200,900000000,0,2,,,,5,GET,http://127.0.0.1:8000/,Q29u
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH but for the interpreter's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def stand_in(folder: Path, name: str, text: str, version: str | None = None, code: int = 0) -> Path:
    """A program that prints the text, or its version; gives where it notes how it was called."""
    program, calls = folder / name, folder.parent / "calls"
    said = VERSIONS[name] if version is None else version
    body = f"""\
        #!{sys.executable}
        import os, sys
        if sys.argv[1] in ("version", "--version", "-version"):
            print({said!r})
            sys.exit(1)  # as wrk does
        with open({str(calls)!r}, "a") as file:
            told = [os.environ.get("K6_NO_USAGE_REPORT"), os.environ.get("K6_VUS")]
            print([sys.argv[1:], told, sorted(os.sched_getaffinity(0))], file=file)
        print({text!r}, end="")
        if {code}:
            print("it failed\\nbecause", file=sys.stderr)
        sys.exit({code})
        """
    program.write_text(textwrap.dedent(body), encoding="utf-8")
    program.chmod(0o755)
    return calls


def a_job(tmp_path: Path, **changes: Any) -> Job:
    """A run of a second against port 8000."""
    return Job(Load(**changes), "127.0.0.1", 8000, 1.0, tmp_path)


def asked(tool: Tool, job: Job) -> str:
    """The command line of a run."""
    return " ".join(tool.command(job).arguments)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_wrk_counts_what_it_loads() -> None:
    with answering() as got:
        requests = (Request("/", headers=(("X-A", "b"),)),)
        load = Load(requests, concurrency=2, warmup_s=0.0, duration_s=1.0, keep_alive=False)
        heard: list[int] = []
        answered = generate(
            load,
            "127.0.0.1",
            got.port,
            generator="wrk",
            on_start=lambda: heard.append(got.requests),
            on_end=lambda: heard.append(got.requests),
        )
    assert heard[0] == 0
    assert 0 < answered.served <= heard[1] <= answered.served + 4
    assert b"X-A: b" in got.heads[0]
    assert b"Connection: close" in got.heads[0]
    assert answered.window_s > 0.9
    assert isinstance(answered.latency, Unknown)
    assert answered.generator == "wrk"
    assert 0 < answered.generator_cpu_s < 2


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_wrk_tells_of_errors() -> None:
    with answering() as got:
        load = Load((Request("/error"),), concurrency=2, warmup_s=0.0, duration_s=1.0)
        answered = generate(load, "127.0.0.1", got.port, generator="wrk")
    assert answered.served == 0
    assert list(answered.errors) == ["status of 400 or more"]


def test_what_wrk_prints_is_understood(tmp_path: Path) -> None:
    text = """
      1200 requests in 2.00s, 3.30MB read
      Socket errors: connect 1, read 2, write 3, timeout 4
      Non-2xx or 3xx responses: 200
    """
    outcome = wrk.read(text, a_job(tmp_path))
    assert (outcome.served, outcome.duration_s) == (1000, 2.0)
    errors = {"refused": 1, "reset": 5, "timeout": 4, "status of 400 or more": 200}
    assert outcome.errors == errors
    assert wrk.read("5 requests in 1.50m, 1B read", a_job(tmp_path)).duration_s == 90


@pytest.mark.parametrize(
    ("load", "why"),
    [
        (Load(rps=10), "no open loop"),
        (Load((Request(), Request("/x"))), "one GET"),
        (Load((Request(method="HEAD"),)), "one GET"),
        (Load((Request(body=b"x"),)), "one GET"),
        (Load(expect=frozenset({404})), "every status from 200 to 399"),
    ],
)
def test_wrk_is_not_asked_for_what_it_can_not_do(load: Load, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        generate(load, "127.0.0.1", 8000, generator="wrk")


def test_oha_is_asked_as_its_readme_says(tmp_path: Path) -> None:
    request = Request("/x", "POST", (("X-A", "b"),), b"\x00body")
    closed = asked(oha.TOOL, a_job(tmp_path, requests=(request,), concurrency=7, timeout_s=2.5))
    assert closed == (
        "--no-tui --no-color --output-format json --redirect 0 --http-version 1.1 -c 7 "
        f"-z 1000ms -t 2500ms -m POST -D {tmp_path / 'body'} -H X-A: b http://127.0.0.1:8000/x"
    )
    assert (tmp_path / "body").read_bytes() == b"\x00body"
    opened = asked(oha.TOOL, a_job(tmp_path, rps=12.5, keep_alive=False))
    assert " -q 12.5 --latency-correction -w --disable-keepalive -m GET http" in opened
    assert "one kind of request" in oha.refused(Load((Request(), Request("/x"))))
    assert oha.refused(Load()) == ""


def test_oha_on_path_is_run_for_the_warm_up_and_the_window(path: Path) -> None:
    calls = stand_in(path, "oha", json.dumps(OHA))
    core = min(os.sched_getaffinity(0))
    load = Load(duration_s=2.0, warmup_s=0.5)
    answered = generate(load, "127.0.0.1", 8000, generator="oha", cores=frozenset({core}))
    warmed, measured = calls.read_text(encoding="utf-8").splitlines()
    assert "'-z', '500ms'" in warmed
    assert "'-z', '2000ms'" in measured
    assert measured.endswith(f"[{core}]]")
    assert (answered.generator, answered.served, answered.window_s) == ("oha", 990, 2.0)
    assert answered.errors == {"status 503": 10, "refused": 3, "timeout": 2, "closed early": 1}
    assert answered.latency == Latency(
        1000, 20.0, 10.0, 30.0, 40.0, 100.0, 200.0, 500.0, 40.0, 200.0
    )
    assert answered.dropped == 0


def test_arrivals_that_oha_did_not_send_are_dropped(tmp_path: Path) -> None:
    assert oha.read(json.dumps(OHA), a_job(tmp_path, rps=1010.0)).dropped == 0
    assert oha.read(json.dumps(OHA), a_job(tmp_path, rps=1500.0)).dropped == 494
    nothing = {**OHA, "statusCodeDistribution": {}, "latencyPercentiles": {"p50": None}}
    assert isinstance(oha.read(json.dumps(nothing), a_job(tmp_path)).latency, Unknown)


def test_vegeta_is_asked_as_its_readme_says(tmp_path: Path) -> None:
    closed = asked(vegeta.TOOL, a_job(tmp_path, concurrency=7, keep_alive=False))
    assert closed == (
        "attack -format=json -http2=false -redirects=-1 -max-body=0 -rate=0 -workers=7 "
        f"-max-workers=7 -duration=1000ms -timeout=30000ms -keepalive=false "
        f"-output={tmp_path / 'results'}"
    )
    opened = asked(vegeta.TOOL, a_job(tmp_path, rps=12.5))
    assert " -rate=12500/1000s -workers=64 -duration=1000ms " in opened
    assert "-max-workers" not in opened
    assert vegeta.report(a_job(tmp_path)).arguments == [
        *("encode", "--to", "csv", str(tmp_path / "results"))
    ]


def test_vegeta_takes_its_targets_by_their_weights(tmp_path: Path) -> None:
    requests = (Request("/a", weight=3), Request("/b", "POST", (("X-A", "b"),), b"\x00"))
    lines = vegeta.targets(a_job(tmp_path, requests=requests)).splitlines()
    targets = [json.loads(line) for line in lines]
    posts = [target for target in targets if target["method"] == "POST"]
    assert len(targets) == vegeta.TARGETS
    assert 0.2 < len(posts) / len(targets) < 0.3
    assert posts[0]["url"] == "http://127.0.0.1:8000/b"
    assert posts[0]["header"]["X-A"] == ["b"]
    assert b64decode(posts[0]["body"]) == b"\x00"
    assert "body" not in next(target for target in targets if target["method"] == "GET")
    assert len(vegeta.targets(a_job(tmp_path)).splitlines()) == 1


def test_vegeta_on_path_attacks_and_then_encodes(path: Path) -> None:
    calls = stand_in(path, "vegeta", VEGETA)
    load = Load(duration_s=1.0, warmup_s=0.0, rps=8.0)
    answered = generate(load, "127.0.0.1", 8000, generator="vegeta")
    attacked, encoded = calls.read_text(encoding="utf-8").splitlines()
    assert attacked.startswith("[['attack', ")
    assert encoded.startswith("[['encode', ")
    assert answered.served == 3
    assert answered.errors == {"status 503": 1, "refused": 1, "closed early": 1}
    assert answered.latency == latency_of(array("d", [0.005, 0.015, 0.9]))
    assert answered.per_slice == (1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    assert answered.dropped == 0  # of 8 arrivals 6: the start and the end may cost one each


def test_the_window_of_the_meters_ends_with_the_load_not_with_its_report(path: Path) -> None:
    calls = stand_in(path, "vegeta", VEGETA)
    heard: list[int] = []

    def note() -> None:
        heard.append(len(calls.read_text(encoding="utf-8").splitlines()))

    load = Load(duration_s=1.0, warmup_s=0.5, rps=8.0)
    generate(load, "127.0.0.1", 8000, generator="vegeta", on_start=note, on_end=note)
    assert heard == [2, 3], "a warm-up with its report, then the attack without"


def test_what_vegeta_waits_for_after_a_closed_loop_does_not_count(tmp_path: Path) -> None:
    outcome = vegeta.read(VEGETA, a_job(tmp_path))
    assert outcome.served == 2
    assert vegeta.read(VEGETA, a_job(tmp_path, rps=100.0)).dropped == 94
    assert isinstance(vegeta.read("", a_job(tmp_path)).latency, Unknown)


def test_k6_is_asked_to_keep_to_the_load(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K6_VUS", "1000")  # the user's own, for other uses of k6
    calls = stand_in(path, "k6", RECORDED.read_text(encoding="utf-8"))
    load = Load(duration_s=1.0, warmup_s=0.0, rps=300.0)
    answered = generate(load, "127.0.0.1", 8000, generator="k6")
    (call,) = calls.read_text(encoding="utf-8").splitlines()
    assert "'--no-usage-report'" in call
    assert "['true', None]" in call
    assert (answered.served, answered.dropped) == (225, 11)
    assert answered.errors == {"status 500": 27, "reset": 38}
    assert isinstance(answered.latency, Latency)
    assert answered.latency.p50_ms == pytest.approx(0.204807)
    assert answered.latency.p99_low_ms < answered.latency.p99_ms < answered.latency.p99_high_ms


def test_k6_gets_a_script_with_the_requests_and_the_arrivals(tmp_path: Path) -> None:
    requests = (Request("/a", weight=3), Request("/b", "POST", (("X-A", "b"),), b"\x00"))
    job = a_job(tmp_path, requests=requests, rps=12.5, keep_alive=False, timeout_s=2.0)
    assert f"GUNITUNE_JOB={tmp_path / 'job.json'} {tmp_path / 'script.js'}" in asked(k6.TOOL, job)
    told = json.loads((tmp_path / "job.json").read_text(encoding="utf-8"))
    assert (tmp_path / "script.js").read_text(encoding="utf-8") == k6.SCRIPT
    assert told["options"]["scenarios"]["load"] == {
        "executor": "constant-arrival-rate",
        "rate": 12500,
        "timeUnit": "1000s",
        "preAllocatedVUs": 64,
        "maxVUs": 2000,
        "gracefulStop": "2000ms",
        "duration": "1000ms",
    }
    assert told["options"]["noConnectionReuse"] is True
    assert told["expect"] == list(range(200, 300))
    assert told["weight"] == 4
    assert told["requests"][1]["headers"]["X-A"] == "b"
    assert b64decode(told["requests"][1]["body"]) == b"\x00"
    closed = k6.options(Job(Load(concurrency=7), "127.0.0.1", 8000, 0.4, tmp_path))
    assert closed["scenarios"]["load"] == {
        "executor": "constant-vus",
        "vus": 7,
        "gracefulStop": "0s",
        "duration": "1000ms",  # k6 takes no less
    }


def test_k6_that_got_no_answer_has_no_latency(tmp_path: Path) -> None:
    metrics = {"kind_error_1212": {"values": {"count": 5}}, "kind_other": {"values": {"count": 1}}}
    outcome = k6.read(f"{k6.MARK}{json.dumps(metrics)}", a_job(tmp_path))
    assert outcome.errors == {"refused": 5, "other": 1}
    assert isinstance(outcome.latency, Unknown)
    assert (outcome.served, outcome.dropped) == (0, 0)


@pytest.mark.parametrize("name", EXTERNAL)
def test_a_generator_that_is_not_installed_is_one_clear_error(name: str, path: Path) -> None:
    assert path.is_dir()
    with pytest.raises(UsageError, match=f"load generator {name} is not on PATH") as refused:
        generate(Load(), "127.0.0.1", 8000, generator=name)
    assert "the embedded one needs nothing" in refused.value.hint


@pytest.mark.parametrize("name", EXTERNAL)
def test_another_program_of_the_same_name_is_not_run(name: str, path: Path) -> None:
    calls = stand_in(path, name, "", version="a game, version 1.0\nwith more lines")
    with pytest.raises(UsageError, match=f"not the load generator {name}: it says 'a game, ver"):
        generate(Load(), "127.0.0.1", 8000, generator=name)
    assert not calls.exists()


def test_a_program_that_does_not_tell_its_version_is_not_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onpath, "VERSION_TIMEOUT_S", 0.3)
    program = path / "oha"
    program.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="not the load generator oha: it says ''"):
        generate(Load(), "127.0.0.1", 8000, generator="oha")


@pytest.mark.parametrize("name", EXTERNAL)
def test_a_generator_that_fails_says_why(name: str, path: Path) -> None:
    stand_in(path, name, "", code=3)
    with pytest.raises(GunituneError, match=f"{name} failed with code 3: because"):
        generate(Load(warmup_s=0.0), "127.0.0.1", 8000, generator=name)


@pytest.mark.parametrize("name", ["oha", "wrk", "k6", "vegeta"])
@pytest.mark.parametrize("text", ["something else\n", '{"summary": {}}', "[]", '{"a": 1}'])
def test_words_that_are_not_as_documented_are_an_error(
    name: str, text: str, tmp_path: Path
) -> None:
    with pytest.raises(GunituneError, match=f"what {name} printed was not understood"):
        onpath.tool_of(name).read(text, a_job(tmp_path))


def test_a_program_that_hangs_is_ended() -> None:
    before = set(psutil.Process().children())
    with pytest.raises(GunituneError, match=r"did not end within 0\.3 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.3)
    assert set(psutil.Process().children()) == before


def test_a_program_ends_with_the_caller_that_was_killed(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    inner = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    code = (
        "import sys; from gunitune.load.external.process import run; "
        f"run([sys.executable, '-c', {inner!r}], timeout_s=60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SRC)}
    ) as caller:
        while not (mark.exists() and mark.read_text(encoding="utf-8")):
            assert caller.poll() is None
            time.sleep(0.02)
        pid = int(mark.read_text(encoding="utf-8"))
        caller.send_signal(signal.SIGKILL)
        caller.wait()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_program_took_is_counted() -> None:
    ran = run([sys.executable, "-c", "print(input()); 1/0"], stdin=b"x\n", timeout_s=30)
    assert (ran.output, ran.code) == ("x\n", 1)
    assert "ZeroDivisionError" in ran.complaint
    assert ran.cpu_s > 0


def test_errors_are_known_by_the_words_of_the_libraries() -> None:
    kinds = {
        "dial tcp 127.0.0.1:6060: connect: connection refused": "refused",
        "read: connection reset by peer": "reset",
        "write: broken pipe": "reset",
        "context deadline exceeded (Client.Timeout exceeded)": "timeout",
        "unexpected EOF": "closed early",
        "malformed HTTP response": "malformed",
        "socket: too many open files": "too many open files",
        "Something New": "something new",
        "": "unknown",
    }
    assert {text: kind_of(text) for text in kinds} == kinds
    assert is_expected(299, frozenset())
    assert not is_expected(302, frozenset())
    assert is_expected(302, frozenset({302}))
    assert (missing(100.7, 98), missing(100, 90), missing(10_000, 9_950)) == (0, 10, 0)
