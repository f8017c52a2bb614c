"""Writes rules/gunicorn/settings.json and catalog.json from a survey of Gunicorn releases.

    python scripts/gunicorn_catalog.py survey.json     from a survey (scripts/gunicorn_survey.py)
    python scripts/gunicorn_catalog.py                 only what comes from the TOML files there

What differs between releases stands in catalog.json as a list of [first release, value].
"""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).resolve().parent.parent / "rules" / "gunicorn"

# A validator of config.py -> how catalog/kinds.py names what it takes, from which release on.
KINDS: dict[str, list[tuple[str, str]]] = {
    "validate_asgi_lifespan": [("0", "asgi_lifespan")],
    "validate_asgi_loop": [("0", "asgi_loop")],
    "validate_bool": [("0", "bool")],
    "validate_chdir": [("0", "chdir")],
    "validate_class": [("0", "class")],
    "validate_dict": [("0", "dict")],
    "validate_group": [("0", "group")],
    "validate_header_map_behaviour": [("0", "header_map")],
    "validate_hostport": [("0", "hostport")],
    "validate_http2_cleartext": [("0", "http2_cleartext")],
    "validate_http2_frame_size": [("0", "http2_frame_size")],
    "validate_http2_stream_limit": [("0", "http2_stream_limit")],
    "validate_http2_window_size": [("0", "http2_window_size")],
    "validate_http_parser": [("0", "http_parser")],
    "validate_http_protocols": [("0", "http_protocols_h3"), ("27.0.0", "http_protocols")],
    "validate_list_of_existing_files": [("0", "files")],
    "validate_list_of_files_or_patterns": [("0", "files")],
    "validate_list_string": [("0", "strings")],
    "validate_pos_int": [("0", "int")],
    "validate_post_request": [("0", "callable:2,3,4")],
    "validate_proxy_protocol": [("0", "proxy_protocol")],
    "validate_reload_engine": [("0", "reload_engine")],
    "validate_ssl_version": [("0", "ssl_version"), ("21.0.0", "anything")],
    "validate_statsd_address": [("0", "statsd_address")],
    "validate_string": [("0", "string")],
    "validate_string_to_addr_list": [
        ("0", "addresses"),
        ("24.1.0", "loose_networks"),
        ("24.1.1", "networks"),
    ],
    "validate_string_to_list": [("0", "comma_strings")],
    "validate_user": [("0", "user")],
}

# Defaults that are no literals: by the text in the survey, as it stands on Linux.
DEFAULTS: dict[str, dict[str, Any]] = {
    "16 * 1024 * 1024": {"value": 16 * 1024 * 1024},
    "'unix:///var/run/syslog'": {"value": "udp://localhost:514"},
    "ssl.CERT_NONE": {"value": 0},
    "ssl.PROTOCOL_SSLv23": {"value": 2},
    "['0.0.0.0:{0}'.format(os.environ.get('PORT'))]": {"value": ["127.0.0.1:8000"], "env": "PORT"},
    "int(os.environ.get('WEB_CONCURRENCY', 1))": {"value": 1, "env": "WEB_CONCURRENCY"},
    "os.environ.get('FORWARDED_ALLOW_IPS', '127.0.0.1')": {
        "value": "127.0.0.1",
        "env": "FORWARDED_ALLOW_IPS",
    },
    "os.environ.get('FORWARDED_ALLOW_IPS', '127.0.0.1,::1')": {
        "value": "127.0.0.1,::1",
        "env": "FORWARDED_ALLOW_IPS",
    },
    "_get_default_control_socket()": {"unknown": "$XDG_RUNTIME_DIR or the home directory"},
    "os.getegid()": {"unknown": "the group that Gunicorn is started as"},
    "os.geteuid()": {"unknown": "the user that Gunicorn is started as"},
    "util.getcwd()": {"unknown": "the directory that Gunicorn is started in"},
}


def release(version: str) -> tuple[int, ...]:
    """Give a version's numbers, for sorting."""
    return tuple(int(part) for part in version.split("."))


