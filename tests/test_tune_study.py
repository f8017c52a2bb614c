"""A study on disk: what is written comes back the same, and a cut one goes on as if uncut."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids import Simulated, Surface, wanted
from gunitune.model import Unknown
from gunitune.serve.failure import ServeError
from gunitune.trial import Block, Choice, Load, Request
from gunitune.tune.codec import from_json, to_json
from gunitune.tune.record import Recorded
from gunitune.tune.result import Tuned
from gunitune.tune.run import tune
from gunitune.tune.study import Entry, Failure, StudyError, begin, read, resume

CHOICE = Choice("gthread", 2, 4, 4, (("keepalive", 0), ("reuse_port", None)))
SUBJECT = {"app": "app:app", "cpus": 2.0}
SURFACE = Surface(fails=frozenset({"gevent"}))


def a_block(**changes: object) -> Block:
    block = Simulated(Surface()).run(Choice("sync", 2), Load(), phase="search", round=3)
    return replace(block, **changes)  # type: ignore[arg-type]


def again(block: Block) -> Block:
    made: Block = from_json(Block, json.loads(json.dumps(to_json(block))))
    return made


def test_a_block_comes_back_the_same() -> None:
    load = Load(
        requests=(Request("/", "POST", (("A", "b"),), b"\xff\x00", 2.0), Request("/x")),
        rps=12.5,
        expect=frozenset({302, 200}),
    )
    usage = replace(a_block().usage, pss_bytes=Unknown("no smaps"), per_worker_cpu_s=(1.5, 0.25))
    answered = replace(a_block().answered, latency=Unknown("wrk"), errors={"status 500": 3})
    block = a_block(choice=CHOICE, load=load, usage=usage, answered=answered, void=("steal",))
    assert again(block) == block
    assert again(a_block()) == a_block()


@given(
    st.builds(
        Request,
        path=st.text(),
        headers=st.lists(st.tuples(st.text(), st.text()), max_size=2).map(tuple),
        body=st.binary(),
        weight=st.floats(0, 1e6),
    )
)
def test_any_request_comes_back_the_same(request: Request) -> None:
    load = Load(requests=(request,))
    assert from_json(Load, json.loads(json.dumps(to_json(load)))) == load


def test_keys_of_a_newer_release_are_passed_over_and_missing_ones_have_their_default() -> None:
    value = to_json(a_block())
    value["hue"] = "blue"
    del value["confined"]
    assert from_json(Block, value) == a_block()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("choice", None),
        ("choice", {"workers": 1}),
        ("boot_s", "1"),
        ("boot_s", True),
        ("void", "steal"),
        ("void", [1]),
        ("answered", []),
        ("round", 1.5),
        ("load", {"expect": {"200": 1}}),
        ("load", {"requests": [{"body": "no base64!"}]}),
        ("load", {"requests": [{"headers": [["a", "b", "c"]]}]}),
    ],
)
def test_what_is_no_block_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_json(Block, to_json(a_block()) | {key: value})


def test_errors_must_be_an_object() -> None:
    value = to_json(a_block())
    value["answered"]["errors"] = ["status 500"]
    with pytest.raises(ValueError, match="no object"):
        from_json(Block, value)


def run(path: Path, *, resumed: bool = False, budget_s: float = 120.0, seed: int = 1) -> Tuned:
    request = wanted(SURFACE, budget_s=budget_s, current=Choice("gthread", 3, 4), seed=seed)
    open_ = resume if resumed else begin
    study = open_(path, request.subject())
    try:
        return tune(Simulated(SURFACE, seed=seed), request, study=study)
    finally:
        study.close()


def test_resumed_wherever_it_was_cut_a_study_ends_the_same(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole.jsonl")
    content = (tmp_path / "whole.jsonl").read_bytes()
    head = content.index(b"\n") + 1
    path = tmp_path / "cut.jsonl"
    for share in (0.0, 0.02, 0.11, 0.33, 0.5, 0.51, 0.77, 0.9, 0.999, 1.0):
        path.write_bytes(content[: head + int(share * (len(content) - head))])
        found = run(path, resumed=True)
        assert found.standings == whole.standings
        assert found.against == whole.against
        assert found.finals == whole.finals
        assert found.blocks == whole.blocks
        assert found.spent_s == pytest.approx(whole.spent_s)
        assert len(path.read_bytes()) == pytest.approx(len(content), abs=200)


def test_a_resumed_study_runs_nothing_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    run(path)
    request = wanted(SURFACE, budget_s=120.0, current=Choice("gthread", 3, 4), seed=1)
    bench = Simulated(SURFACE, seed=1)
    study = resume(path, request.subject())
    tune(bench, request, study=study)
    study.close()
    assert bench.ran == []


def test_a_larger_budget_goes_on_from_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    short = run(path)
    request = wanted(SURFACE, budget_s=240.0, current=Choice("gthread", 3, 4), seed=1)
    bench = Simulated(SURFACE, seed=1)
    study = resume(path, request.subject())
    longer = tune(bench, request, study=study)
    study.close()
    assert short.spent_s < longer.spent_s <= 247
    assert bench.clock == pytest.approx(longer.spent_s - short.spent_s, abs=1)
    assert sum(each.blocks for each in longer.standings) > sum(e.blocks for e in short.standings)


def test_every_block_is_on_the_disk_when_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "one.jsonl"
    study = begin(path, SUBJECT)
    study.write(Entry(1.5, 1.25, a_block()))
    study.write(Entry(2.5, 1.0, Failure(CHOICE, "search", 0, "no gevent", "install it")))
    subject, entries = read(path)
    study.close()
    assert subject == SUBJECT
    assert [entry.at for entry in entries] == [1.5, 2.5]
    assert entries[0].what == a_block()
    assert str(entries[1].what) == "no gevent"


def test_another_app_or_machine_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    begin(path, SUBJECT).close()
    with pytest.raises(StudyError, match=r"cpus was 2\.0 and is 4\.0"):
        resume(path, {"app": "app:app", "cpus": 4.0})
    with pytest.raises(StudyError, match="rest was None and is 1"):
        resume(path, {**SUBJECT, "rest": 1})
    resume(path, SUBJECT).close()


SECRET = Request("/x?token=hunter2hunter2", "POST", (("Authorization", "Bearer s3cr3t"),), b"pw!")


def test_no_secret_of_a_request_is_written_and_the_file_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    load = Load(concurrency=32, requests=(SECRET,))
    request = wanted(SURFACE, budget_s=60.0, load=load)
    study = begin(path, request.subject())
    tuned = tune(Simulated(SURFACE), request, study=study)
    study.close()
    content = path.read_text()
    for secret in ("hunter2hunter2", "s3cr3t", base64.b64encode(b"pw!").decode()):
        assert secret not in content
    assert "Authorization" in content
    assert path.stat().st_mode & 0o777 == 0o600
    study = resume(path, request.subject())
    bench = Simulated(SURFACE)
    assert tune(bench, request, study=study).blocks == tuned.blocks
    study.close()
    assert bench.ran == []


def test_other_requests_are_another_study_and_neither_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    request = wanted(SURFACE, load=Load(requests=(SECRET,)))
    begin(path, request.subject()).close()
    other = replace(request.load, requests=(replace(SECRET, body=b"other"),), concurrency=9)
    with pytest.raises(StudyError) as raised:
        resume(path, replace(request, load=other).subject())
    assert "load (concurrency was 64 and is 9), requests differs: start" in str(raised.value)
    assert "hunter2hunter2" not in str(raised.value)
    assert "Authorization" not in str(raised.value)


def test_a_block_of_other_requests_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    study = begin(path, SUBJECT)
    Recorded(Simulated(Surface()), study, 0.0).run(CHOICE, Load(), phase="search", round=0)
    study.close()
    study = resume(path, SUBJECT)
    bench = Simulated(Surface())
    recorded = Recorded(bench, study, 0.0)
    recorded.run(CHOICE, Load(requests=(SECRET,)), phase="search", round=0)
    assert len(bench.ran) == 1
    recorded.run(CHOICE, Load(), phase="search", round=0)
    assert len(bench.ran) == 1
    study.close()


def test_a_block_of_another_length_is_still_the_same(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    study = begin(path, SUBJECT)
    Recorded(Simulated(Surface()), study, 0.0).run(
        CHOICE, Load(duration_s=2.0), phase="search", round=0
    )
    study.close()
    study = resume(path, SUBJECT)
    bench = Simulated(Surface())
    found = Recorded(bench, study, 0.0).run(CHOICE, Load(duration_s=4.0), phase="search", round=0)
    study.close()
    assert bench.ran == []
    assert found.load.duration_s == 2.0


def test_secrets_in_what_an_app_said_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    study = begin(path, SUBJECT)
    said = "postgresql://shop:hunter2hunter2@db/shop refused"

    class Refusing(Simulated):
        def run(self, choice: Choice, load: Load, *, phase: str, round: int) -> Block:  # noqa: A002
            del choice, load, phase, round
            raise ServeError(said, said)

    with pytest.raises(ServeError) as raised:
        Recorded(Refusing(Surface()), study, 0.0).run(CHOICE, Load(), phase="search", round=0)
    study.close()
    assert "hunter2hunter2" not in path.read_text() + str(raised.value)


def test_the_code_the_config_and_the_generator_are_of_the_subject(tmp_path: Path) -> None:
    conf = tmp_path / "gunicorn.conf.py"
    request = wanted(code="abc")
    request = replace(request, launch=replace(request.launch, conf=conf))
    none = request.subject()
    conf.write_text("keepalive = 5")
    one = request.subject()
    conf.write_text("keepalive = 6")
    two = request.subject()
    assert (none["conf"], len({none["conf"], one["conf"], two["conf"]})) == ("", 3)
    other = replace(request, code="abd", generator="oha").subject()
    assert {key for key in two if two[key] != other[key]} == {"code", "generator"}


def test_the_subject_names_what_must_not_change() -> None:
    request = wanted()
    subject = request.subject()
    other = replace(request, load=Load(concurrency=9)).subject()
    assert {key for key in subject if subject[key] != other[key]} == {"load"}
    unknown = replace(request.host, memory_bytes=Unknown("no meminfo"))
    assert replace(request, host=unknown).subject()["memory"] == "unknown"


def test_a_study_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    begin(path, SUBJECT).close()
    with pytest.raises(StudyError, match="there already: go on with it: --resume"):
        begin(path, SUBJECT)


def test_a_study_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    study = begin(path, SUBJECT)
    with pytest.raises(StudyError, match="in use"):
        resume(path, SUBJECT)
    study.close()


def test_what_is_not_there_or_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no study"):
        resume(tmp_path / "none.jsonl", SUBJECT)
    with pytest.raises(StudyError, match=r"Is a directory"):
        resume(tmp_path, SUBJECT)
    with pytest.raises(StudyError, match=r"none\.jsonl"):
        read(tmp_path / "none.jsonl")
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"File exists|Not a directory"):
        begin(tmp_path / "file" / "one.jsonl", SUBJECT)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", 1),
        ("{}\n", 1),
        ("[]\n", 1),
        ('{"study":"gunitune/study/9","subject":{}}\n', 1),
        ('{"study":"gunitune/study/1","subject":[]}\n', 1),
        ('{"study":"gunitune/study/1","subject":{}}\n{}\n', 2),
        ('{"study":"gunitune/study/1","subject":{}}\nno json\n', 2),
        ('{"study":"gunitune/study/1","subject":{}}\n{"at":1,"took":1,"block":{}}\n', 2),
        ("[" * 100_000 + "\n", 1),
        ("\x00\n", 1),
    ],
)
def test_a_file_that_is_no_study_is_an_error_with_its_line(
    tmp_path: Path, content: str, line: int
) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(content)
    with pytest.raises(StudyError, match=rf"one\.jsonl:{line} can't be read"):
        resume(path, {})
    with pytest.raises(StudyError, match=rf"one\.jsonl:{line} can't be read"):
        read(path)


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(StudyError, match="can't be read"):
        read(path)


def test_time_stands_still_while_blocks_are_read_and_goes_on_after_them(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    choice, load = Choice("sync", 2), Load()
    study = begin(path, SUBJECT)
    first = Recorded(Simulated(Surface(), block_s=3.0), study, 0.0)
    first.run(choice, load, phase="search", round=0)
    first.run(choice, load, phase="search", round=1)
    study.close()
    bench = Simulated(Surface(), block_s=3.0)
    study = resume(path, SUBJECT)
    second = Recorded(bench, study, bench.now())
    assert second.now() == 0.0
    second.run(choice, load, phase="search", round=0)
    assert second.now() == 3.0
    second.run(choice, load, phase="search", round=7)
    assert second.now() == 6.0
    assert second.took == 3.0
    second.run(choice, load, phase="search", round=8)
    assert second.now() == 9.0
    assert len(bench.ran) == 1
    study.close()


def test_a_block_of_another_load_is_not_taken_for_it(tmp_path: Path) -> None:
    study = begin(tmp_path / "one.jsonl", SUBJECT)
    study.write(Entry(1.0, 1.0, a_block()))
    bench = Simulated(Surface())
    recorded = Recorded(bench, study, 0.0)
    recorded.run(a_block().choice, Load(concurrency=3), phase="search", round=3)
    assert len(bench.ran) == 1
    study.close()


def test_a_failure_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    study = begin(path, SUBJECT)
    gevent = Choice("gevent", 2)
    with pytest.raises(ServeError, match="not found"):
        Recorded(Simulated(SURFACE), study, 0.0).run(gevent, Load(), phase="search", round=0)
    study.close()
    bench = Simulated(Surface())
    study = resume(path, SUBJECT)
    with pytest.raises(ServeError, match="not found") as raised:
        Recorded(bench, study, 0.0).run(gevent, Load(), phase="search", round=0)
    study.close()
    assert raised.value.hint == "install it"
    assert bench.ran == []
