"""A study is shown so that somebody new sees in half a minute what won, by how much, how surely."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gunitune.model import MIB, App, Unknown
from gunitune.render import renderer
from gunitune.render.tune import _words as words
from gunitune.render.tune.text import render
from gunitune.trial import Choice, Estimate, Load, Request
from gunitune.tune.result import Ratio, Tuned
from tuned import (
    CURRENT,
    GEVENT_2,
    HOST,
    LAUNCH,
    LOAD,
    RUNS,
    STANDINGS,
    SYNC_5,
    block,
    standing,
    tuned,
)

SCHEMA = Path(__file__).resolve().parent.parent / "docs" / "schemas" / "tune-1.json"
PAGE = """\
app        flask app:app (WSGI)
           I/O-bound: requests mostly wait (measured)
machine    2 CPUs (affinity of this process)
           4 GiB memory (sample)
gunicorn   Gunicorn 27.0.1 of /srv/shop/.venv/bin/python (.venv of the project)
           with what else /srv/shop/gunicorn.conf.py sets
load       64 clients, each asks again when answered; connections kept alive
           GET /
wanted     most requests per second

winner     gevent 2: worker_class = gevent, workers = 2, preload_app = False,
           threads = 1, worker_connections = 1000
           412 (400-425) requests/s, p99 231 ms, 96 MiB of memory
           that includes the luck of the runs that chose it: none since
           3.68 times the requests of 2*cpu+1 (sync 5): 3.52 to 3.85 from 4
           pairs of runs in turn
           1.37 times the requests of the current config (gthread 2x16): 1.31 to
           1.42 from 4 pairs of runs in turn
ties       gevent 3: as fast within the noise; takes more memory and has more
           workers than the winner
limited by CPU: 2 of 2 cores busy; more workers will not help

  CHOICE        REQUESTS/S      P50     P99     MEMORY   FATE
* gevent 2      412 (400-425)   139 ms  231 ms  96 MiB   winner
  gevent 3      409 (397-421)   144 ms  240 ms  128 MiB  tie
  gevent 5      402 (390-414)   157 ms  262 ms  190 MiB  beaten: recommended
* gthread 2x16  301 (292-310)   186 ms  310 ms  92 MiB   beaten: current
  sync 5        112 (109-115)   481 ms  802 ms  170 MiB  beaten: 2*cpu+1
  sync 3        67 (65-69)      726 ms  1.21 s  118 MiB  dropped
* gthread 2x4   160 (155-165)   312 ms  520 ms  90 MiB   dropped
* sync 1        22 (21.3-22.7)  2.04 s  3.4 s   54 MiB   dropped: default
  gthread 5x64  390 (378-402)   240 ms  400 ms  185 MiB  barred

  CHOICE        CORES  CPU/REQ  BLOCKS  MODEL REQ/S
* gevent 2      1.69   4.1 ms   4       433 (+5 %)
  gevent 3      1.68   4.1 ms   4       429 (+5 %)
  gevent 5      1.65   4.1 ms   3       422 (+5 %)
* gthread 2x16  1.23   4.1 ms   4       316 (+5 %)
  sync 5        0.46   4.1 ms   4       118 (+5 %)
  sync 3        0.27   4.1 ms   1       70.4 (+5 %)
* gthread 2x4   0.66   4.1 ms   1       168 (+5 %)
* sync 1        0.09   4.1 ms   1       23.1 (+5 %)
  gthread 5x64  1.60   4.1 ms   2       410 (+5 %)

* front    no other was better in throughput, p99 and memory at once
( - )      95 % interval; CPU/REQ: CPU time of the server per request
barred     gthread 5x64: 41 of 3120 requests failed: status 500

finals     requests arriving by themselves, as shares of the best throughput
           gevent 2  50 % (206/s)    p50 47 ms, p95 94 ms, p99 113 ms
                     70 % (288/s)    p50 52 ms, p95 104 ms, p99 125 ms
                     85 % (350/s)    p50 70 ms, p95 140 ms, p99 168 ms
           gevent 3  50 % (206/s)    p50 47 ms, p95 94 ms, p99 113 ms
                     70 % (288/s)    p50 53 ms, p95 106 ms, p99 127 ms
                     85 % (350/s)    p50 74 ms, p95 148 ms, p99 178 ms

