"""GT6xx and GT8xx: ports that take root, and paths that only one machine has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunitune.checks.look import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look

FIRST_FREE_PORT = 1024
_PORT = re.compile(r"(?:tcp://)?[^/]*:(\d{1,5})")
_PERSONAL = re.compile(r"/Users/[^/]+/|[A-Za-z]:[\\/]", re.ASCII)
# Settings that are paths, and whether Gunicorn ends where the path is not there.
PATHS = {
    "accesslog": True,
    "ca_certs": True,
    "certfile": True,
    "chdir": True,
    "errorlog": True,
    "keyfile": True,
    "logconfig": True,
    "logconfig_json": False,
    "pidfile": True,
    "pythonpath": False,
    "tmp_upload_dir": False,
    "worker_tmp_dir": True,
}


def privileged_port(look: Look) -> Iterator[Hit]:
    """The bind, where a port in it is below 1024 and no user is set: `bind`."""
    binds = look.scope["conf.bind"] if "bind" in look.settings else ()
    if "user" in look.settings or not isinstance(binds, (list, tuple)):
        return
    if look.scope["host.container"] is True:  # most runtimes let any user open such a port
        return
    low = [bind for bind in binds if isinstance(bind, str) and _is_privileged(bind)]
    if low:
        yield Hit(look.settings["bind"].span, "bind", {"bind": low[0]})


def _is_privileged(bind: str) -> bool:
    found = _PORT.fullmatch(bind.strip())
    if found is None or bind.startswith(("unix:", "fd:")):
        return False
    return 0 < int(found[1]) < FIRST_FREE_PORT


def personal_paths(look: Look) -> Iterator[Hit]:
    """Each setting whose path lies in one person's home: `setting`, `path`, `effect`."""
    for name, ends in PATHS.items():
        found = look.settings.get(name)
        if found is None or not isinstance(found.value, str) or name not in look.catalog.names:
            continue
        if _PERSONAL.match(found.value):
            effect = ", and Gunicorn does not start where it is not there" if ends else ""
            facts = {"setting": name, "path": found.value, "effect": effect}
            yield Hit(found.span, name, facts)
