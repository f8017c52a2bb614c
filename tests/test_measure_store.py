"""What was measured is kept beside the project, and is outside data when it is read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gunitune import classify, recommend
from gunitune.api import recommend_with
from gunitune.checks.run import STDIN, Check
from gunitune.errors import ProjectError, UsageError
from gunitune.measure.document import document
from gunitune.measure.foretell import foretell
from gunitune.measure.store import load, path_of, save
from gunitune.model import MIB, Quantity, Recommendation, Unknown
from gunitune.render.dynamic import render as dynamic
from gunitune.render.emit.conf import render as static
from gunitune.settings import load_settings
from gunitune.trial import AppFacts
from measured import MISSING, app_facts, measured, number, profile
from project import gunitune, write_project

SCHEMA = Path(__file__).parent.parent / "docs" / "schemas" / "measure-1.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return write_project(tmp_path / "shop")


def advice(project: Path, **options: Any) -> Recommendation:
    return recommend(project, **{"cpus": 2, "memory": "4GiB", **options})


def test_what_is_stored_comes_back(project: Path) -> None:
    facts = app_facts(thread_bytes=Unknown("no time left"), notes=("a note",))
    stored = profile(facts=facts, concurrency=25)
    save(stored, project)
    assert load(project) == stored


def test_more_clients_than_were_measured_are_an_extrapolation(project: Path) -> None:
    measured(project, concurrency=25)
    said = "extrapolated: measured with 25 clients, asked for 26"
    beyond = foretell(str(project), {"cpus": 2, "concurrency": 26})
    assert said in beyond.notes
    assert all(row.prediction.extrapolated for row in beyond.rows)
    assert not any("extrapolated" in note for note in within(project, 25))
    measured(project, concurrency=None)  # as an earlier one was stored
    assert not any("extrapolated" in note for note in within(project, 26))


def within(project: Path, concurrency: int) -> tuple[str, ...]:
    return foretell(str(project), {"cpus": 2, "concurrency": concurrency}).notes


def test_unknown_surroundings_come_back_as_unknown(project: Path) -> None:
    save(profile(gunicorn=MISSING, python=MISSING, memory_bytes=MISSING), project)
    found = load(project)
    assert found is not None
    assert isinstance(found.gunicorn, Unknown)
    assert isinstance(found.memory_bytes, Unknown)


def test_the_folder_keeps_itself_out_of_git(project: Path) -> None:
    save(profile(), project)
    save(profile(), project)
    assert (project / ".gunitune/.gitignore").read_text() == "*\n"
    names = {path.name for path in (project / ".gunitune").iterdir()}
    assert names == {".gitignore", "measure.json"}


def test_without_a_measurement_there_is_none(project: Path) -> None:
    assert load(project) is None


def test_the_document_keeps_its_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    lost = app_facts(wait_ms=MISSING, worker_bytes=MISSING, cpu_ms={})
    for one in (profile(), profile(facts=lost, gunicorn=MISSING, memory_bytes=MISSING)):
        jsonschema.validate(document(one), schema)
    shown = document(profile())
    assert (shown["cpu_ms"], shown["wait_ms"]) == (4.0, 40.0)
    assert shown["worker_memory_bytes"] == 30 * MIB
    assert shown["numbers"]["wait_ms"]["low"] == pytest.approx(38.0)
    assert document(profile(facts=lost))["wait_ms"] is None


def test_where_it_can_not_be_stored_that_is_said(project: Path) -> None:
    (project / ".gunitune").write_text("a file")
    with pytest.raises(UsageError, match="nothing can be stored"):
        save(profile(), project)


def broken(change: Callable[[dict[str, Any]], Any]) -> str:
    stored = document(profile())
    changed = change(stored)
    return json.dumps(stored if changed is None else changed)


BROKEN = {
    "empty": "",
    "no JSON": "{",
    "deep": "[" * 100_000,
    "a list": "[]",
    "foreign": '{"schema": "other/1"}',
    "bare": '{"schema": "gunitune/measure/1"}',
    "a later format": broken(lambda found: found.update(schema="gunitune/measure/2")),
    "infinite": broken(
        lambda found: found["numbers"].update(wait_ms={"value": float("inf"), "source": ""})
    ),
    "not a number": broken(
        lambda found: found["cpu_ms_by_class"].update(sync={"value": float("nan")})
    ),
    "negative": broken(lambda found: found["numbers"].update(wait_ms={"value": -1})),
    "a text": broken(lambda found: found["numbers"].update(wait_ms={"value": "4"})),
    "a date with a line": broken(lambda found: found.update(date="2026-11-22T14:03\nworkers = 9")),
    "an app with a line": broken(lambda found: found["app"].update(app="a:b\nc")),
    "a kind of its own": broken(lambda found: found["app"].update(kind="fast")),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_file_that_can_not_be_used_is_one_warning(project: Path, text: str) -> None:
    (project / ".gunitune").mkdir()
    path_of(project).write_text(text)
    with pytest.raises(ProjectError, match=r"measure.json is not used"):
        load(project)
    found = advice(project)
    assert (found["worker_class"], found["workers"]) == ("gevent", 5)
    (warning,) = [text for text in found.warnings if "measure.json" in text]
    assert "run gunitune measure again" in warning
    assert "\n" not in warning


def test_a_folder_in_its_place_is_a_warning_too(project: Path) -> None:
    path_of(project).mkdir(parents=True)
    assert any("measure.json is not used" in text for text in advice(project).warnings)


def test_recommend_takes_what_was_measured(project: Path) -> None:
    measured(project)
    found = advice(project)
    app = found.app
    assert (app.kind, app.kind_basis, app.confidence) == ("io", "measured", "high")
    assert "measured" in app.evidence[0].text
    source = "measured on 2026-11-22 by gunitune measure"
    assert app.cpu_ms == Quantity(4.0, "measured", source)
    assert app.wait_ms == Quantity(40.0, "measured", source)
    assert app.worker_memory_bytes == Quantity(30.0 * MIB, "measured", source)
    (workers,) = [item for item in found.settings if item.name == "workers"]
    assert workers.basis == "measured"
    assert found.capacity.memory_source == source


def test_the_kind_is_what_was_measured_not_what_the_source_looked_like(project: Path) -> None:
    assert classify(project).kind == "io"
    measured(project, facts=app_facts(wait_ms=number(0.1)))
    found = advice(project)
    assert (found.app.kind, found["worker_class"]) == ("cpu", "sync")
    asked = advice(project, kind="io")
    assert (asked.app.kind, asked.app.kind_basis) == ("io", "asked")


def test_the_machine_decides_whether_memory_is_short(project: Path) -> None:
    measured(project, facts=app_facts(wait_ms=number(0.1), worker_bytes=number(300.0 * MIB)))
    assert advice(project).app.kind == "cpu"
    assert advice(project, memory="512MiB").app.kind == "memory"


def test_what_preloading_saves_is_used_where_memory_is_short(project: Path) -> None:
    large = app_facts(
        wait_ms=number(0.1),
        worker_bytes=number(220.0 * MIB),
        preload_worker_bytes=number(10.0 * MIB),
        preload_shared_bytes=number(250.0 * MIB),
    )
    measured(project, facts=large)
    assert "preload_app" not in {item.name for item in advice(project).settings}
    found = advice(project, memory="512MiB")
    assert (found["preload_app"], found["workers"]) == (True, 2)
    assert found.capacity.memory_bytes == pytest.approx((20 + 250 + 2 * 10) * MIB, rel=0.01)


MEASURED = {
    "waits": app_facts(),
    "gevent blocks": app_facts(overlap=number(0.1)),
    "computes": app_facts(wait_ms=number(0.1)),
    "cheap": app_facts(cpu_ms={"sync": number(1.0), "gthread": number(0.7)}, wait_ms=number(0.1)),
    "large": app_facts(
        wait_ms=number(0.1),
        worker_bytes=number(220.0 * MIB),
        preload_worker_bytes=number(10.0 * MIB),
        preload_shared_bytes=number(250.0 * MIB),
    ),
    "large and preloading saves nothing": app_facts(
        wait_ms=number(0.1), worker_bytes=number(220.0 * MIB), preload_worker_bytes=MISSING
    ),
}


@pytest.mark.parametrize("memory", ["512MiB", "4GiB"])
@pytest.mark.parametrize("facts", MEASURED.values(), ids=MEASURED)
def test_what_emit_makes_of_a_measurement_has_nothing_wrong_with_it(
    project: Path, facts: AppFacts, memory: str
) -> None:
    measured(project, facts=facts)
    options = {"cpus": "2", "memory": memory, "platform": "docker", "gunicorn_version": "27.0.1"}
    chosen = load_settings(options, start=project, environ={}, use_file=False)
    found = recommend_with(project, chosen)
    for text in (static(found), dynamic(found)):
        report = Check([STDIN], chosen, text.encode(), project / "gunicorn.conf.py").report()
        wrong = [f for f in report.findings if f.severity != "note" or f.name.startswith("drift")]
        assert wrong == []
    assert not any(f.rule == "GT206" for f in report.findings)


def test_what_is_declared_goes_before_what_was_measured(project: Path) -> None:
    measured(project)
    memory = advice(project, worker_memory="80M").app.worker_memory_bytes
    assert isinstance(memory, Quantity)
    assert (memory.value, memory.basis) == (80 * MIB, "asked")


def test_changed_code_takes_the_measurement_out_of_use(project: Path) -> None:
    measured(project)
    with (project / "app.py").open("a") as file:
        file.write("# more\n")
    app = advice(project).app
    assert app.kind_basis == "heuristic"
    assert isinstance(app.cpu_ms, Unknown)
    (note,) = [text for text in app.notes if "measured on 2026-11-22" in text]
    assert note.endswith("its code or dependencies have changed since: run gunitune measure again")


def test_a_measurement_of_another_app_is_not_taken(project: Path) -> None:
    measured(project, spec="other:app")
    assert any("other:app, not app:app" in note for note in advice(project).app.notes)
    measured(project, interface="asgi")
    assert any("ASGI, which it is no longer" in note for note in advice(project).app.notes)


def test_without_times_the_kind_stays_what_the_source_says(project: Path) -> None:
    measured(project, facts=app_facts(wait_ms=MISSING))
    app = advice(project).app
    assert (app.kind, app.kind_basis) == ("io", "heuristic")
    assert isinstance(app.worker_memory_bytes, Quantity)


def test_the_commands_use_it_and_say_so(project: Path) -> None:
    measured(project)
    target = ("--cpus", "2", "--memory", "4GiB", "--platform", "bare")
    shown = gunitune("recommend", *target, cwd=project).stdout
    assert "I/O-bound: requests mostly wait (measured)" in shown
    conf = gunitune("emit", *target, cwd=project)
    assert (conf.returncode, conf.stderr) == (0, "")
    assert "measured on 2026-11-22 by gunitune measure" in conf.stdout.replace("\n#   ", " ")
    checked = gunitune("check", "-", *target, cwd=project, stdin=conf.stdout)
    assert checked.returncode == 0, checked.stdout
    assert "drift" not in checked.stdout


def test_a_broken_file_does_not_keep_emit_from_its_work(project: Path) -> None:
    (project / ".gunitune").mkdir()
    path_of(project).write_text("{")
    emitted = gunitune("emit", "--cpus", "2", cwd=project)
    assert emitted.returncode == 0
    assert "workers = 5" in emitted.stdout
    assert emitted.stderr.count("measure.json") == 1
