"""A study as one page with plots: it needs no network, and nothing in it is taken for markup."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gunitune.errors import UsageError
from gunitune.model import Unknown
from gunitune.predict.model import predict
from gunitune.render.tune import _figures as figures
from gunitune.render.tune.html import check_library, render
from gunitune.trial import Choice, Estimate, Load, Request
from gunitune.tune.result import Tuned
from tuned import GEVENT_2, LAUNCH, LOAD, RUNS, STANDINGS, block, facts, standing, tuned

EVIL = "</script><img src=x onerror=alert(1)><b>&amp;\"'\n\u202e"


class Read(HTMLParser):
    """The elements of a page with their attributes, its text, and what its scripts hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script":
            self.scripts[-1] += data
        else:
            self.text += data

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


@cache
def usual() -> str:
    return render(tuned())


def hostile() -> Tuned:
    """A study whose every text is what a stranger would have it say."""
    choice = Choice(f"{EVIL}.Worker", 2, extra=((EVIL, EVIL),))
    best = standing(choice, 300.0, 90.0, 90, "winner", why=EVIL)
    return tuned(
        standings=(best,),
        winner=best,
        front=(choice,),
        finals=(replace(RUNS[0], choice=choice),),
        blocks=(block(best, void=(EVIL,)),),
        limited=EVIL,
        notes=(EVIL,),
        next=(EVIL,),
        study=EVIL,
        confined=EVIL,
        launch=replace(LAUNCH, spec=EVIL, python=Path(f"/{EVIL}"), python_source=EVIL),
        load=Load((Request(path=EVIL),)),
    )


def test_the_page_holds_the_outcome_and_every_plot() -> None:
    page = Read(usual())
    for text in (
        "app:app: most requests per second",
        "412 (400-425) requests/s, p99 231 ms, 96 MiB of memory",
        "3.68 times the requests of 2*cpu+1 (sync 5): 3.52 to 3.85 from 4 pairs of runs in turn",
        "Limited by CPU: 2 of 2 cores busy; more workers will not help",
        "barred: 41 of 3120 requests failed: status 500",
        "64 clients, each asks again when answered; connections kept alive",
        "gunitune emit --from-study .gunitune/tune/app.jsonl",
    ):
        assert text in page.text, text
    titles = re.findall(r"<section><h2>([^<]+)</h2>", usual())
    assert titles == [
        "Throughput", "Throughput, p99 and memory", "Throughput over clients",
        "Latency over clients", "Latency over load", "The trials", "Predicted and measured",
    ]  # fmt: skip
    assert page.text.count("gthread 2x16") == 2, "once against it, once in the table"


def test_the_page_asks_nobody_for_anything() -> None:
    page = Read(usual())
    for tag, attributes in page.elements:
        assert not {"src", "href", "srcset", "action", "data"} & set(attributes), tag
    assert not {"link", "iframe", "img", "object", "base"} & page.tags
    policy = next(a["content"] for tag, a in page.elements if "http-equiv" in a and tag == "meta")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_the_plots_are_drawn_by_what_the_page_brings() -> None:
    page = Read(usual())
    assert len(page.scripts[0]) > 1_000_000
    assert sum("Plotly.newPlot" in script for script in page.scripts[1:]) == 7


def test_the_same_study_gives_the_same_page() -> None:
    assert render(tuned()) == usual()


def test_nothing_that_a_study_says_is_markup() -> None:
    text = render(hostile())
    page, ordinary = Read(text), Read(usual())
    assert page.tags <= ordinary.tags
    assert len(page.scripts) == 1 + len(list(figures.all_of(hostile())))
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert "</script><img src=x onerror=alert(1)>" in page.text, "it is text"
    assert "\u202e" not in page.text + "".join(page.scripts[1:])


def test_plotly_gets_no_markup_either() -> None:
    for figure in figures.all_of(hostile()):
        for text in texts(figure.content):
            assert re.sub(r"</?(br|i|extra)>|%\{\w+(:\.3s)?\}", "", text).count("<") == 0, text


def texts(item: Any) -> list[str]:
    if isinstance(item, str):
        return [item]
    parts = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return [text for part in parts for text in texts(part)]


def test_no_secret_gets_into_the_page_or_its_plots() -> None:
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    said = f"GET /?token={token} was answered with 500"
    page = render(
        tuned(
            load=Load((Request(path=f"/x?token={token}", headers=(("X-Key", "hunter2"),)),)),
            standings=(STANDINGS[0], replace(STANDINGS[-1], why=said)),
            blocks=(block(void=(said,)),),
            limited=said,
            notes=(said,),
            next=(said,),
        )
    )
    assert "GET /x?token=***" in page
    assert token not in page
    assert "hunter2" not in page


