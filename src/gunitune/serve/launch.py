"""How the project's app is started: its interpreter, folder, own config and environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.environment import environment
from gunitune.errors import ProjectError, UsageError
from gunitune.model import Unknown
from gunitune.serve.interpreter import interpreter
from gunitune.trial import Launch

if TYPE_CHECKING:
    from gunitune.model import App
    from gunitune.settings import Settings

OWN_CONF = "gunicorn.conf.py"


def launch_of(folder: Path, app: App, settings: Settings) -> Launch:
    """What to start for the app; raises GunituneError where it can't be told or is not there."""
    if isinstance(app.spec, Unknown):
        hint = "" if "--app" in app.spec.reason else "name it with --app module:attribute"
        raise ProjectError(app.spec.reason, hint)
    start = _started_in(folder, app, settings)
    environ = {**os.environ, **environment(settings.get("env_file"), settings.get("env", ()))}
    python, source = interpreter(folder, environ, settings.get("python"))
    return Launch(
        python=python,
        python_source=source,
        spec=app.spec,
        interface="asgi" if app.interface == "asgi" else "wsgi",
        folder=start,
        conf=_conf(start, settings),
        environ=environ,
    )


def _started_in(folder: Path, app: App, settings: Settings) -> Path:
    """The folder to start in: --chdir, else where the app was found to be."""
    asked = settings.get("chdir")
    options = app.start_options
    found = options[options.index("--chdir") + 1] if "--chdir" in options else "."
    start = Path(asked) if asked else folder / found
    if not start.is_dir():
        raise UsageError(f"{start} is no folder", "name one with --chdir")
    return start.resolve()


def _conf(start: Path, settings: Settings) -> Path | None:
    """The project's own config: --conf, else the file that Gunicorn itself would load."""
    if asked := settings.get("conf"):
        path = Path(asked)
        if not path.is_file():
            raise UsageError(f"{path} is no file", "name a gunicorn.conf.py with --conf")
        return path.resolve()
    own = start / OWN_CONF
    return own if own.is_file() else None
