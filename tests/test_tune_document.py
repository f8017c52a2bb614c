"""Which settings a study's document may hold: a config is written of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gunitune.errors import ProjectError
from gunitune.render.tune.json import render
from gunitune.tune.current import TRIED
from gunitune.tune.document import parse
from tuned import tuned


def with_setting(name: str, value: Any) -> str:
    document = json.loads(render(tuned()))
    document["winner"]["settings"][name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("name", "value"),
    [("bind", "0.0.0.0:80"), ("user", "root"), ("pythonpath", "/tmp"), ("wsgi_app", "x:y")],
)
def test_a_document_that_sets_what_no_study_tries_is_refused(name: str, value: object) -> None:
    with pytest.raises(ProjectError, match=rf"winner\.settings: .*{name}.* that a study tries"):
        parse(with_setting(name, value), "x.json")


@pytest.mark.parametrize("name", TRIED)
def test_what_a_study_tries_may_be_set(name: str) -> None:
    found = parse(with_setting(name, 1), "x.json")
    assert found.winner
    assert found.winner.settings[name] == 1
