"""The machine as JSON: schema gunitune/probe/1 (docs/schemas/probe-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gunitune import __version__
from gunitune.model import Unknown
from gunitune.render.document import host, value

if TYPE_CHECKING:
    from gunitune.model import Host, Installed


def render(found: Host, installed: Installed, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline."""
    document = {
        "schema": "gunitune/probe/1",
        "gunitune": __version__,
        "host": {**host(found), **_reason("shm", found.shm), **_reason("pids_max", found.pids_max)},
        "installed": {
            "python": value(installed.python),
            "python_source": installed.python_source,
            "gunicorn": value(installed.gunicorn),
            "gunicorn_source": installed.gunicorn_source,
        },
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _reason(key: str, item: Any) -> dict[str, str]:
    """Why `key` is null, where no source beside it says so."""
    return {f"{key}_unknown": item.reason} if isinstance(item, Unknown) else {}
