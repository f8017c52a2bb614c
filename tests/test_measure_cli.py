"""`gunitune measure`, and what the other commands make of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from project import gunitune, write_project
from served import releases

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measuring reads /proc")

WAITS = {
    "requirements.txt": "gunicorn==27.0.1\n",
    "app.py": (
        "import time\n\n\n"
        "def app(environ, start_response):\n"
        "    time.sleep(0.02)\n"
        '    start_response("200 OK", [("Content-Length", "2")])\n'
        '    return [b"ok"]\n'
    ),
}
LOOP = {
    "requirements.txt": "gunicorn==27.0.1\n",
    "app.py": (
        "import asyncio\n\n\n"
        "async def app(scope, receive, send):\n"
        '    if scope["type"] != "http":\n'
        "        raise NotImplementedError\n"
        "    await asyncio.sleep(0.02)\n"
        '    headers = [(b"content-length", b"2")]\n'
        '    await send({"type": "http.response.start", "status": 200, "headers": headers})\n'
        '    await send({"type": "http.response.body", "body": b"ok"})\n'
    ),
}


def python() -> str:
    return str(releases()["newest"].python())


def test_measure_then_recommend(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", WAITS)
    before = gunitune("recommend", "--app", "app:app", "--cpus", "4", cwd=project).stdout
    assert "gunitune measure" in " ".join(before.split())
    options = ("--app", "app:app", "--python", python(), "--budget", "7s")
    shown = gunitune("measure", *options, cwd=project)
    assert shown.returncode == 0, shown.stderr
    assert "I/O-bound: requests mostly wait" in shown.stdout
    assert "Gunicorn 27" in shown.stdout
    stored = json.loads((project / ".gunitune/measure.json").read_text())
    assert stored["app"]["kind"] == "io"
    assert 10 < stored["wait_ms"] < 60
    after = gunitune(
        "recommend", "--app", "app:app", "--cpus", "4", "-f", "json", cwd=project
    ).stdout
    found = json.loads(after)
    assert (found["app"]["kind"], found["app"]["kind_basis"]) == ("io", "measured")
    assert found["settings"]["workers"]["basis"] == "measured"
    assert "measured on 20" in after


def test_an_asgi_app_is_measured_under_the_class_it_is_recommended(tmp_path: Path) -> None:
    project = write_project(tmp_path / "loop", LOOP)
    options = ("--app", "app:app", "--interface", "asgi", "--budget", "3s", "-f", "json")
    request = ("--request", "GET /?token=swordfish9")
    shown = gunitune("measure", *options, *request, "--python", python(), cwd=project)
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert list(found["cpu_ms_by_class"]) == ["asgi"]
    assert found["app"]["interface"] == "asgi"
    assert found["load"]["requests"] == ["GET /?token=***"]
    assert found["load"]["concurrency"] >= 1
    assert json.loads((project / ".gunitune/measure.json").read_text()) == found


def test_what_does_not_start_leaves_nothing_stored(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", WAITS | {"app.py": "import nowhere\n"})
    shown = gunitune("measure", "--app", "app:app", "--python", python(), cwd=project)
    assert shown.returncode == 2
    assert "Traceback" not in shown.stderr.splitlines()[0]
    assert not (project / ".gunitune").exists()
