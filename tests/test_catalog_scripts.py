"""The catalogue's files are what the scripts make of a Gunicorn release and of the tables here."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest

from gunitune.catalog import catalog, flags, newest, setting_names
from gunitune.catalog.stored import numbers, stored
from gunitune.data import rules_dir
from served import releases

ROOT = Path(__file__).resolve().parent.parent


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_hand_kept_part_of_the_catalogue_is_fresh() -> None:
    written = (rules_dir() / "gunicorn" / "catalog.json").read_text(encoding="utf-8")
    made = script("gunicorn_catalog")
    again = made.text(json.loads(written) | made.by_hand())
    assert again == written, "run python scripts/gunicorn_catalog.py"


@pytest.fixture(params=tuple(releases()))
def wheel(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A wheel of an installed Gunicorn."""
    release = releases()[request.param]
    packages = next(release.python().parent.parent.glob("lib/python3*/site-packages"))
    path = tmp_path / f"gunicorn-{release.version()}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        names = ["gunicorn/config.py", "gunicorn/workers/__init__.py"]
        names.append(f"gunicorn-{release.version()}.dist-info/METADATA")
        for name in names:
            archive.write(packages / name, name)
    return path


def test_the_catalogue_is_what_the_scripts_make_of_a_release(wheel: Path) -> None:
    survey = script("gunicorn_survey").survey(wheel.parent)
    (version,) = survey
    made = script("gunicorn_catalog").catalog(survey)
    known = catalog(version)
    assert set(made["settings"]) == known.names
    assert set(made["workers"][0][1]) == known.worker_classes
    for name, setting in made["settings"].items():
        for key, changes in setting.items():
            stand = stored()["settings"][name][key]
            reached = [value for since, value in stand if numbers(since) <= known.release]
            assert changes == [[version, reached[-1]]], (name, key)


def test_the_short_table_of_settings_agrees_with_the_catalogue() -> None:
    now = catalog(newest())
    short = json.loads((rules_dir() / "gunicorn" / "settings.json").read_text())
    assert set(short) == setting_names()
    for name, entry in short.items():
        assert (entry["since"], entry["gone"]) == (now.since(name), now.gone(name))
        assert entry["flag"] is None or flags()[entry["flag"]] == name


def test_the_scripts_write_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = script("gunicorn_catalog")
    for name in ("effects.toml", "aliases.toml"):
        (tmp_path / name).write_bytes((rules_dir() / "gunicorn" / name).read_bytes())
    monkeypatch.setattr(made, "FOLDER", tmp_path)
    record = {"validator": "validate_pos_int", "cli": "['-w', '--workers']", "default": "1"}
    settings = {"workers": record, "post_fork": {"validator": "validate_callable(2)"}}
    survey: dict[str, Any] = {"9.1.0": {"settings": settings, "workers": ["sync"], "py": None}}
    survey["9.2.0"] = {"settings": {"workers": record}, "workers": ["sync"], "py": ">=3"}
    (tmp_path / "survey.json").write_text(json.dumps(survey))
    made.main([str(tmp_path / "survey.json")])
    written = json.loads((tmp_path / "catalog.json").read_text())
    assert written["settings"]["post_fork"]["there"] == [["9.1.0", True], ["9.2.0", False]]
    assert written["settings"]["workers"]["kind"] == [["9.1.0", "int"]]
    assert written["python"] == [["9.1.0", None], ["9.2.0", ">=3"]]
    short = json.loads((tmp_path / "settings.json").read_text())
    assert short["post_fork"] == {"flag": None, "gone": "9.2.0", "since": "9.1.0", "type": "hook"}
    before = (tmp_path / "catalog.json").read_text()
    made.main([])
    assert (tmp_path / "catalog.json").read_text() == before
