"""What is installed beside the Gunicorn that is started: asked of the interpreter itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gunitune.model import Installed, Unknown

if TYPE_CHECKING:
    from gunitune.trial import Launch

_ASK = """
import json, re, sys
try:
    from importlib.metadata import distributions
    found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
except ImportError:
    import pkg_resources
    found = {d.project_name: d.version for d in pkg_resources.working_set}
named = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found.items()}
print(json.dumps({"python": ".".join(map(str, sys.version_info[:3])), "packages": named}))
"""
_TIMEOUT_S = 60.0


def installed_beside(launch: Launch) -> Installed:
    """Python, Gunicorn and the packages (PEP 503 names) of the interpreter that a launch uses."""
    import subprocess

    source = launch.python_source
    try:
        ran = subprocess.run(  # noqa: S603  (the interpreter to be used, and no shell)
            [str(launch.python), "-c", _ASK],
            cwd=launch.folder,
            env=dict(launch.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
        found = json.loads(ran.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        lost = Unknown(f"{launch.python} does not tell what is installed")
        return Installed(lost, lost.reason, lost, lost.reason, lost)
    packages = found["packages"]
    return Installed(
        python=found["python"],
        python_source=source,
        gunicorn=packages.get("gunicorn", Unknown(f"{launch.python} does not list gunicorn")),
        gunicorn_source=source,
        packages=frozenset(packages),
    )
