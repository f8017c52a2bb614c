"""The nouns that every stage hands to the next, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["io", "cpu", "memory", "unknown"]
Confidence = Literal["high", "medium", "low"]
Interface = Literal["wsgi", "asgi"]
Basis = Literal["heuristic", "guard", "measured", "asked"]
Gevent = Literal["cooperates", "patch", "blocks"]

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be told, and why. It flows through expressions and is never a guess."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing read from the machine: its name, value, unit and the file or flag it came from."""

    name: str
    value: float | str
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Host:
    """The machine that the app will run on, and where each number came from.

    `cpus` is what the scheduler grants (may be fractional); `cores_visible` what `os.cpu_count()`
    shows there. `limits` holds every bound met on the way, the binding one or not; `facts` holds
    pressure and throttling counters.
    """

    cpus: float
    cpus_source: str
    cores_visible: int | Unknown
    cores_source: str
    memory_bytes: int | Unknown
    memory_source: str
    platform: str | Unknown
    platform_source: str
    origin: str = "this machine"
    shm: bool | Unknown = Unknown("not looked at")
    pids_max: int | Unknown = Unknown("no pids limit found")
    limits: tuple[Fact, ...] = ()
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """What the project runs on, where it can be told: Python, Gunicorn, installed distributions."""

    python: str | Unknown
    python_source: str
    gunicorn: str | Unknown
    gunicorn_source: str
    packages: frozenset[str] | Unknown = Unknown("no environment of the project found")
    own: bool = False  # read off gunitune's own environment, for want of one of the project


@dataclass(frozen=True, slots=True)
class Dependency:
    """One library that the project declares: normalised name (PEP 503), specifier, and where.

    `pinned` is the exact version where the declaration or a lock file gives one. `direct` is False
    for what only a lock file names. `dev` marks what serves tests, docs or linting and is no
    evidence for what the app does.
    """

    name: str
    specifier: str
    path: str
    line: int
    direct: bool = True
    pinned: str | None = None
    extras: tuple[str, ...] = ()
    dev: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an app is held to be of a kind: a library or a line of source, with its weight."""

    kind: Kind
    weight: float
    text: str
    path: str
    line: int
    library: str | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of the app's, and how it is known: measured, asked (declared) or assumed."""

    value: float
    basis: Literal["measured", "asked", "assumed"]
    source: str


@dataclass(frozen=True, slots=True)
class App:
    """What will run: interface, framework, import spec, kind with its evidence, and its costs.

    `libraries` are the known ones that the project uses, `loaded` those of them that a worker
    imports when it loads the app. What was measured is a `Quantity`: memory of the master and of
    one worker (`preload_`: under preload_app), milliseconds of CPU and of waiting per request
    (`cpu_ms` of the plain class, sync or the ASGI one), the share of the CPU time that holds the
    GIL, the share of the waiting that greenlets or the event loop overlap, the milliseconds of it
    in which the requests of all workers take turns, seconds to boot.
    `warnings` are what the user should know before relying on any of it.
    """

    path: str
    kind: Kind
    confidence: Confidence
    kind_basis: Basis
    interface: Interface | Unknown
    framework: str | None
    spec: str | Unknown
    start_options: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    imports: frozenset[str] = frozenset()
    gevent_blockers: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    loaded: tuple[str, ...] | Unknown = Unknown("the app's file is not known")
    databases: tuple[str, ...] = ()
    blocking: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    worker_memory_bytes: Quantity | Unknown = Unknown("not measured")
    shared_memory_bytes: Quantity | Unknown = Unknown("not measured")
    thread_memory_bytes: Quantity | Unknown = Unknown("not measured")
    cpu_ms: Quantity | Unknown = Unknown("not measured")
    wait_ms: Quantity | Unknown = Unknown("not measured")
    gthread_cpu_ms: Quantity | Unknown = Unknown("not measured")
    gevent_cpu_ms: Quantity | Unknown = Unknown("not measured")
    asgi_cpu_ms: Quantity | Unknown = Unknown("not measured")
    uvicorn_cpu_ms: Quantity | Unknown = Unknown("not measured")
    gil_share: Quantity | Unknown = Unknown("not measured")
    overlap: Quantity | Unknown = Unknown("not measured")
    serial_ms: Quantity | Unknown = Unknown("not measured")
    boot_s: Quantity | Unknown = Unknown("not measured")
    master_memory_bytes: Quantity | Unknown = Unknown("not measured")
    preload_worker_memory_bytes: Quantity | Unknown = Unknown("not measured")
    preload_shared_memory_bytes: Quantity | Unknown = Unknown("not measured")
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """What the user wants held: requests in flight, a rate, a share of memory, database room."""

    concurrency: int | Unknown = Unknown("not asked for")
    rps: float | Unknown = Unknown("not asked for")
    latency_s: float | Unknown = Unknown("not asked for")
    memory_share: float = 0.8
    replicas: int = 1
    db_connections: int | Unknown = Unknown("not declared")
    worker_class: str | Unknown = Unknown("not asked for")
    leaks: bool | Unknown = Unknown("not asked")


Value = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one setting: what a rule made of it, and why."""

    value: Value
    reason: str
    rule: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Setting:
    """A Gunicorn setting with the trail of rules that set and changed it; the last step holds."""

    name: str
    trail: tuple[Step, ...]

    @property
    def value(self) -> Value:
        """The value that holds."""
        return self.trail[-1].value

    @property
    def reason(self) -> str:
        """Why it holds."""
        return self.trail[-1].reason

    @property
    def rule(self) -> str:
        """The rule that gave it."""
        return self.trail[-1].rule

    @property
    def basis(self) -> Basis:
        """What kind of rule that was."""
        return self.trail[-1].basis


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the settings can carry: requests in flight, and the memory they take."""

    in_flight: int | Unknown
    memory_bytes: int | Unknown
    memory_source: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that could not be judged, and the fact it lacked."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The advice: settings in order, what binds, what it carries, and what to do next.

    `flags` are the options it was asked for with, as a command line has them.
    """

    host: Host
    app: App
    goal: Goal
    installed: Installed
    settings: tuple[Setting, ...]
    constraint: str
    capacity: Capacity
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    flags: tuple[str, ...] = field(default=(), compare=False)

    def __getitem__(self, name: str) -> Value:
        """Give the recommended value of a Gunicorn setting; KeyError where none is recommended."""
        for setting in self.settings:
            if setting.name == name:
                return setting.value
        raise KeyError(name)
