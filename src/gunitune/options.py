"""What gunitune can be told: each option once, for flags, environment, pyproject and Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gunitune.errors import UsageError
from gunitune.units import parse_cpus, parse_duration, parse_size, release

if TYPE_CHECKING:
    from collections.abc import Callable

Group = Literal["Target machine", "App", "Goal", "Check", "Environment", "Server", "Load", "Search"]
# Which `recommend` and `emit` heed: what their output says again in the command for the next step.
ADVISING = ("Target machine", "App", "Goal")
OBJECTIVES = ("throughput", "p99", "memory")
GENERATORS = ("embedded", "oha", "vegeta", "wrk", "k6")
PLATFORMS = (
    "bare", "cloud-run", "container", "docker", "ecs", "heroku", "kubernetes", "lxc", "podman",
    "systemd",
)  # fmt: skip
# The words of model.Kind and model.Interface; the model itself is not loaded for --version.
KINDS = ("io", "cpu", "memory", "unknown")
INTERFACES = ("wsgi", "asgi")
CLASSES = {
    "asgi": "asgi",
    "eventlet": "eventlet",
    "gevent": "gevent",
    "gthread": "gthread",
    "sync": "sync",
    "tornado": "tornado",
    "uvicorn": "uvicorn_worker.UvicornWorker",
    "uvicorn_worker.UvicornWorker": "uvicorn_worker.UvicornWorker",
}


def choice(*allowed: str) -> Callable[[str], str]:
    """Read one of a few words; raises UsageError that names them."""

    def read(text: str) -> str:
        if text not in allowed:
            raise UsageError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return read


def whole(text: str) -> int:
    """Read a whole number from 1 to 10 million."""
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    if not (1 <= len(digits) <= 8 and int(digits) <= 10_000_000):
        raise UsageError(f"{text!r} is not a whole number from 1 to 10000000")
    return int(digits)


def rate(text: str) -> float:
    """Read requests per second."""
    number = _number(text)
    if not 0 < number <= 1e7:
        raise UsageError(f"{text!r} is not a rate", "write requests per second, as 250 or 0.5")
    return number


def share(text: str) -> float:
    """Read a share as `0.8` or `80%`."""
    number = _number(text[:-1]) / 100 if text.endswith("%") else _number(text)
    if not 0.05 <= number <= 1:
        raise UsageError(f"{text!r} is not a share from 0.05 to 1", "write it as 0.8 or 80%")
    return number


def _number(text: str) -> float:
    """A number as a person writes it, without Python's underscores; -1 where it is none."""
    try:
        return float(text) if text.isascii() and "_" not in text else -1
    except ValueError:
        return -1


def yes(text: str) -> bool:
    """Read a switch from a file or the environment."""
    words = {"1": True, "true": True, "yes": True, "y": True}
    words |= {"0": False, "false": False, "no": False, "n": False}
    if text.lower() not in words:
        raise UsageError(f"{text!r} is not true or false")
    return words[text.lower()]


def _version(text: str) -> str:
    if not 18 <= release(text)[0] <= 99:
        raise UsageError(f"{text!r} is no release of Gunicorn", "write it as 23.0.0")
    return text.strip()


def _spec(text: str) -> str:
    if not text or len(text) > 300 or not text.isprintable() or text.startswith("-"):
        raise UsageError(f"{text!r} is no app", "name it as module:attribute, e.g. app:app")
    return text


def _class(text: str) -> str:
    return CLASSES[choice(*CLASSES)(text)]


def _rule(text: str) -> str:
    word = text.strip()
    if not word or len(word) > 100 or not all(char.isalnum() or char in "-_" for char in word):
        raise UsageError(f"{text!r} is no rule", "name an id, a name or a prefix: GT203, GT2")
    return word


def _status(text: str) -> int:
    """Read a status of HTTP."""
    word = text.strip()
    if not (len(word) == 3 and word.isascii() and word.isdigit() and "1" <= word[0] <= "5"):
        raise UsageError(f"{text!r} is no status", "write it as 200 or 302")
    return int(word)


def _request(text: str) -> str:
    if "\0" in text:
        raise UsageError(f"{text!r} is no request", "write it as 'GET /path'")
    return text


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or "\0" in text:
        raise UsageError(f"{text!r} is no variable", "write it as NAME=VALUE")
    return name, value


