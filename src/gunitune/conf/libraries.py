"""What the standard library's functions give on the declared machine, where it can be told."""

from __future__ import annotations

import math
import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gunitune.bounds import MAX_ITEMS
from gunitune.conf.builtin import leave
from gunitune.conf.casting import READERS
from gunitune.conf.environ import MISSING
from gunitune.conf.iterating import pure
from gunitune.conf.methods import normal_path
from gunitune.conf.values import CONTAINERS, Reference
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.conf.expression import Expressions

    Given = Callable[[Expressions, list[Any], dict[str, Any]], Any]

CONSTANTS: dict[str, Any] = {
    "logging.CRITICAL": 50,
    "logging.DEBUG": 10,
    "logging.ERROR": 40,
    "logging.FATAL": 50,
    "logging.INFO": 20,
    "logging.NOTSET": 0,
    "logging.WARN": 30,
    "logging.WARNING": 30,
    "math.e": math.e,
    "math.pi": math.pi,
    "os.curdir": ".",
    "os.devnull": "/dev/null",
    "os.linesep": "\n",
    "os.name": "posix",
    "os.pardir": "..",
    "os.path.sep": "/",
    "os.sep": "/",
    "ssl.CERT_NONE": 0,
    "ssl.CERT_OPTIONAL": 1,
    "ssl.CERT_REQUIRED": 2,
    "ssl.PROTOCOL_SSLv23": 2,
    "ssl.PROTOCOL_TLS": 2,
    "ssl.PROTOCOL_TLS_CLIENT": 16,
    "ssl.PROTOCOL_TLS_SERVER": 17,
    "ssl.PROTOCOL_TLSv1": 3,
    "ssl.PROTOCOL_TLSv1_1": 4,
    "ssl.PROTOCOL_TLSv1_2": 5,
    "sys.maxsize": 2**63 - 1,
}
MODULES = frozenset(("os.path", "logging.config", "multiprocessing.pool", "concurrent.futures"))
_TRUE = frozenset(("y", "yes", "t", "true", "on", "1"))
_FALSE = frozenset(("n", "no", "f", "false", "off", "0"))


def _cores(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    run.deps.add("cpu")
    if not all([*args, *named.values()]):
        return Unknown("the physical cores of the target are not known")  # logical=False
    return run.machine.cores


def _affinity(run: Expressions, _: list[Any], __: dict[str, Any]) -> Any:
    run.deps.add("affinity")
    return run.machine.affinity


def _cpus_allowed(kind: Callable[[range], Any]) -> Given:
    def given(run: Expressions, _: list[Any], __: dict[str, Any]) -> Any:
        run.deps.add("affinity")
        count = run.machine.affinity
        return count if isinstance(count, Unknown) else kind(range(min(count, MAX_ITEMS)))

    return given


def _heeds_quota(run: Expressions, _: list[Any], __: dict[str, Any]) -> Any:
    run.deps |= {"cpu", "affinity"}
    return Unknown("a count of CPUs that heeds quotas, which gunitune does not work out")


def _sysconf(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    if args and args[0] in ("SC_NPROCESSORS_ONLN", "SC_NPROCESSORS_CONF"):
        return _cores(run, [], {})
    return Unknown("asks the system, by os.sysconf")


def _getenv(run: Expressions, args: list[Any], named: dict[str, Any]) -> Any:
    default = args[1] if len(args) > 1 else named.get("default")
    value = run.environ.read(args[0] if args else named.get("key"), run.deps)
    return default if value is MISSING else value


def _path(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    return run.apply(PurePosixPath, *args)


def _absolute(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    def absolute(path: str | PurePosixPath) -> Any:
        return normal_path(posixpath.join(path))

    return run.apply(absolute, args[0])


def _expanduser(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    def expanded(path: str | PurePosixPath) -> Any:
        text = str(path)
        return Unknown("depends on the user it runs as") if text[:1] == "~" else text

    return run.apply(expanded, args[0])


def _asks(what: str) -> Given:
    def given(_: Expressions, __: list[Any], ___: dict[str, Any]) -> Any:
        return Unknown(f"asks the file system, by {what}")

    return given


def truth(text: str) -> int:
    """What distutils' strtobool makes of a text; raises ValueError."""
    word = text.lower()
    if word in _TRUE or word in _FALSE:
        return int(word in _TRUE)
    raise ValueError(f"invalid truth value {text!r}")


def _copied(value: Any) -> Any:
    return type(value)(value) if isinstance(value, CONTAINERS) else value


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep(item) for key, item in value.items()}
    return type(value)(map(_deep, value)) if isinstance(value, (list, tuple)) else _copied(value)


def _copy(how: Callable[[Any], Any]) -> Given:
    def given(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
        return run.guarded(how, *args)

    return given


def _json(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    from json import loads

    return run.apply(loads, *args[:1])


def _logarithm(run: Expressions, args: list[Any], _: dict[str, Any]) -> Any:
    return run.apply(math.log, *args)


FUNCTIONS: dict[str, Given] = {
    "copy.copy": _copy(_copied),
    "copy.deepcopy": _copy(_deep),
    "distutils.util.strtobool": pure(truth),
    "joblib.cpu_count": _heeds_quota,
    "json.loads": _json,
    "loky.cpu_count": _heeds_quota,
    "math.ceil": pure(math.ceil),
    "math.fabs": pure(math.fabs),
    "math.floor": pure(math.floor),
    "math.log": _logarithm,
    "math.log10": pure(math.log10),
    "math.log2": pure(math.log2),
    "math.sqrt": pure(math.sqrt),
    "math.trunc": pure(math.trunc),
    "multiprocessing.cpu_count": _cores,
    "os._exit": leave,
    "os.cpu_count": _cores,
    "os.fspath": pure(str),
    "os.getenv": _getenv,
    "os.path.abspath": _absolute,
    "os.path.basename": pure(posixpath.basename),
    "os.path.dirname": pure(posixpath.dirname),
    "os.path.exists": _asks("os.path.exists"),
    "os.path.expanduser": _expanduser,
    "os.path.isabs": pure(posixpath.isabs),
    "os.path.isdir": _asks("os.path.isdir"),
    "os.path.isfile": _asks("os.path.isfile"),
    "os.path.join": pure(posixpath.join),
    "os.path.normpath": pure(posixpath.normpath),
    "os.path.realpath": _absolute,
    "os.path.split": pure(posixpath.split),
    "os.path.splitext": pure(posixpath.splitext),
    "os.process_cpu_count": _affinity,
    "os.sched_getaffinity": _cpus_allowed(set),
    "os.sysconf": _sysconf,
    "pathlib.Path": _path,
    "pathlib.PosixPath": _path,
    "pathlib.PurePath": _path,
    "pathlib.PurePosixPath": _path,
    "psutil.Process": lambda *_: Reference("psutil.Process()"),
    "psutil.Process().cpu_affinity": _cpus_allowed(list),
    "psutil.cpu_count": _cores,
    "setuptools.distutils.util.strtobool": pure(truth),
    "sys.exit": leave,
    **READERS,
}
