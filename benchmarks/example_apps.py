"""The example apps as the benchmarks run them: environments with every worker class, and launches.

What a request waits for (upstream.py of flask_io and asgi_fastapi) runs as a process of its own,
so that the CPU time and memory are the app's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.trial import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
WSGI = ("flask_io", "django_orm", "cpu_pillow", "memory_model")
ASGI = ("asgi_fastapi", "asgi_starlette")
UVICORN = "uvicorn_worker.UvicornWorker"


def python_of(name: str) -> Path:
    """The interpreter of an environment with the example's requirements and gevent."""
    folder = ROOT / ".venvs" / f"bench-{name}"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True, clear=True)
        requirements = str(EXAMPLES / name / "requirements.txt")
        more = ["uvicorn", "uvicorn-worker"] if name in ASGI else ["gunicorn[gevent]"]
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", requirements, *more]
        subprocess.run(pip, check=True)
        (folder / "installed").touch()
    return python


@contextmanager
def upstream(name: str) -> Iterator[dict[str, str]]:
    """The environment that the example wants: the address of its own upstream, where it has one."""
    script = EXAMPLES / name / "upstream.py"
    if not script.exists():
        yield {}
        return
    port = str(18500 + (os.getpid() % 1000))
    command = [sys.executable, str(script)]
    environ = os.environ | {"UPSTREAM_PORT": port, "UPSTREAM_DELAY_MS": "40"}
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield {"UPSTREAM_URL": f"http://127.0.0.1:{port}"}
        finally:
            process.terminate()


def grid(name: str) -> list[Choice]:
    """The settings to try one and all: 29 for a WSGI app; the classes of ASGI by workers else."""
    if name in ASGI:
        return [Choice(kind, workers) for kind in ("asgi", UVICORN) for workers in (1, 2, 3, 5)]
    return [
        *(Choice("sync", workers) for workers in (1, 2, 3, 5, 9)),
        *(
            Choice("gthread", workers, threads)
            for workers in (1, 2, 3, 5)
            for threads in (2, 4, 8, 16, 32)
        ),
        *(Choice("gevent", workers) for workers in (1, 2, 3, 5)),
    ]