def _file(text: str) -> str:
    if not text or "\0" in text:
        raise UsageError(f"{text!r} is no file", "name a file of NAME=VALUE lines")
    return text


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `name` in Python, `--na-me`, GUNITUNE_NAME and `na-me` in [tool.gunitune].

    `separator` parts the values of an option that takes many; its flag may be given repeatedly.
    """

    name: str
    group: Group
    help: str
    read: Callable[[str], Any]
    metavar: str
    switch: bool = False
    separator: str = ""

    @property
    def key(self) -> str:
        """The name in a settings file; target options stand in [tool.gunitune.target]."""
        key = self.name.replace("_", "-")
        return f"target.{key}" if self.group == "Target machine" else key

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "GUNITUNE_" + self.name.upper()


OPTIONS: tuple[Option, ...] = (
    Option("cpus", "Target machine", "CPUs it grants: 2, 0.5 or 500m.", parse_cpus, "N"),
    Option("memory", "Target machine", "Its memory limit: 512M, 1GiB.", parse_size, "SIZE"),
    Option("cores", "Target machine", "Cores visible there, if more than --cpus.", whole, "N"),
    Option("platform", "Target machine", "Where it runs: kubernetes, docker, heroku, …",
           choice(*PLATFORMS), "NAME"),
    Option("kind", "App", "What the app mostly does: io, cpu, memory or unknown.",
           choice(*KINDS), "KIND"),
    Option("app", "App", "The app to serve, as module:attribute.", _spec, "SPEC"),
    Option("interface", "App", "wsgi or asgi, where it can't be told.",
           choice(*INTERFACES), "NAME"),
    Option("worker_class", "App", "Ask for a class: sync, gthread, gevent, asgi, uvicorn, …",
           _class, "CLASS"),
    Option("worker_memory", "App", "Memory one worker needs, as measured.", parse_size, "SIZE"),
    Option("leaks", "App", "Its memory grows until restart.", yes, "", switch=True),
    Option("gunicorn_version", "App", "The Gunicorn it will run on, e.g. 23.0.0.", _version, "X.Y"),
    Option("concurrency", "Goal", "Requests in flight to hold.", whole, "N"),
    Option("rps", "Goal", "Requests per second to hold; with --latency.", rate, "RATE"),
    Option("latency", "Goal", "Time a request takes: 80ms, 2s.", parse_duration, "TIME"),
    Option("memory_share", "Goal", "Share of the memory to use (default 0.8).", share, "SHARE"),
    Option("replicas", "Goal", "Instances that share the database.", whole, "N"),
    Option("db_connections", "Goal", "Connections the database allows.", whole, "N"),
    Option("select", "Check", "Only these rules: ids, names or prefixes.", _rule, "RULES",
           separator=","),
    Option("ignore", "Check", "All rules but these.", _rule, "RULES", separator=","),
    Option("fail_on", "Check", "Exit 1 from here on: note, warning (default) or error.",
           choice("note", "warning", "error"), "SEVERITY"),
    Option("exit_zero", "Check", "Exit 0 whatever is found.", yes, "", switch=True),
    Option("no_ignores", "Check", "Heed no `# gunitune: ignore` comments.", yes, "", switch=True),
    Option("env", "Environment", "A variable that is set where Gunicorn starts.", _variable,
           "NAME=VALUE", separator="\n"),
    Option("env_file", "Environment", "A file of such variables.", _file, "FILE"),
    Option("python", "Server", "The Python to run Gunicorn with (else the project's).", _file,
           "FILE"),
    Option("chdir", "Server", "The folder to start Gunicorn in.", _file, "DIR"),
    Option("conf", "Server", "The project's own Gunicorn config, for all that is not on trial.",
           _file, "FILE"),
    Option("request", "Load", "What to ask: 'GET /path', with weight=, header=, body=. Repeatable.",
           _request, "REQUEST", separator="\n"),
    Option("requests_file", "Load", "A file of such requests, one a line.", _file, "FILE"),
    Option("access_log", "Load", "Draw the requests from this access log.", _file, "FILE"),
    Option("expect_status", "Load", "The statuses that count as served (default: 2xx).", _status,
           "STATUS", separator=","),
    Option("allow_unsafe_methods", "Load", "Send requests other than GET and HEAD too.", yes, "",
           switch=True),
    Option("no_keep_alive", "Load", "Open a connection for every request.", yes, "", switch=True),
    Option("load_generator", "Load", "embedded (default), oha, vegeta, wrk or k6.",
           choice(*GENERATORS), "NAME"),
    Option("budget", "Search", "Time to spend on it all: 90s, 5m.", parse_duration, "TIME"),
    Option("objective", "Search", "throughput (default), p99 or memory.", choice(*OBJECTIVES),
           "NAME"),
    Option("max_p99", "Search", "The highest p99 that will do: 300ms.", parse_duration, "TIME"),
)  # fmt: skip
BY_NAME = {option.name: option for option in OPTIONS}
