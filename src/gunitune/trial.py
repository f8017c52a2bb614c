"""The nouns of measuring, frozen: what is started, what it is asked, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gunitune.model import Interface, Value

# Gunicorn's own names of the classes; any other dotted path is a class of the project's.
THREADED = "gthread"
DEFAULT_CONNECTIONS = 1000  # of Gunicorn, in every release
GREENLETS = ("gevent", "eventlet")
NOT_MEASURED = Unknown("not measured")
UVICORN = "uvicorn_worker.UvicornWorker"
LOOPS = ("asgi", UVICORN, "tornado")


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """One set of settings on trial. `worker_connections` None leaves Gunicorn's default."""

    worker_class: str
    workers: int
    threads: int = 1
    worker_connections: int | None = None
    extra: tuple[tuple[str, Value], ...] = ()  # further settings of Gunicorn, sorted by name

    def settings(self) -> dict[str, Value]:
        """Gunicorn's settings, by name; threads only where they mean something."""
        found: dict[str, Value] = {"worker_class": self.worker_class, "workers": self.workers}
        if self.worker_class == THREADED:
            found["threads"] = self.threads
        if self.worker_connections is not None:
            found["worker_connections"] = self.worker_connections
        return found | dict(self.extra)

    def applied(self) -> dict[str, Value]:
        """All that is set for the trial, so that nothing of the project's config mixes in.

        The app is not preloaded unless `extra` says so: that moves memory and boot time.
        """
        threads = self.threads if self.worker_class == THREADED else 1
        connections = self.worker_connections or DEFAULT_CONNECTIONS
        fixed = {"preload_app": False, "threads": threads, "worker_connections": connections}
        return fixed | self.settings()

    def __str__(self) -> str:
        """Short enough for a table: `gthread 2x8 wc=8`, `sync 5`."""
        name = self.worker_class.partition(".")[0].removesuffix("_worker")
        size = f"{self.workers}x{self.threads}" if self.worker_class == THREADED else self.workers
        room = "" if self.worker_connections is None else f" wc={self.worker_connections}"
        return f"{name} {size}{room}" + "".join(f" {key}={value}" for key, value in self.extra)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server may use of this machine; None leaves it all of it."""

    cpus: float | None = None
    memory_bytes: int | None = None
    cores: frozenset[int] = frozenset()  # the CPUs, by number, to stay on; empty: any


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started: the project's interpreter, app, folder, own config and environment.

    `environ` is the whole environment of the server. `conf` is the project's gunicorn.conf.py (its
    further options, hooks and logging stay), None where it has none.
    """

    python: Path
    python_source: str
    spec: str
    interface: Interface
    folder: Path
    conf: Path | None
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request of the load; `weight` is its share among all."""

    path: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """What the server is asked. Closed loop of `concurrency` clients, or open loop of `rps`.

    Open loop: Poisson arrivals, latency from the scheduled time. With `keep_alive` False every
    request has a connection of its own. `expect` are the statuses that count as served; empty: 2xx.
    """

    requests: tuple[Request, ...] = (Request(),)
    concurrency: int = 64
    rps: float | None = None
    keep_alive: bool = True
    warmup_s: float = 0.5
    duration_s: float = 4.0
    timeout_s: float = 30.0
    expect: frozenset[int] = frozenset()
    seed: int = 0

    @property
    def open(self) -> bool:
        """Whether arrivals come by themselves, whatever the server does."""
        return self.rps is not None


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency of the served requests, in milliseconds; exact order statistics.

    `p99_low` and `p99_high` bound the 95 % confidence interval of p99 (order statistics).
    """

    count: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    p99_low_ms: float
    p99_high_ms: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What the load generator saw in its window.

    `started` and `ended` are CLOCK_MONOTONIC seconds. `served` counts the expected statuses,
    `errors` the rest by kind ("status 500", "refused", "reset", "timeout", "malformed",
    "unanswered"). `connections` is 0 where an external tool does not tell.
    `limit` says why the generator and not the server set the pace; "" where the server did.
    """

    generator: str
    started: float
    ended: float
    served: int
    errors: Mapping[str, int]
    latency: Latency | Unknown
    connections: int
    generator_cpu_s: float
    lag_p99_ms: float = 0.0  # how late requests were sent (open loop)
    dropped: int = 0  # arrivals that an external generator could not send
    limit: str = ""
    per_slice: tuple[int, ...] = ()  # served in each tenth of a second

    @property
    def window_s(self) -> float:
        """Length of the window."""
        return self.ended - self.started

    @property
    def rps(self) -> float:
        """Requests served per second."""
        return self.served / self.window_s if self.window_s > 0 else 0.0

    @property
    def failed(self) -> int:
        """Requests that were not served as expected."""
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server's process tree took in a window, dead workers included.

    Sources say how each was read ("cgroup cpu.stat", "/proc"). What can't be read is Unknown.
    """

    wall_s: float
    cpu_s: float
    cpu_source: str
    pss_bytes: int | Unknown  # proportional share, summed over the tree, at the end
    peak_bytes: int | Unknown  # highest of the window
    memory_source: str
    workers: int  # alive at the end
    restarts: int  # workers that died in the window
    voluntary_switches: int | Unknown
    involuntary_switches: int | Unknown
    throttled_s: float | Unknown  # by the CPU quota
    steal_s: float | Unknown  # CPU time that the hypervisor gave to others, over all CPUs
    other_cpu_s: float | Unknown  # CPU time of neither the server nor the generator
    pressure_cpu_s: float | Unknown  # PSI "some" of the CPUs
    per_worker_cpu_s: tuple[float, ...] = ()  # of the workers alive at the end, most first

    @property
    def cores(self) -> float:
        """CPUs in use, on average."""
        return self.cpu_s / self.wall_s if self.wall_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Block:
    """One measured run of one choice: started anew, warmed up, loaded, stopped.

    `void` says why it must not be counted ("steal took 12 % of the CPUs"); empty: it counts.
    `raised` is the last exception that the log told of where requests failed.
    """

    choice: Choice
    load: Load
    answered: Answered
    usage: Usage
    boot_s: float
    confined: str = ""  # how --cpus and --memory were enforced
    void: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    round: int = 0
    phase: str = "search"  # search, final (open loop), closing (A B B A)
    raised: str = ""

    @property
    def rps(self) -> float:
        """Requests served per second."""
        return self.answered.rps

    @property
    def cpu_ms(self) -> float:
        """CPU time of the server per request served, in milliseconds; 0 where none was."""
        served = self.answered.served
        return 1000 * self.usage.cpu_s / served if served else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number with its 95 % interval and how it was come by."""

    value: float
    low: float
    high: float
    source: str
    n: int = 1


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What measuring learned of the app; times in milliseconds per request.

    `cpu_ms` holds the CPU time per request by worker class (the class costs some itself) with
    workers for all CPUs (four at most); `lone_cpu_ms` that of a single worker, with CPUs to spare:
    caches are its own then, but its threads fight for the GIL from several CPUs.
    `gil_share` is the share of the CPU time that holds the GIL (1: pure Python), `overlap` the
    share of the waiting that greenlets (WSGI) or the event loop (ASGI) really overlap. `serial_ms`
    is the part of the waiting in which the requests of all workers take turns (a database's lock, a
    service at its limit): no more than one request in that time is served, whatever is added;
    `worker_serial_ms` the part in which those of one worker do (a pool of its own). Memory: the
    master, one worker's own (private) and the part it shares with the master, without and with
    preload; one further thread.
    """

    interface: Interface
    cpu_ms: Mapping[str, Estimate]
    wait_ms: Estimate | Unknown
    gil_share: Estimate | Unknown
    overlap: Estimate | Unknown
    boot_s: Estimate | Unknown
    master_bytes: Estimate | Unknown
    worker_bytes: Estimate | Unknown
    shared_bytes: Estimate | Unknown
    preload_worker_bytes: Estimate | Unknown
    preload_shared_bytes: Estimate | Unknown
    thread_bytes: Estimate | Unknown
    serial_ms: Estimate | Unknown = NOT_MEASURED
    worker_serial_ms: Estimate | Unknown = NOT_MEASURED
    lone_cpu_ms: Mapping[str, Estimate] = field(default_factory=dict)
    # CPU time of the load generator per request, where it shares the CPUs
    generator_ms: float = 0.0
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model expects of a choice under a load on `cpus` CPUs.

    `limit` names the station that binds ("cpu", "gil", "serial", "slots", "wait", "memory",
    "class"), `why` says it in a sentence; `feasible` is False where memory or the class forbids it.
    """

    choice: Choice
    cpus: float
    rps: float
    mean_ms: float
    p99_ms: float | Unknown
    in_flight: float
    memory_bytes: int | Unknown
    cores: float
    limit: str
    why: str
    feasible: bool = True
    extrapolated: bool = False
