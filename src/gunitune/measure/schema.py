"""Which stored measurements are taken: those that these models take, for it is outside data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints  # noqa: TID253  (on demand)

from gunitune.model import Confidence, Interface, Kind  # noqa: TC001  (read by pydantic)

Text = Annotated[str, StringConstraints(max_length=1000)]
Name = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.+\-Z]{0,20}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,64}$")]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]


class Table(BaseModel):
    """An object; keys of a later gunitune are no fault."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Number(Table):
    """A measured number with its interval and source, or why there is none."""

    value: Amount | None = None
    low: Amount | None = None
    high: Amount | None = None
    n: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    source: Text = ""
    unknown: Text = ""


class _App(Table):
    app: Name
    interface: Interface
    framework: Name | None = None
    kind: Kind
    confidence: Confidence
    why: Text


class _Host(Table):
    cpus: Annotated[float, Field(gt=0, le=65536, allow_inf_nan=False)]
    cpus_source: Text = ""
    memory_bytes: Annotated[int, Field(gt=0, le=2**63)] | None = None
    confined: Text = ""


class _Load(Table):
    requests: Annotated[list[Text], Field(max_length=1000)] = []
    keep_alive: bool = True
    concurrency: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class _Fingerprint(Table):
    code: Hash
    packages: Hash = ""
    place: Name = ""


class Stored(Table):
    """The whole document, without the plain numbers that repeat what `numbers` says."""

    gunitune: Name
    date: Date
    app: _App
    host: _Host
    gunicorn: Name | None = None
    python: Name | None = None
    load: _Load
    cpu_ms_by_class: Annotated[dict[Name, Number], Field(max_length=20)]
    lone_cpu_ms_by_class: Annotated[dict[Name, Number], Field(max_length=20)] = {}
    numbers: Annotated[dict[Name, Number], Field(max_length=100)]
    generator_ms: Amount = 0.0
    notes: Annotated[list[Text], Field(max_length=100)] = []
    spent_s: Amount = 0.0
    fingerprint: _Fingerprint
