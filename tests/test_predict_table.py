"""The table of predictions: who is in it, in which order, and how it is written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gunitune.facts import SAMPLE_HOST
from gunitune.model import GIB, MIB, Unknown
from gunitune.predict.demands import PredictError
from gunitune.predict.table import Measured, Predicted, candidates, predict_table
from gunitune.render import formats, renderer
from gunitune.trial import AppFacts, Choice, Load
from predicted import NOT_MEASURED, facts

IO = facts(4, 40)
CLOSED = Load(concurrency=32)


def table(app: AppFacts = IO, load: Load = CLOSED, **host: object) -> Predicted:
    measured = Measured(app, "measured on 2026-11-22", 2.0, 64, "app:app")
    machine = replace(SAMPLE_HOST, **host)  # type: ignore[arg-type]
    return predict_table(measured, machine, load, {"current": Choice("gthread", 3, 6)})


def order(predicted: Predicted) -> list[str]:
    return [str(row.prediction.choice) for row in predicted.rows]


def test_the_usual_rules_and_what_the_waiting_asks_for_are_in_the_table() -> None:
    found = candidates(IO, 2.0, CLOSED)
    assert found[Choice("sync", 1)] == ("Gunicorn's default",)
    assert found[Choice("sync", 5)] == ("(2*CPU)+1",)
    assert found[Choice("gevent", 5)] == ("(2*CPU)+1",)
    # 11 requests in flight keep a CPU busy; with room, and no more than there are clients
    assert {Choice("gthread", 2, 16), Choice("sync", 32)} <= set(found)
    assert Choice("gthread", 2, 17) in candidates(IO, 2.0, Load(concurrency=500))
    assert Choice("sync", 4) in candidates(IO, 1.5, CLOSED)


def test_one_name_is_not_lost_where_two_choices_are_one() -> None:
    rows = predict_table(
        Measured(IO, "", 2.0), SAMPLE_HOST, CLOSED, {"current": Choice("sync", 5)}
    ).rows
    names = {row.prediction.choice: row.names for row in rows}
    assert names[Choice("sync", 5)] == ("(2*CPU)+1", "current")


def test_an_asgi_app_gets_the_loops_that_were_measured() -> None:
    app = facts(4, 40, interface="asgi", classes=("uvicorn_worker.UvicornWorker",))
    assert {choice.worker_class for choice in candidates(app, 2.0, CLOSED)} == {
        "uvicorn_worker.UvicornWorker"
    }
    nothing = facts(interface="asgi", classes=())
    assert set(candidates(nothing, 2.0, CLOSED)) == {Choice("asgi", 2)}
    with pytest.raises(PredictError, match="no CPU time per request was measured"):
        table(nothing)


def test_without_known_waiting_the_table_is_not_made_up() -> None:
    assert Choice("sync", 2) in candidates(facts(wait_ms=NOT_MEASURED), 2.0, CLOSED)
    with pytest.raises(PredictError, match="the waiting per request is unknown"):
        table(facts(wait_ms=NOT_MEASURED))


def test_most_throughput_comes_first_and_of_equals_the_least_memory() -> None:
    found = order(table())
    assert found[-1] == "sync 1"
    assert found.index("gthread 2x16") < found.index("sync 5")
    same = order(table(facts(5, 0)))
    assert same.index("sync 2") < same.index("sync 5") < same.index("sync 1")
    assert "sync 5" in order(table(facts(5, 0, worker_bytes=NOT_MEASURED)))


def test_what_takes_more_than_the_share_of_the_memory_can_not_run() -> None:
    # sync 5 takes 30 + 5 + 5 x 40 = 235 MiB: of 256 MiB, more than 80 % and less than 95 %
    measured, machine = Measured(IO, "", 2.0), replace(SAMPLE_HOST, memory_bytes=256 * MIB)

    def sync_5(memory_share: float = 0.8) -> tuple[str, bool, bool]:
        found = predict_table(measured, machine, CLOSED, memory_share=memory_share)
        (row,) = (row for row in found.rows if row.prediction.choice == Choice("sync", 5))
        told = any("--memory-share" in note for note in found.notes)
        return row.prediction.limit, row.prediction.feasible, told

    usual = predict_table(measured, machine, CLOSED).rows
    barred = [str(row.prediction.choice) for row in usual if row.prediction.limit == "memory"]
    assert "sync 5" in barred
    assert sync_5() == ("memory", False, True)
    assert sync_5(memory_share=0.95)[1] is True
    large = predict_table(measured, SAMPLE_HOST, CLOSED)
    assert not any("--memory-share" in note for note in large.notes)


def test_under_arrivals_the_least_p99_of_those_that_keep_up_comes_first() -> None:
    rows = table(load=Load(rps=300.0)).rows
    late = [row.prediction.p99_ms for row in rows]
    kept = [value for value in late if not isinstance(value, Unknown)]
    assert kept
    assert kept == sorted(kept)
    assert all(isinstance(value, Unknown) for value in late[len(kept) :])


def test_what_does_not_fit_into_memory_comes_last() -> None:
    rows = table(memory_bytes=200 * MIB).rows
    fits = [row.prediction.feasible for row in rows]
    assert fits == sorted(fits, reverse=True)
    assert not fits[-1]
    assert all(row.prediction.feasible for row in table(memory_bytes=Unknown("no limit")).rows)


def test_another_machine_or_more_clients_than_measured_is_extrapolated() -> None:
    assert not any(row.prediction.extrapolated for row in table().rows)
    for other in (table(cpus=16.0), table(load=Load(concurrency=500))):
        assert all(row.prediction.extrapolated for row in other.rows)
        assert any(note.startswith("extrapolated: measured with") for note in other.notes)
    assert not table(load=Load(rps=9.0)).rows[0].prediction.extrapolated


def test_gevent_that_was_not_measured_is_missed_and_said_so() -> None:
    found = table(facts(classes=("sync",)))
    assert not any(name.startswith("gevent") for name in order(found))
    assert "gevent is not in the table: it was not measured with this app" in found.notes
    assert not any("gevent is not" in note for note in table().notes)


def test_the_page_shows_the_measurement_the_load_and_a_row_for_each_choice() -> None:
    page = renderer("predict", "text")(table(), width=100)
    assert "app:app: measured on 2026-11-22" in page
    assert "CPU per request: 4 ms under gevent, 4 ms under gthread, 4 ms under sync" in page
    assert "32 clients ask again as soon as answered, connections kept alive" in page
    row = next(line for line in page.splitlines() if line.startswith("sync 5"))
    assert row.split()[2:] == ["113", "282", "ms", "311", "ms", "5", "235", "MiB", "slots",
                               "(2*CPU)+1"]  # fmt: skip
    assert "*" not in page.replace("(2*CPU)+1", "")


def test_the_page_marks_what_is_extrapolated_and_what_can_not_run() -> None:
    found = table(cpus=16.0, memory_bytes=GIB, load=Load(concurrency=500, keep_alive=False))
    page = renderer("predict", "text")(found, width=120)
    assert "sync 1*" in page
    assert "extrapolated beyond what was measured" in page
    assert "cannot run" in page
    assert "memory: needs" in page
    assert "a connection for each request" in page


def test_the_page_says_what_is_unknown() -> None:
    app = facts(gil_share=NOT_MEASURED, worker_bytes=NOT_MEASURED)
    page = renderer("predict", "text")(table(app, Load(rps=250.0)), width=100)
    assert "CPU time under the GIL: unknown (the test did not measure it)" in page
    assert "250 requests per second arrive by themselves" in page
    row = next(line for line in page.splitlines() if line.startswith("sync 1 "))
    assert row.split()[2:7] == ["22.7", "grows", "?", "1", "?"]
    loops = facts(4, 40, interface="asgi", classes=("asgi",))
    page = renderer("predict", "text")(table(loops, Load(rps=9000.0)), width=100)
    assert "under the GIL" not in page
    assert " any " in page
    assert "1 client asks" in renderer("predict", "text")(table(load=Load(concurrency=1)))


def test_the_page_has_the_same_words_in_colour() -> None:
    import re

    coloured = renderer("predict", "text")(table(), width=100, color=True)
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    plain = renderer("predict", "text")(table(), width=100)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_the_document_holds_every_prediction_and_no_number_that_json_lacks() -> None:
    assert formats("predict") == ("json", "text")
    found = json.loads(renderer("predict", "json")(table(load=Load(rps=300.0))))
    assert found["schema"] == "gunitune/predict/1"
    assert found["load"] == {"concurrency": None, "rps": 300.0, "keep_alive": True}
    assert found["measured"]["cpu_ms_by_class"]["sync"] == 4
    assert found["host"]["cpus"] == 2
    rows = {json.dumps(row["settings"]): row for row in found["predictions"]}
    late = rows['{"worker_class": "sync", "workers": 1}']
    assert late["mean_ms"] is None
    assert late["p99_ms"] is None
    assert late["latency_unknown"].startswith("300 requests per second come and 22.73 are served")
    kept = rows['{"worker_class": "gthread", "workers": 2, "threads": 16}']
    assert kept["latency_unknown"] is None
    assert kept["rps"] == pytest.approx(300)
    assert kept["limit"] == "cpu"
    assert kept["memory_bytes"] == (30 + 5 + 2 * 56) * MIB
    assert kept["memory_unknown"] is None


def test_the_document_says_why_a_number_is_missing() -> None:
    app = facts(master_bytes=NOT_MEASURED, overlap=NOT_MEASURED)
    found = json.loads(renderer("predict", "json")(table(app)))
    assert found["measured"]["overlap"] is None
    assert {row["memory_unknown"] for row in found["predictions"]} == {NOT_MEASURED.reason}
    assert found["load"]["concurrency"] == 32


def test_a_loop_that_no_one_asked_for_is_left_out_of_a_wsgi_table() -> None:
    app = facts(classes=("sync", "asgi"))
    assert not any(choice.worker_class == "asgi" for choice in candidates(app, 2.0, CLOSED))
