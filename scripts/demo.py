"""`make demo`: recommend and emit for a real app, run Gunicorn with the file, get a 200 from it."""

from __future__ import annotations

import os
import socket
import subprocess  # noqa: TID253
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "examples" / "flask_io"
READY_WITHIN_S = 60


def main() -> int:
    """Walk the README's path; the exit code tells whether it led to a 200."""
    python = environment()
    gunitune = [str(Path(sys.executable).parent / "gunitune")]
    shown = APP.relative_to(ROOT)
    run(f"gunitune recommend {shown}", [*gunitune, "recommend", str(shown)])
    with tempfile.TemporaryDirectory(prefix="gunitune-demo-") as folder:
        conf = Path(folder) / "gunicorn.conf.py"
        command = [*gunitune, "emit", str(shown)]
        conf.write_bytes(run(f"gunitune emit {shown} > gunicorn.conf.py", command, show=False))
        sys.stdout.write(conf.read_text(encoding="utf-8"))
        return serve(python, conf, Path(folder))


def environment() -> Path:
    """The example's own virtual environment, with its requirements and Gunicorn."""
    folder = ROOT / ".venvs" / "demo"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        say("installing the example's requirements")
        venv.create(folder, with_pip=True, clear=True)
        requirements = str(APP / "requirements.txt")
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", requirements]
        subprocess.run(pip, check=True)
        (folder / "installed").touch()
    return python


def serve(python: Path, conf: Path, folder: Path) -> int:
    """Start Gunicorn, ask it once, stop it."""
    port = free_port()
    bind = f"127.0.0.1:{port}"
    command = [str(python), "-m", "gunicorn", "-c", str(conf), "--bind", bind, "app:app"]
    say(f"gunicorn -c gunicorn.conf.py --bind {bind} app:app")
    runtime = {"XDG_RUNTIME_DIR": str(folder)}  # a control socket of its own
    server = subprocess.Popen(command, cwd=APP, env={**os.environ, **runtime})
    try:
        status = first_status(f"http://{bind}/", server)
        time.sleep(1)  # until the last worker has booted too: Gunicorn stops at once then
    finally:
        server.terminate()
        code = server.wait(timeout=60)
    say(f"GET / -> HTTP {status}; stopped Gunicorn (exit code {code})")
    if (status, code) != (200, 0):
        return 1
    say("it works: Gunicorn serves the app with the settings that gunitune emitted")
    return 0


def first_status(url: str, server: subprocess.Popen[bytes]) -> int | None:
    """The status of the first answer; None if none came."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.1)
    return None


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(shown: str, command: list[str], *, show: bool = True) -> bytes:
    """Run a command; its output, printed too unless told otherwise."""
    say(shown)
    sys.stdout.flush()
    output = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout
    if show:
        sys.stdout.write(output.decode())
    return output


def say(text: str) -> None:
    """A line of the demo's own."""
    sys.stdout.write(f"\n$ {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
