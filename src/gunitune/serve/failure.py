"""Why the server did not come to answer as expected, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError
from gunitune.serve.log import key_line, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.trial import Choice, Launch


class ServeError(GunituneError):
    """A server that does not start, does not come up in time, or does not stay up."""


class AnswerError(GunituneError):
    """A first request that was not answered as expected."""


# What each class of Gunicorn's needs beside Gunicorn itself.
_NEEDS = {
    "gevent": "'gunicorn[gevent]'",
    "gevent_wsgi": "'gunicorn[gevent]'",
    "gevent_pywsgi": "'gunicorn[gevent]'",
    "eventlet": "'gunicorn[eventlet]<26'",
    "tornado": "'gunicorn[tornado]'",
    "asgi": "'gunicorn>=25.3'",
    "uvicorn_worker.UvicornWorker": "uvicorn-worker",
}
_SPEC = "Failed to find attribute|Failed to parse|Application object must be callable|factory"


def failed(what: str, launch: Launch, choice: Choice, lines: list[str]) -> ServeError:
    """The error for a server under `choice` that `what` is said of, with its log's key line."""
    line = key_line(lines)
    said = f": {line}" if line else ""
    return ServeError(f"{choice}: {what}{said}", _hint(launch, choice, "\n".join(lines), line))


def _hint(launch: Launch, choice: Choice, text: str, line: str) -> str:
    for pattern, advise in _ADVICE:
        if re.search(pattern, text if pattern in _ANYWHERE else line):
            return advise(launch, choice, line)
    return f"see what it says by itself: {_by_hand(launch, choice)}"


def _class(launch: Launch, choice: Choice, _: str) -> str:
    wanted = _NEEDS.get(choice.worker_class)
    other = "leave this worker class out"
    if wanted is None:
        return f"install the package that has {shown(choice.worker_class)}, or {other}"
    return f"`{launch.python} -m pip install {wanted}`, or {other}"


def _module(launch: Launch, _: Choice, line: str) -> str:
    named = re.search(r"No module named ['\"]?([\w.]+)", line)
    missing = named[1].partition(".")[0] if named else ""
    if missing == re.split(r"[.:]", launch.spec)[0]:
        return (
            f"{shown(str(launch.folder))} has no such module: name the app with "
            "--app module:attribute, its folder with --chdir"
        )
    return (
        f"install the project's requirements for {launch.python} ({launch.python_source}), "
        "or name the interpreter that has them with --python"
    )


def _spec(launch: Launch, _: Choice, __: str) -> str:
    return f"{shown(launch.spec)} is no app: name it with --app module:attribute or 'module:make()'"


def _conf(launch: Launch, _: Choice, __: str) -> str:
    conf = shown(str(launch.conf or "GUNICORN_CMD_ARGS"))
    return f"mend {conf}, or name another config with --conf"


def _memory(*_: object) -> str:
    return "give it more with --memory, or try fewer workers"


def _environment(*_: object) -> str:
    return "set what the app needs with --env NAME=VALUE or --env-file FILE"


def _not_there(launch: Launch, _: Choice, __: str) -> str:
    return f"{launch.python} ({launch.python_source}) can't be run: name another with --python"


def _setting(*_: object) -> str:
    return "leave it out, or name a Gunicorn that takes it with --python"


def _by_hand(launch: Launch, choice: Choice) -> str:
    conf = f" -c {launch.conf}" if launch.conf else ""
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in _sizes(choice))
    return shown(
        f"`cd {launch.folder} && {launch.python} -m gunicorn{conf} {options} '{launch.spec}'`"
    )


def _sizes(choice: Choice) -> list[tuple[str, object]]:
    names = ("worker_class", "workers", "threads")
    return [(name, value) for name, value in choice.settings().items() if name in names]


_CLASS = "class uri .* invalid or not found"
_CONFIG = "Failed to read config file|Invalid value for "
_OOM = "Perhaps out of memory|MemoryError"
_ANYWHERE = (_CLASS, _CONFIG, _OOM)  # the exception's line alone does not tell these
_ADVICE: tuple[tuple[str, Callable[[Launch, Choice, str], str]], ...] = (
    (_CLASS, _class),
    (_CONFIG, _conf),
    (_OOM, _memory),
    ("No module named", _module),
    (_SPEC, _spec),
    ("has no setting|Gunicorn [0-9.]+ refuses", _setting),
    ("it could not be started: .*(?:No such file|Permission|Exec format)", _not_there),
    ("ImproperlyConfigured|^KeyError: |environment", _environment),
)
