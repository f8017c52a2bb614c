"""What a study's document says (gunitune/tune/1): read where it comes from outside, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (  # noqa: TID253  (only measuring and --from-study load this module)
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from gunitune.errors import ProjectError
from gunitune.model import MIB, Unknown, Value
from gunitune.project.files import read_bounded
from gunitune.tune.current import TRIED

if TYPE_CHECKING:
    from gunitune.tune.result import Tuned

STUDIES = Path(".gunitune") / "tune"
MAX_BYTES = 64 * MIB
_HINT = "name a study's .json, or run gunitune tune"

Text = Annotated[str, Field(max_length=10_000)]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    """A part of the document: what is not known yet is passed over, types are exact."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


class Chosen(_Part):
    """Settings with the name that tables show for them."""

    choice: Text
    settings: dict[str, bool | int | float | str | None]

    @field_validator("settings")
    @classmethod
    def _known(cls, settings: dict[str, Value]) -> dict[str, Value]:
        """Only what a study puts on trial: a config is written of it, and run."""
        for name in settings:
            if name not in TRIED:
                raise ValueError(f"Gunicorn has no plain setting {name!r} that a study tries")
        return settings


class Measured(Chosen):
    """A choice's standing: requests per second with their 95 % interval, and how it fared."""

    roles: list[Text] = []
    blocks: Count
    rps: float | None
    rps_low: float | None
    rps_high: float | None
    p50_ms: float | None
    p99_ms: float | None
    memory_bytes: int | None
    errors: Count
    cores: float | None
    fate: Text
    why: Text = ""


class Against(Chosen):
    """The winner's throughput over another's, with its 95 % interval."""

    name: Text
    ratio: float | None
    low: float | None
    high: float | None


class Machine(_Part):
    """Where it was measured."""

    cpus: float
    cpus_source: Text
    memory_bytes: int | None
    memory_source: Text


class Served(_Part):
    """What was served."""

    app: Text
    interface: Literal["wsgi", "asgi"]
    framework: Text | None = None
    start_options: list[Text] = []


class Gunicorn(_Part):
    """By which Gunicorn, with which config of the project's beneath."""

    version: Text
    python_source: Text = ""
    conf: Text | None = None


class Goal(_Part):
    """What was wanted."""

    objective: Literal["throughput", "p99", "memory"]
    max_p99_ms: float | None


class Asked(_Part):
    """One kind of request."""

    method: Text
    path: Text


class Loaded(_Part):
    """How the app was loaded: by so many clients, or at a rate."""

    concurrency: int | None
    rps: float | None
    keep_alive: bool
    requests: list[Asked]


class Study(_Part):
    """A study, as far as a config is made of it."""

    schema_: Literal["gunitune/tune/1"] = Field(alias="schema")
    gunitune: Text
    host: Machine
    confined: Text = ""
    app: Served
    gunicorn: Gunicorn
    goal: Goal
    load: Loaded
    standings: list[Measured]
    winner: Measured | None
    against: list[Against]
    limited: Text
    study: Text = ""


def read_document(path: Path) -> Study:
    """The study in a file, or the newest of a project's folder; raises ProjectError.

    The file of a study's blocks stands for the document beside it, which is there once the study
    has ended.
    """
    path = _newest(path) if path.is_dir() else path
    if path.suffix != ".json":
        path = _ended(path)
    data = read_bounded(path, MAX_BYTES)
    if isinstance(data, Unknown):
        raise ProjectError(f"{path}: {data.reason}", _HINT)
    return parse(data, str(path))


def parse(data: str | bytes, name: str) -> Study:
    """The study in a JSON text; raises ProjectError naming the key that is wrong."""
    try:
        return Study.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise ProjectError(f"{name}: {place + ': ' if place else ''}{said}", _HINT) from None


def study_of(tuned: Tuned) -> Study:
    """The same of a study that has just ended."""
    from gunitune.render.tune.json import render

    return parse(render(tuned), "the study")


def save(tuned: Tuned) -> Path:
    """Write the document beside the study's blocks, and give its path."""
    from gunitune.output import write
    from gunitune.render.tune.json import render

    path = beside(Path(tuned.study))
    write(render(tuned), path, force=True)
    return path


def beside(blocks: Path) -> Path:
    """The document of a file of blocks: NAME.json for NAME.jsonl, never that file itself."""
    return blocks.with_suffix(".json") if blocks.suffix == ".jsonl" else Path(f"{blocks}.json")


def _ended(blocks: Path) -> Path:
    path = beside(blocks)
    if blocks.exists() and not path.exists():
        raise ProjectError(f"{blocks} has not ended", "go on with it: gunitune tune --resume")
    return path


def _newest(folder: Path) -> Path:
    """The document written last below a project's folder."""
    inside = folder / STUDIES
    found = list((inside if inside.is_dir() else folder).glob("*.json"))
    if not found:
        raise ProjectError(f"{folder} holds no study", "run gunitune tune there first")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
