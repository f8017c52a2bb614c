"""Where a measurement stays: in `.gunitune/measure.json` in the project's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune.errors import ProjectError, UsageError
from gunitune.measure.document import NUMBERS, SCHEMA, document
from gunitune.measure.fingerprint import Fingerprint
from gunitune.measure.kind import Judged
from gunitune.measure.profile import Profile
from gunitune.model import MIB, Unknown
from gunitune.project.files import read_bounded
from gunitune.trial import AppFacts, Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunitune.measure.schema import Number, Stored

FOLDER = ".gunitune"
FILE = "measure.json"
AGAIN = "run gunitune measure again"


def path_of(folder: Path) -> Path:
    """The file of a project's measurement, whether or not it is there."""
    return folder / FOLDER / FILE


def save(profile: Profile, folder: Path) -> Path:
    """Write the measurement whole or not at all, in a folder that git ignores.

    Raises UsageError where it can't be written.
    """
    path = path_of(folder)
    ensure_folder(path.parent)
    from gunitune.output import write

    write(json.dumps(document(profile), indent=2, allow_nan=False) + "\n", path, force=True)
    return path


def ensure_folder(folder: Path) -> None:
    """Make the folder, with a `.gitignore` for all in it; raises UsageError."""
    try:
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}", "nothing can be stored there") from None


def load(folder: Path) -> Profile | None:
    """The stored measurement of the project in `folder`, None where there is none.

    Raises ProjectError naming the file where what is there is none of ours, or is damaged.
    """
    path = path_of(folder)
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise _unusable(error.strerror or str(error)) from None
    data = read_bounded(path, MIB)
    if isinstance(data, Unknown):
        raise _unusable(data.reason)
    return _profile(_parsed(data))


def _unusable(reason: str) -> ProjectError:
    return ProjectError(f"{FOLDER}/{FILE} is not used: {reason}", AGAIN)


def _parsed(data: bytes) -> Stored:
    from pydantic import ValidationError

    from gunitune.measure.schema import Stored

    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise _unusable("it is no JSON") from None
    name = found.get("schema") if isinstance(found, dict) else None
    if name != SCHEMA:
        raise _unusable(f"it is not of the format {SCHEMA}")
    try:
        return Stored.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise _unusable(f"{key}: {first['msg']}") from None


def _profile(stored: Stored) -> Profile:
    app, host = stored.app, stored.host
    return Profile(
        facts=_facts(stored),
        judged=Judged(app.kind, app.confidence, app.why),
        spec=app.app,
        interface=app.interface,
        framework=app.framework,
        date=stored.date,
        gunicorn=_known(stored.gunicorn),
        python=_known(stored.python),
        cpus=host.cpus,
        cpus_source=host.cpus_source,
        memory_bytes=Unknown("not known when it was measured")
        if host.memory_bytes is None
        else host.memory_bytes,
        confined=host.confined,
        requests=tuple(stored.load.requests),
        keep_alive=stored.load.keep_alive,
        fingerprint=Fingerprint(**stored.fingerprint.model_dump()),
        gunitune=stored.gunitune,
        spent_s=stored.spent_s,
        concurrency=stored.load.concurrency,
    )


def _known(text: str | None) -> str | Unknown:
    return Unknown("not known when it was measured") if text is None else text


def _facts(stored: Stored) -> AppFacts:
    missing = Unknown("not measured")
    named: dict[str, Any] = {
        field: missing if (found := stored.numbers.get(name)) is None else _number(found)
        for name, field in NUMBERS.items()
    }
    return AppFacts(
        interface=stored.app.interface,
        cpu_ms=_costs(stored.cpu_ms_by_class),
        lone_cpu_ms=_costs(stored.lone_cpu_ms_by_class),
        generator_ms=stored.generator_ms,
        notes=tuple(stored.notes),
        **named,
    )


def _costs(stored: Mapping[str, Number]) -> dict[str, Estimate]:
    """CPU time per request by class, of those that could be told."""
    numbers = {name: _number(number) for name, number in stored.items()}
    return {name: found for name, found in numbers.items() if isinstance(found, Estimate)}


def _number(found: Number) -> Estimate | Unknown:
    if found.value is None:
        return Unknown(found.unknown or "not measured")
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    return Estimate(found.value, low, high, found.source, found.n)