model      median error of the predicted throughput 5 %
spent      2 m 51 s of 3 m, 26 blocks of 9 choices, of which 1 was disturbed; in
           .gunitune/tune/app.jsonl
notes      gevent 2: one block was repeated: steal took 12 % of the CPUs

next       gunitune emit --from-study .gunitune/tune/app.jsonl
           put these settings into /srv/shop/gunicorn.conf.py, in place of what
           it has; run gunitune check; commit
"""


def shown(**changes: Any) -> str:
    return render(tuned(**changes))


def document(study: Tuned) -> Any:
    """The JSON document, which keeps to its schema."""
    text = renderer("tune", "json")(study, width=80, color=False)
    loaded = json.loads(text)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(loaded)
    return loaded


def test_the_page_tells_the_whole_outcome() -> None:
    assert shown() == PAGE


def test_no_line_of_the_page_is_longer_than_the_terminal() -> None:
    for width in (60, 80, 100, 119):
        page = render(tuned(), width=width)
        assert max(map(len, page.splitlines())) <= width, width


def test_a_wide_terminal_gets_one_table() -> None:
    lines = render(tuned(), width=119).splitlines()
    (head,) = [line for line in lines if "CHOICE" in line]
    assert head.split() == [
        "CHOICE", "REQUESTS/S", "P50", "P99", "MEMORY", "FATE", "CORES", "CPU/REQ", "BLOCKS",
        "MODEL", "REQ/S",
    ]  # fmt: skip


def test_a_fate_too_long_for_its_row_wraps() -> None:
    wide = replace(STANDINGS[3], rps=Estimate(115.0, 0.877, 15092.0, "one block"),
                   roles=("2*cpu+1", "current"))  # fmt: skip
    lines = shown(standings=(STANDINGS[0], wide)).splitlines()
    (at,) = [at for at, line in enumerate(lines) if "0.877" in line]
    assert lines[at].endswith("92 MiB  beaten: 2*cpu+1,")
    assert lines[at + 1].strip() == "current"


def test_colours_change_nothing_but_the_colours() -> None:
    from rich.text import Text

    colored = render(tuned(), color=True)
    assert "\x1b[" in colored
    plain = [line.rstrip() for line in Text.from_ansi(colored).plain.splitlines()]
    assert plain == PAGE.splitlines()


def test_a_machine_that_stands_in_for_a_smaller_one_says_how() -> None:
    held = "cgroup v1: quota of 1 CPU and 512 MiB of memory; CPU 0 only"
    assert f"memory (sample)\n           {held}\n" in shown(confined=held)


def test_a_project_without_a_config_has_none_beneath() -> None:
    page = shown(launch=replace(LAUNCH, conf=None))
    assert "with what else" not in page
    assert "put these settings into gunicorn.conf.py; run gunitune check; commit" in page


def test_a_goal_is_told_with_its_limit() -> None:
    assert "wanted     most requests per second, p99 within 300 ms" in shown(max_p99_ms=300.0)
    assert "wanted     lowest p99\n" in shown(objective="p99")
    assert "wanted     least memory\n" in shown(objective="memory")


def test_no_winner_is_said_first() -> None:
    page = shown(winner=None, against=(), limited="")
    assert "winner     none: no choice met the goal" in page
    assert "times the requests" not in page
    assert "limited by" not in page


def test_what_never_ran_has_no_numbers() -> None:
    refused = replace(STANDINGS[2], blocks=0, rps=Estimate(0, 0, 0, "not run"), fate="barred",
                      why="gevent is not installed", p50_ms=Unknown("x"), p99_ms=Unknown("x"),
                      memory_bytes=Unknown("x"))  # fmt: skip
    page = shown(standings=(STANDINGS[0], refused))
    assert re.search(r"  gevent 5 +- +\? +\? +\? +barred: recommended\n", page)
    assert re.search(r"  gevent 5 +- +- +0 +-\n", page)
    assert "barred     gevent 5: gevent is not installed" in page


def test_a_difference_within_the_noise_is_called_none() -> None:
    even = Ratio("current", CURRENT, 1.01, 0.98, 1.04, 1)
    page = " ".join(shown(against=(even,)).split())
    assert "0.98 to 1.04 from 1 pair of runs in turn, no difference shown" in page
    apart = Ratio("2*cpu+1", SYNC_5, 3.1, 2.0, 4.0, 0)
    assert "from runs that were not in turn" in " ".join(shown(against=(apart,)).split())


def test_the_current_config_that_won_is_to_be_kept() -> None:
    best = replace(STANDINGS[0], roles=("current",))
    itself = Ratio("current", GEVENT_2, 1.0, 1.0, 1.0, 0)
    page = shown(standings=(best,), winner=best, against=(itself,))
    assert "times the requests" not in page
    assert "put these settings" not in page
    assert "that is the current config: there is nothing to change" in shown(
        standings=(best, *STANDINGS[1:3]), winner=best, against=(itself,)
    )


def test_the_current_config_that_ties_is_said_to() -> None:
    second = replace(STANDINGS[1], roles=("current",))
    assert "the current config is within the noise of it" in shown(standings=(STANDINGS[0], second))


def test_what_left_early_is_counted_beyond_the_first_few() -> None:
    early = tuple(standing(Choice("sync", 10 + n), 50.0, 500, 90, "dropped") for n in range(9))
    page = shown(standings=(*STANDINGS, *early))
    assert "sync 13 " in page
    assert "sync 14 " not in page
    assert "and 5 more that left early: -f json has them" in page
    assert "dropped: default" in page, "those that somebody runs stay"


def test_what_could_not_be_measured_is_a_question_mark() -> None:
    lost = Unknown("nothing was served")
    dead = replace(standing(Choice("sync", 1), 0.0, 0.0, 0, "barred", blocks=1),
                   p50_ms=lost, p99_ms=lost, memory_bytes=Unknown("not readable"))  # fmt: skip
    page = shown(standings=(dead,), winner=None, finals=(), model_error=lost, front=())
    assert re.search(r"  sync 1 +0 +\? +\? +\? +barred\n", page)
    assert re.search(r"  sync 1 +0.00 +4.1 ms +1 +-\n", page)
    assert "model      not told: nothing was served" in page
    assert "finals" not in page


def test_an_open_run_tells_what_was_lost() -> None:
    overrun = replace(RUNS[0], served_rps=100.0, errors=3)
    assert "p99 113 ms, 3 failed, only 100/s served" in " ".join(shown(finals=(overrun,)).split())


def test_a_final_that_was_disturbed_is_marked() -> None:
    run = replace(RUNS[0], void=("steal took 12 % of the CPUs",))
    assert "p99 113 ms (disturbed: steal took 12 % of the CPUs)" in " ".join(
        shown(finals=(run,)).split()
    )
    assert document(tuned(finals=(run,)))["finals"][0]["void"] == ["steal took 12 % of the CPUs"]


def test_an_open_load_and_many_requests_are_told() -> None:
    many = tuple(Request(path=f"/{at}") for at in range(7))
    load = Load(requests=many, rps=250.0, keep_alive=False)
    page = shown(load=load)
    assert "load       250 requests/s, Poisson arrivals; a new connection for each" in page
    assert "GET /0, GET /1, GET /2, GET /3, GET /4, and 2 more" in page
    assert "1 client, each asks" in shown(load=replace(LOAD, concurrency=1))


def test_nothing_of_a_project_drives_the_terminal() -> None:
    evil = "\x1b[2J\n\u202emoc"
    hostile = standing(Choice(f"{evil}.Worker", 2), 9.0, 9.0, 9, "tie", why=evil)
    page = shown(
        standings=(hostile, replace(hostile, fate="barred")),
        winner=hostile,
        limited=evil,
        notes=(evil,),
        next=(evil,),
        study=evil,
        load=Load((Request(path=f"/{evil}"),)),
        launch=replace(LAUNCH, python=Path(f"/{evil}"), python_source=evil),
    )
    assert all(char.isprintable() or char == "\n" for char in page)
    assert "\nmoc" not in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123456, "0.012"), (41.26, "41.3"), (412.4, "412"), (12345.6, "12,346"),
     (math.inf, "?"), (math.nan, "?"), (Unknown("no"), "?")],
)  # fmt: skip
def test_numbers_have_three_digits(value: Any, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 m"), (171.3, "2 m 51 s"), (180, "3 m"),
     (3600, "1 h"), (3725, "1 h 2 m")],
)  # fmt: skip
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_an_estimate_without_an_interval_shows_none() -> None:
    assert words.estimate(Estimate(412, 412, 412, "one block")) == "412"
    assert words.estimate(Estimate(412, -math.inf, math.inf, "one block")) == "412"


def test_the_document_keeps_to_its_schema_and_its_minimum_shape() -> None:
    found = document(tuned())
    assert (found["schema"], found["gunitune"]) == ("gunitune/tune/1", "0.1.0")
    assert found["trials"][0]["settings"] == {"worker_class": "gevent", "workers": 2}
    assert {"rps", "p50_ms", "p99_ms", "errors", "memory_bytes"} <= set(found["trials"][0])
    assert len(found["trials"]) == len(tuned().blocks)
    assert found["winner"]["settings"] == {"worker_class": "gevent", "workers": 2}
    assert found["winner"]["memory_bytes"] == 96 * MIB
    assert found["against"][0] | {"settings": None, "applied": None} == {
        "name": "2*cpu+1", "choice": "sync 5", "settings": None, "applied": None, "ratio": 3.68,
        "low": 3.52, "high": 3.85, "pairs": 4,
    }  # fmt: skip
    assert found["goal"]["objective"] == "throughput"
    assert found["facts"]["cpu_ms_by_class"]["gevent"]["value"] == 4.2
    assert found["facts"]["numbers"]["wait_ms"]["n"] == 3
    assert found["facts"]["numbers"]["shared_memory_bytes"] == {"unknown": "not measured"}


def test_what_is_not_known_is_null_with_the_reason_beside_it() -> None:
    lost = Unknown("nothing was served")
    dead = replace(standing(SYNC_5, math.nan, 0.0, 0, "barred", predicted=None),
                   p50_ms=lost, p99_ms=lost, memory_bytes=lost)  # fmt: skip
    run = block(STANDINGS[-1])
    unserved = replace(run, answered=replace(run.answered, latency=lost))
    found = document(
        tuned(standings=(dead,), winner=None, model_error=lost, facts=None, blocks=(unserved,))
    )
    assert found["winner"] is None
    assert found["facts"] is None
    assert (found["model_error"], found["model_error_unknown"]) == (None, "nothing was served")
    (entry,) = found["standings"]
    assert (entry["rps"], entry["p99_ms"], entry["memory_bytes"]) == (None, None, None)
    assert entry["latency_unknown"] == entry["memory_unknown"] == "nothing was served"
    (trial,) = found["trials"]
    assert (trial["p99_ms"], trial["latency_unknown"]) == (None, "nothing was served")
    assert trial["errors_by_kind"] == {"status 500": 41}


def test_the_document_has_all_that_was_set_for_a_trial() -> None:
    found = document(tuned())
    applied = {"worker_class": "gevent", "workers": 2, "threads": 1, "worker_connections": 1000,
               "preload_app": False}  # fmt: skip
    assert found["winner"]["applied"] == found["trials"][0]["applied"] == applied
    assert found["against"][0]["applied"]["threads"] == 1


def test_on_a_config_of_the_project_the_winner_is_told_with_all_that_it_needs() -> None:
    choice = Choice("sync", 2)
    best = standing(choice, 500.0, 90.0, 100, "winner")
    page = " ".join(shown(standings=(best,), winner=best).split())
    held = "sync 2: worker_class = sync, workers = 2"
    assert f"{held}, preload_app = False, threads = 1 500 (" in page
    assert f"{held}\n" in shown(standings=(best,), winner=best, launch=replace(LAUNCH, conf=None))


def test_the_winner_is_told_with_what_it_served_since_it_was_chosen() -> None:
    runs = [replace(STANDINGS[0], rps=Estimate(rate, rate, rate, "a test's"))
            for rate in (300.0, 400.0, 9.0, 9.0)]  # fmt: skip
    closing = [block(item, 2, phase="closing") for item in runs]
    disturbed = replace(closing[2], void=("steal",))
    page = " ".join(shown(blocks=(block(), *closing[:2], disturbed)).split())
    rate = words.number((closing[0].rps + closing[1].rps) / 2)
    assert f"that includes the runs that chose it; in the 2 runs since, {rate} requests/s" in page
    assert "in the 1 run since" in shown(blocks=(block(), closing[0]))
    lost = words.after(tuned(blocks=(block(), disturbed)))
    assert lost.endswith("all runs since were disturbed")
    assert words.after(tuned(winner=None)) == ""


def test_ties_are_told_with_what_is_true_of_each() -> None:
    def tie(name: str, workers: int, memory_mib: float) -> Any:
        return standing(Choice(name, workers), 410.0, 90.0, memory_mib, "tie")

    lost = replace(tie("sync", 2, 9), memory_bytes=Unknown("not readable"))
    even = "as fast within the noise"
    others = (tie("gthread", 1, 50), tie("asgi", 2, 96), tie("tornado", 1, 200), lost)
    assert words.ties(tuned(standings=(STANDINGS[0], *others))) == [
        f"gthread 1x1: {even}; takes less memory and has fewer workers than the winner",
        f"asgi 2, sync 2: {even}",
        f"tornado 1: {even}; takes more memory and has fewer workers than the winner",
    ]


def test_every_block_that_ran_is_counted() -> None:
    assert "3 m, 1 block of 1 choice; in" in shown(blocks=(block(),))
    lost = (block(void=("steal",)), block(STANDINGS[1], void=("steal",)))
    assert words.spent(tuned(blocks=lost)).endswith(
        "2 blocks of 2 choices, of which 2 were disturbed"
    )


TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"


def test_no_secret_gets_onto_the_page() -> None:
    why = f"GET /?token={TOKEN} was answered with 500"
    page = shown(
        load=Load((Request(path=f"/x?token={TOKEN}"),)),
        standings=(STANDINGS[0], replace(STANDINGS[-1], why=why)),
        limited=why,
        notes=(why,),
        next=(f"gunitune tune --request 'GET /?token={TOKEN}'",),
    )
    assert TOKEN not in page
    assert "GET /x?token=***" in page


def test_no_reason_of_a_study_takes_a_secret_into_the_document() -> None:
    run = block(void=(f"GET /?token={TOKEN} failed",), notes=(f"token={TOKEN}",))
    held = Choice(f"app.Worker?token={TOKEN}", 2)
    study = tuned(blocks=(run,), limited=f"token={TOKEN}", next=(f"token={TOKEN}",), front=(held,))
    assert TOKEN not in json.dumps(document(study))


def test_an_open_load_has_a_rate_and_no_clients() -> None:
    found = document(tuned(load=replace(LOAD, rps=250.0)))
    assert (found["load"]["rps"], found["load"]["concurrency"]) == (250.0, None)
    final = next(trial for trial in found["trials"] if trial["phase"] == "final")
    assert (final["offered_rps"], final["concurrency"]) == (206.0, None)


def test_no_secret_gets_into_the_document() -> None:
    request = Request(
        path="/?token=ghp_0123456789abcdefghijABCDEFGHIJ012345",
        headers=(("Authorization", "Bearer correct-horse"),),
        body=b"password=hunter2",
    )
    found = json.dumps(document(tuned(load=Load((request,)))))
    for secret in ("correct horse", "correct-horse", "hunter2", "ghp_0123456789"):
        assert secret not in found
    assert '"headers": ["Authorization"]' in found


def test_a_path_that_is_no_text_is_written_as_an_escape() -> None:
    found = document(tuned(launch=replace(LAUNCH, folder=Path("/srv/caf\udce9"))))
    assert found["gunicorn"]["folder"] == "/srv/caf\\udce9"
    assert document(tuned(launch=replace(LAUNCH, conf=None)))["gunicorn"]["conf"] is None


def test_the_schema_refuses_a_document_that_lacks_a_key() -> None:
    found = document(tuned())
    del found["standings"][0]["fate"]
    with pytest.raises(jsonschema.ValidationError, match="'fate' is a required property"):
        jsonschema.validate(found, json.loads(SCHEMA.read_text()))


def test_every_format_of_the_command_can_be_had() -> None:
    from gunitune.render import formats

    assert formats("tune") == ("conf", "html", "json", "text")
    assert isinstance(tuned().app, App)
    assert GEVENT_2 in tuned().front
    assert HOST.cpus == 2
