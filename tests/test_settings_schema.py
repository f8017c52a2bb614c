"""The JSON Schema of the settings file says what the settings file may say."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunitune.errors import UsageError
from gunitune.options import CLASSES, OPTIONS, PLATFORMS, Option
from gunitune.settings import _from_file

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "settings_schema.py"
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "gunitune-toml.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

WORDS = [*CLASSES, *PLATFORMS, "io", "asgi", "true", "No", "1", "app:app", "GT2", "PORT=8000"]
NUMBERS = st.integers(-5, 2**64) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.one_of(
    st.sampled_from([*WORDS, "GT203, GT1", "A=1\nB=", "23.0.0", "26.0rc1", "1e3", "80 %", ""]),
    st.from_regex(r" ?[0-9]{0,9}\.?[0-9]{1,9} ?([kmgt]i?b?|ms|m|s|h|%)? ?", fullmatch=True),
    st.text("0159.,%eE+-=_ GTmMiBsh\n", max_size=12),
)
PLAIN = st.booleans() | NUMBERS | TEXTS
VALUES = PLAIN | st.lists(TEXTS, max_size=3)


def table(option: Option, value: Any) -> dict[str, Any]:
    *outer, key = option.key.split(".")
    return {outer[0]: {key: value}} if outer else {key: value}


def reads(document: dict[str, Any]) -> bool:
    """Whether gunitune reads the document as its settings file."""
    try:
        return _from_file(document, Path("gunitune.toml")) is not None
    except UsageError:
        return False


def test_the_committed_schema_is_what_the_script_writes() -> None:
    check = [sys.executable, str(SCRIPT), "--check"]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_stale_schema_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    specification = importlib.util.spec_from_file_location("settings_schema", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    monkeypatch.setattr(script, "OPTIONS", OPTIONS[1:])
    assert script.written() != (ROOT / "docs/schemas/gunitune-toml.json").read_text()


def test_every_option_has_its_key() -> None:
    properties = SCHEMA["properties"]
    keys = {*properties, *(f"target.{key}" for key in properties["target"]["properties"])}
    assert keys == {option.key for option in OPTIONS} | {"rules", "target"}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)
@given(value=VALUES)
def test_the_schema_takes_what_gunitune_reads(option: Option, value: Any) -> None:
    document = table(option, value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if reads(document) and not (is_number and option.read.__name__ in {"_spec", "_file"}):
        VALIDATOR.validate(document)


@pytest.mark.parametrize(
    "text",
    [
        "kind = 'io'\nmemory-share = 0.7\nleaks = true\nrules = ['ops/gunicorn-rules']",
        "target = {cpus = '500m', memory = '1GiB', cores = 64, platform = 'kubernetes'}",
        "select = ['GT1', 'workers-oversubscribe-cpus']\nignore = 'GT5,GT6'\nfail-on = 'note'",
        "exit-zero = false\nno-ignores = true\nenv = ['PORT=8000']\nenv-file = '.env'",
        "gunicorn-version = '23.0.0'\nworker-class = 'uvicorn'\nworker-memory = 209715200",
        "rps = 250\nlatency = '80ms'\nreplicas = 3\ndb-connections = '100'",
        "target.cpus = 0.5\ntarget.memory = '.5g'",
    ],
)
def test_both_take_a_good_file(text: str) -> None:
    document = tomllib.loads(text)
    VALIDATOR.validate(document)
    assert reads(document)


@pytest.mark.parametrize(
    "text",
    [
        "cpus = 2",
        "kinds = 'io'",
        "kind = 'IO'",
        "kind = ['io']",
        "kind = true",
        "target = 1",
        "target.cpu = 2",
        "target.cpus = 0",
        "target.cpus = true",
        "target.cpus = '2 cores'",
        "target.memory = 512",
        "target.memory = '512X'",
        "target.cores = 0",
        "target.cores = '10000001'",
        "target.cores = 1.5",
        "target.platform = 'mainframe'",
        "latency = 'soon'\nrps = 1",
        "memory-share = 1.5",
        "memory-share = 'most'",
        "leaks = 'perhaps'",
        "leaks = 2",
        "gunicorn-version = 'newest'",
        "gunicorn-version = '17.5'",
        "gunicorn-version = 2024",
        "app = '-x'",
        "app = ''",
        "worker-class = 'meinheld'",
        "select = ['GT*']",
        "select = [1]",
        "ignore = 5",
        "fail-on = 'fatal'",
        "exit-zero = 'perhaps'",
        "env = ['PORT']",
        "env = {PORT = '8000'}",
        "env = '=1'",
        "env-file = ''",
        "env-file = ['.env']",
    ],
)
def test_both_refuse_a_bad_file(text: str) -> None:
    document = tomllib.loads(text)
    assert not VALIDATOR.is_valid(document)
    assert not reads(document)
