"""Every rule meets every setting, value and release without breaking."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from gunitune.catalog import setting_names
from gunitune.catalog.stored import surveyed
from gunitune.checks.judge import BROKEN
from gunitune.checks.run import STDIN, Check
from gunitune.settings import load_settings

RELEASES = ("19.7.1", "23.0.0", surveyed()[-1])
NAMES = sorted(setting_names())
VALUES = [
    "0", "1", "-1", "7", "1000", "10**9", "4.5", "True", "None", "''", "'sync'", "'gthread'",
    "'gevent'", "'asgi'", "'uvicorn.workers.UvicornWorker'", "'own.Worker'", "'-'", "'*'", "'on'",
    "'0.0.0.0:80'", "['127.0.0.1:80', 'unix:/x']", "[]", "{}", "{'version': 1}", "lambda a: a",
    "os.cpu_count()", "os.environ['X']", "os.environ.get('X')", "os.path",
    "'a=b,c'", "'%(h)s %(D)s'",
    "len(os.sched_getaffinity(0))", "'debug'", "__file__", "'h2'", "'{x}'",
    "'\\x1b\\ud800'", "(1, 2)",
]  # fmt: skip
CONDITIONS = ["", "if os.environ.get('DEBUG'):\n    ", "if os.environ['MODE'] == 'x':\n    "]


def broken(text: str, **options: str) -> list[str]:
    """Rules that could not be worked out, on a target where everything is declared."""
    given = {"cpus": "2", "memory": "512M", "platform": "kubernetes", **options}
    chosen = load_settings(given, start=Path(), environ={}, use_file=False)
    report = Check([STDIN], chosen, text.encode("utf-8", "surrogatepass")).report()
    assert report.findings
    return [f"{item.rule} {item.reason}" for item in report.skipped if BROKEN in item.reason]


@pytest.mark.parametrize("value", VALUES)
def test_every_setting_with_every_value(value: str) -> None:
    lines = [f"{name} = {value}" for name in NAMES]
    for release in RELEASES:
        assert broken("import os\n" + "\n".join(lines), gunicorn_version=release) == []


@given(
    lines=st.lists(
        st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(NAMES), st.sampled_from(VALUES)),
        min_size=1,
        max_size=8,
    ),
    release=st.sampled_from(surveyed()),
    platform=st.sampled_from(["bare", "docker", "heroku", "systemd", "cloud-run"]),
)
@settings(max_examples=30, deadline=None)
def test_any_mix_of_settings(
    lines: list[tuple[str, str, str]], release: str, platform: str
) -> None:
    text = "\n".join(f"{condition}{name} = {value}" for condition, name, value in lines)
    assert broken(f"import os\n{text}\n", gunicorn_version=release, platform=platform) == []