def test_a_study_that_found_nothing_has_a_page_too() -> None:
    lost = Unknown("nothing was served")
    dead = replace(STANDINGS[0], rps=Estimate(0, 0, 0, "one block"), p50_ms=lost, p99_ms=lost,
                   memory_bytes=lost, fate="barred", why="all failed")  # fmt: skip
    run = block(STANDINGS[-1])
    unserved = replace(run, answered=replace(run.answered, served=0, latency=lost))
    page = render(
        tuned(standings=(dead,), winner=None, against=(), front=(), finals=(), blocks=(unserved,))
    )
    assert "No choice met the goal" in page
    assert "The trials" in page
    for absent in ("Latency over load", "Predicted and measured", "Throughput, p99 and memory"):
        assert absent not in page
    assert "Throughput</h2>" not in render(tuned(standings=(), blocks=(), finals=()))


def test_the_plots_show_the_numbers_of_the_study() -> None:
    shown = {figure.title: figure.content["data"] for figure in figures.all_of(tuned())}
    (winner,) = [trace for trace in shown["Throughput"] if trace["name"] == "winner"]
    assert winner["x"] == [412.4]
    assert winner["error_x"]["array"][0] == pytest.approx(412.4 * 0.03)
    p99 = next(trace for trace in shown["Latency over load"] if trace["name"] == "gevent 2 p99")
    assert p99["x"] == [206.0, pytest.approx(288.4), pytest.approx(350.2)]
    assert p99["y"] == [pytest.approx(112.8), pytest.approx(124.8), pytest.approx(168.0)]
    over = shown["Throughput over clients"]
    assert [trace["name"] for trace in over[::2]] == [
        "gevent 2", "sync 5", "gthread 2x16", "gevent 3",
    ]  # fmt: skip
    assert (over[1]["x"], over[1]["y"]) == ([64], [412.4])
    assert over[0]["x"][0] == 1
    assert over[0]["x"][-1] == 128
    assert over[0]["y"][0] == pytest.approx(1000 / 44.3, rel=0.1), "4.2 ms of CPU, 40.1 of waiting"
    symbols = [symbol for trace in shown["The trials"] for symbol in trace["marker"]["symbol"]]
    assert (symbols.count("x"), symbols.count("diamond")) == (1, 1)
    assert len(symbols) == len(tuned().blocks)


@pytest.mark.parametrize("beside", [0.0, 1.5])
def test_the_model_is_drawn_as_the_study_asked_it(beside: float) -> None:
    """With the load generator on the server's CPUs, or elsewhere."""
    known = replace(facts(), generator_ms=1.5)
    found = predict(known, GEVENT_2, 2.0, concurrency=64, generator_ms=beside)
    best = replace(STANDINGS[0], predicted=found)
    shown = figures.all_of(tuned(standings=(best,), winner=best, against=(), facts=known))
    over = next(figure for figure in shown if figure.title == "Throughput over clients")
    line = over.content["data"][0]
    assert dict(zip(line["x"], line["y"], strict=True))[64] == pytest.approx(found.rps)


def test_an_interval_that_knows_nothing_does_not_dwarf_the_others() -> None:
    vague = replace(STANDINGS[1], rps=Estimate(115.0, 0.9, 15092.0, "one block"))
    (figure, *_) = figures.all_of(tuned(standings=(STANDINGS[0], vague)))
    low, high = figure.content["layout"]["xaxis"]["range"]
    assert low == 0
    assert 433 < high < 500


def test_nothing_is_foretold_where_nothing_is_known() -> None:
    unforetold = tuple(replace(item, predicted=None) for item in STANDINGS)
    titles = {
        why: [figure.title for figure in figures.all_of(study)]
        for why, study in {
            "no facts": tuned(facts=None),
            "open loop": tuned(load=replace(LOAD, rps=100.0)),
            "no CPU time": tuned(facts=replace(facts(), cpu_ms={})),
            "no prediction": tuned(
                facts=replace(facts(), wait_ms=Unknown("x")), standings=unforetold
            ),
            "no winner": tuned(winner=None, against=(), standings=STANDINGS[2:]),
        }.items()
    }
    for why, found in titles.items():
        assert not any("clients" in title for title in found), why
        assert "The trials" in found, why


def test_without_the_library_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "plotly.io", raising=False)
    with pytest.raises(UsageError, match=r"needs plotly.*pip install 'gunitune\[html\]'"):
        check_library()