def settings(survey: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One record a setting: flag, type, first release, first without it."""
    releases = sorted(survey, key=release)
    found: dict[str, dict[str, Any]] = {}
    for version in releases:
        for name, record in survey[version]["settings"].items():
            entry = found.setdefault(name, {"since": version})
            entry["flag"] = next((flag for flag in flags(record) if flag.startswith("--")), None)
            entry["type"] = _type(record.get("validator") or "")
            entry["last"] = version
    for entry in found.values():
        later = releases[releases.index(entry.pop("last")) + 1 :]
        entry["gone"] = later[0] if later else None
    return found


def _type(validator: str) -> str:
    """A value's type: int, bool, hook (a callable), dict, or str for all written as one."""
    if "callable" in validator or validator == "validate_post_request":
        return "hook"
    known = {"validate_pos_int": "int", "validate_bool": "bool", "validate_dict": "dict"}
    return known.get(validator, "str")


def flags(record: Mapping[str, str]) -> list[str]:
    """The command-line flags of a setting, the short one included."""
    return list(ast.literal_eval(record.get("cli") or "[]"))


def kind(validator: str, version: str) -> str:
    """What the validator takes in that release; KeyError for one that is new to the table."""
    if validator.startswith("validate_callable("):
        return f"callable:{validator[18:-1]}"
    reached = [kind for since, kind in KINDS[validator] if release(since) <= release(version)]
    return reached[-1]


def default(text: str | None) -> dict[str, Any]:
    """The default as held before the validator; ValueError for an expression not in the table."""
    if text is None:
        return {"value": None}
    if text.startswith("staticmethod("):
        return {"unknown": "a function of Gunicorn's own"}
    return DEFAULTS.get(text) or {"value": ast.literal_eval(text)}


def catalog(survey: dict[str, Any]) -> dict[str, Any]:
    """What catalog.json holds of a survey."""
    releases = sorted(survey, key=release)
    names = sorted({name for version in releases for name in survey[version]["settings"]})
    return {
        "releases": releases,
        "workers": _changes({version: survey[version]["workers"] for version in releases}),
        "python": _changes({version: survey[version]["py"] for version in releases}),
        "settings": {name: _setting(name, survey, releases) for name in names},
    }


def _setting(name: str, survey: dict[str, Any], releases: list[str]) -> dict[str, Any]:
    """`there` says when the setting comes and goes; the rest is of the releases that have it."""
    records = {version: survey[version]["settings"].get(name) for version in releases}
    had = {version: record for version, record in records.items() if record is not None}
    return {
        "there": _changes({version: version in had for version in releases}),
        "kind": _changes({v: kind(record["validator"], v) for v, record in had.items()}),
        "default": _changes({v: default(record.get("default")) for v, record in had.items()}),
        "flags": _changes({v: flags(record) for v, record in had.items()}),
    }


def _changes(values: Mapping[str, Any]) -> list[list[Any]]:
    """Only the releases that change the value."""
    found: list[list[Any]] = []
    for version, value in values.items():
        if not found or found[-1][1] != value:
            found.append([version, value])
    return found


def by_hand(folder: Path = FOLDER) -> dict[str, Any]:
    """What catalog.json holds of the TOML files beside it."""
    effects: dict[str, list[dict[str, Any]]] = {}
    for effect in _toml(folder / "effects.toml")["effect"]:
        record = {key: value for key, value in effect.items() if key not in ("settings", "refs")}
        for name in effect["settings"]:
            effects.setdefault(name, []).append(record)
    aliases = _toml(folder / "aliases.toml")
    return {"effects": effects, "aliases": aliases["aliases"], "exact": aliases["exact"]}


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def text(value: dict[str, Any]) -> str:
    """JSON with a line for every setting."""
    parts = [f"{json.dumps(key)}: {_lines(value[key])}" for key in sorted(value)]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    parts = [f"  {json.dumps(key)}: {json.dumps(value[key])}" for key in sorted(value)]
    return "{\n" + ",\n".join(parts) + "\n}"


def main(arguments: list[str]) -> None:
    """Write the files."""
    path = FOLDER / "catalog.json"
    if arguments:
        survey = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        known = json.dumps(settings(survey), indent=1, sort_keys=True)
        (FOLDER / "settings.json").write_text(known + "\n", encoding="utf-8")
        found = catalog(survey)
    else:
        found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(text(found | by_hand()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
