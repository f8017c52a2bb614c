"""What kind of app a project is: small realistic ones, the examples, and what can go wrong."""

from __future__ import annotations

import gc
import warnings
from functools import partial
from pathlib import Path

import pytest

from gunitune.errors import ProjectError
from gunitune.model import App, Unknown
from gunitune.project import classify as classifier
from gunitune.project.classify import classify
from gunitune.project.files import walk
from gunitune.project.source import PARSE_LIMIT_BYTES
from project import write_project

ROOT = Path(__file__).resolve().parent
PROJECTS = sorted((ROOT / "fixtures" / "projects").glob("*.txt"))
EXAMPLES = ROOT.parent / "examples"
FLASK = "from flask import Flask\napp = Flask(__name__)\n\n"


def unpacked(fixture: Path, folder: Path) -> tuple[dict[str, str], Path]:
    """Expectations of a fixture, and its files written below a folder."""
    head, *parts = ("\n" + fixture.read_text(encoding="utf-8")).split("\n=== ")
    expected = dict(line.split(": ", 1) for line in head.strip().splitlines())
    files = {name: text for name, _, text in (part.partition("\n") for part in parts)}
    return expected, write_project(folder, files)


def classified(folder: Path, files: dict[str, str]) -> App:
    return classify(write_project(folder / "app", files))


def texts(app: App) -> str:
    return "\n".join(f"{e.path}:{e.line}: {e.text}" for e in app.evidence)


@pytest.mark.parametrize("fixture", PROJECTS, ids=lambda path: path.stem)
def test_realistic_project_is_told(fixture: Path, tmp_path: Path) -> None:
    expected, project = unpacked(fixture, tmp_path / "p")
    app = classify(project)
    found = {name: getattr(app, name) for name in expected}
    assert found == expected, f"{texts(app)}\n{app.notes}"


@pytest.mark.parametrize("fixture", PROJECTS, ids=lambda path: path.stem)
def test_evidence_points_at_a_line_that_is_there(fixture: Path, tmp_path: Path) -> None:
    _, project = unpacked(fixture, tmp_path / "p")
    app = classify(project)
    weights = [item.weight for item in app.evidence]
    assert weights == sorted(weights, reverse=True)
    for item in app.evidence:
        lines = (project / item.path).read_text(encoding="utf-8").splitlines()
        assert 1 <= item.line <= len(lines)
        written = item.text.split(" ")[0].split(".")[-1].rstrip("()")
        assert (
            "is declared" in item.text
            or " is imported" in item.text
            or written in (lines[item.line - 1] + "a loop " + item.text.partition("() ")[0])
        )


@pytest.mark.parametrize(
    ("name", "kind", "interface", "framework", "spec"),
    [
        ("flask_io", "io", "wsgi", "flask", "app:app"),
        ("django_orm", "io", "wsgi", "django", "config.wsgi:application"),
        ("cpu_pillow", "cpu", "wsgi", "falcon", "app:app"),
        ("memory_model", "memory", "wsgi", "flask", "app:app"),
        ("asgi_fastapi", "io", "asgi", "fastapi", "app:app"),
        ("asgi_starlette", "io", "asgi", "starlette", "app:app"),
    ],
)
def test_example_is_told(name: str, kind: str, interface: str, framework: str, spec: str) -> None:
    app = classify(EXAMPLES / name)
    assert (app.kind, app.interface, app.framework, app.spec) == (kind, interface, framework, spec)
    assert app.kind_basis == "heuristic"
    assert app.evidence[0].kind == kind


def test_evidence_names_call_handler_and_place(tmp_path: Path) -> None:
    app = classify(write_project(tmp_path / "p"))
    assert texts(app) == ("app.py:9: requests.get in the handler index() waits for another service")
    assert app.evidence[0].library == "requests"


def test_evidence_in_a_helper_names_the_handler_that_calls_it(tmp_path: Path) -> None:
    files = {
        "app.py": FLASK + "from prices import fetch\n\n@app.get('/')\ndef index():\n"
        "    return fetch()\n",
        "prices.py": "import requests\n\ndef fetch():\n    return ask()\n\n"
        "def ask():\n    return requests.get('http://x').json()\n",
    }
    app = classified(tmp_path, files)
    assert "prices.py:7: requests.get" in texts(app)
    assert "in ask(), called by the handler index() waits for another service" in texts(app)


def test_kind_that_was_asked_for_is_kept_and_the_rest_is_read(tmp_path: Path) -> None:
    app = classify(write_project(tmp_path / "p"), kind="cpu")
    assert (app.kind, app.kind_basis, app.confidence) == ("cpu", "asked", "high")
    assert (app.interface, app.libraries) == ("wsgi", ("flask", "gunicorn", "requests"))
    assert app.evidence[0].library == "requests"


def test_kind_asked_to_be_unknown_needs_no_excuse(tmp_path: Path) -> None:
    assert classify(write_project(tmp_path / "p"), kind="unknown").notes == ()


def test_folder_without_python_is_an_app_that_nothing_is_known_of(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello", encoding="utf-8")
    app = classify(tmp_path)
    assert (app.kind, app.confidence, app.framework) == ("unknown", "low", None)
    assert isinstance(app.interface, Unknown)
    assert isinstance(app.spec, Unknown)
    assert app.notes == ("there are no Python files: name the folder of the app to have it read",)


def test_dependency_file_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p")
    (project / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    assert any("pyproject.toml" in note for note in classify(project).notes)


@pytest.mark.parametrize(
    "name",
    ["gunicorn.conf.py", "gunicorn_config.py", "gunicorn_conf.py", "gunicorn.py",
     "gunicorn-prod.conf.py", "gunicorn_settings.py"],
)  # fmt: skip
def test_gunicorns_own_configuration_says_nothing_of_the_app(tmp_path: Path, name: str) -> None:
    project = write_project(tmp_path / "p")
    before = classify(project)
    text = "import torch, redis\nimport psycopg2\nx = torch.load('m')\nworkers = 3\n"
    (project / name).write_text(text, encoding="utf-8")
    assert classify(project) == before


def test_library_that_only_an_offline_script_imports_is_not_loaded(tmp_path: Path) -> None:
    files = {
        "app.py": "from flask import Flask\nimport shop\napp = Flask(__name__)\n",
        "shop.py": "import numpy\n",
        "train.py": "import torch\n",
    }
    app = classify(write_project(tmp_path / "p", files))
    assert app.loaded == ("flask", "numpy")
    assert set(app.libraries) >= {"flask", "numpy", "torch"}


def test_what_django_loads_by_name_is_not_told(tmp_path: Path) -> None:
    files = {
        "manage.py": "import django\n",
        "site/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
        "application = get_wsgi_application()\n",
    }
    assert isinstance(classify(write_project(tmp_path / "p", files)).loaded, Unknown)


def test_driver_blocks_gevent_where_it_is_declared_and_others_where_they_are_imported(
    tmp_path: Path,
) -> None:
    files = {"requirements.txt": "flask\npsycopg2\ngrpcio\n", "app.py": "import flask\n"}
    app = classify(write_project(tmp_path / "declared", files))
    assert [text.split()[0] for text in app.gevent_blockers] == ["psycopg2"]
    files["app.py"] = "import flask, grpc\n"
    app = classify(write_project(tmp_path / "imported", files))
    assert [text.split()[0] for text in app.gevent_blockers] == ["grpcio", "psycopg2"]


def test_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError):
        classify(tmp_path / "nowhere")


def test_project_without_a_web_app_is_unknown_and_says_what_was_looked_at(tmp_path: Path) -> None:
    app = classified(tmp_path, {"tool.py": "print('hello')\n"})
    assert (app.kind, app.confidence, app.framework) == ("unknown", "low", None)
    assert isinstance(app.interface, Unknown)
    assert isinstance(app.spec, Unknown)
    assert "looked at 0 request handlers in 0 files" in app.notes[0]


def test_progress_counts_up_to_all_files(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    project = write_project(tmp_path / "p", {f"m{i}.py": "" for i in range(5)})
    classify(project, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]


def test_collector_is_left_as_it_was(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p")
    classify(project)
    assert gc.isenabled()
    gc.disable()
    try:
        classify(project)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_memory_wins_over_handlers_that_wait(tmp_path: Path) -> None:
    source = (
        "import joblib\nimport requests\n" + FLASK + "model = joblib.load('m')\n\n"
        "@app.get('/')\ndef index():\n    return requests.get('http://x').text\n"
    )
    app = classified(tmp_path, {"app.py": source})
    assert app.kind == "memory"
    assert "joblib.load at import loads into memory" in texts(app)


@pytest.mark.parametrize(
    "body",
    [
        "import numpy as np\ntable = np.zeros((20_000, 1_000))\n",
        "cache = [0] * 50_000_000\n",
        "import numpy as np\nclass Index:\n    vectors = np.random.rand(4096, 4096)\n",
        (
            "import pickle\nclass Model:\n    def __init__(self):\n"
            "        self.net = pickle.load(open('m', 'rb'))\nmodel = Model()\n"
        ),
        (
            "import torch\n@app.before_first_request\ndef prepare():\n"
            "    global net\n    net = torch.load('net.pt')\n"
        ),
    ],
)
def test_big_data_at_import_or_startup_is_memory(body: str, tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": FLASK + body})
    assert app.kind == "memory", texts(app)


@pytest.mark.parametrize(
    "body",
    [
        "import numpy as np\ntable = np.zeros(100)\n",
        "cache = [0] * 100\n",
        "import pickle\nif __name__ == '__main__':\n    model = pickle.load(open('m', 'rb'))\n",
        "import torch\ndef train():\n    return torch.load('checkpoint')\n",
    ],
)
def test_small_data_and_code_nobody_runs_is_no_memory(body: str, tmp_path: Path) -> None:
    assert classified(tmp_path, {"app.py": FLASK + body}).kind == "unknown"


def test_large_literals_are_weak_evidence_only_if_large(tmp_path: Path) -> None:
    numbers = ",".join(map(str, range(25_000)))
    pairs = ",".join(f"{n}:{n}" for n in range(25_000))
    big = classified(tmp_path / "a", {"app.py": f"{FLASK}A = [{numbers}]\nB = {{{pairs}}}\n"})
    small = classified(tmp_path / "b", {"app.py": f"{FLASK}A = [1, 2]\nB = {{1: 2}}\n"})
    assert texts(big).count("a large literal at import") == 2
    assert small.evidence == ()


def test_model_loaded_in_the_request_counts_less_than_one_that_is_kept(tmp_path: Path) -> None:
    handler = "@app.get('/')\ndef index():\n    return str(get())\n"
    load = "def get():\n    return pickle.load(open('m', 'rb'))\n"
    source = "import pickle\nfrom functools import lru_cache\n" + FLASK + handler
    kept = classified(tmp_path / "a", {"app.py": f"{source}\n@lru_cache\n{load}"})
    again = classified(tmp_path / "b", {"app.py": f"{source}\n{load}"})
    assert kept.kind == "memory"
    assert again.kind == "unknown"


def test_three_model_libraries_are_memory_with_low_confidence(tmp_path: Path) -> None:
    source = f"import torch\nimport transformers\nimport tensorflow\n{FLASK}"
    app = classified(tmp_path, {"app.py": source})
    assert (app.kind, app.confidence) == ("memory", "low")


def test_loads_in_a_module_the_app_never_imports_count_little(tmp_path: Path) -> None:
    loading = "import joblib\nmodel = joblib.load('m')\n"
    beside = classified(tmp_path / "a", {"app.py": FLASK, "experiment.py": loading})
    used = classified(
        tmp_path / "b", {"app.py": f"{FLASK}import experiment\n", "experiment.py": loading}
    )
    assert (beside.kind, used.kind) == ("unknown", "memory")


def test_libraries_in_both_directions_leave_the_kind_open(tmp_path: Path) -> None:
    source = f"import requests\nimport pymongo\nimport pandas\nimport cv2\n{FLASK}"
    app = classified(tmp_path, {"app.py": source})
    assert app.kind == "unknown"
    assert any("speaks for waiting as much as for computing" in note for note in app.notes)


def test_imports_alone_give_low_confidence(tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": f"import requests\nimport pymongo\n{FLASK}"})
    assert (app.kind, app.confidence) == ("io", "low")
    assert "pymongo (MongoDB driver) is imported" in texts(app)


def test_database_driver_that_is_only_declared_counts_as_used(tmp_path: Path) -> None:
    files = {"app.py": FLASK, "requirements.txt": "flask\npsycopg2\nrequests\n"}
    weights = {item.library: item.weight for item in classified(tmp_path, files).evidence}
    assert weights["psycopg2"] > weights["requests"]


def test_dependency_for_development_is_no_evidence_and_no_blocker(tmp_path: Path) -> None:
    files = {"app.py": FLASK, "requirements-dev.txt": "psycopg2\nrequests\n"}
    app = classified(tmp_path, files)
    assert (app.evidence, app.gevent_blockers, app.libraries) == ((), (), ("flask",))


def test_library_that_blocks_gevent_is_named_first_in_its_text(tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": f"import psycopg2\nimport requests\n{FLASK}"})
    assert len(app.gevent_blockers) == 1
    assert app.gevent_blockers[0].startswith("psycopg2 (waits inside libpq")


@pytest.mark.parametrize(
    "files",
    [
        {"patching.py": "from psycogreen.gevent import patch_psycopg\npatch_psycopg()\n"},
        {"requirements.txt": "psycopg2\npsycogreen\n"},
    ],
)
def test_patched_library_does_not_block_gevent(files: dict[str, str], tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": f"import psycopg2\n{FLASK}", **files})
    assert "psycopg2" in app.libraries
    assert app.gevent_blockers == ()


def test_event_loop_run_in_a_handler_blocks_gevent(tmp_path: Path) -> None:
    source = f"import asyncio\n{FLASK}@app.get('/')\ndef index():\n    asyncio.run(work())\n"
    assert classified(tmp_path, {"app.py": source}).gevent_blockers[0].startswith("asyncio (")


def test_library_of_the_tests_alone_is_not_used(tmp_path: Path) -> None:
    files = {"app.py": FLASK, "tests/test_app.py": "import psycopg2\nimport numpy\n"}
    app = classified(tmp_path, files)
    assert app.imports == {"flask"}
    assert (app.libraries, app.gevent_blockers) == (("flask",), ())


def test_module_of_the_project_is_no_library(tmp_path: Path) -> None:
    files = {"app.py": f"import redis\n{FLASK}", "redis.py": "def get():\n    return 1\n"}
    app = classified(tmp_path, files)
    assert app.libraries == ("flask",)
    assert "redis" not in app.imports


@pytest.mark.parametrize(
    ("engine", "databases"),
    [
        ("django.db.backends.postgresql", ("django ORM",)),
        ("django.contrib.gis.db.backends.postgis", ("django ORM",)),
        ("django.db.backends.mysql", ("django ORM",)),
        ("django.db.backends.sqlite3", ()),
    ],
)
def test_django_database_server_is_a_database(
    engine: str, databases: tuple[str, ...], tmp_path: Path
) -> None:
    settings = f'DATABASES = {{"default": {{"ENGINE": "{engine}"}}}}\n'
    app = classified(tmp_path, {"site/settings.py": settings, "site/wsgi.py": ""})
    assert app.databases == databases


def test_database_drivers_are_databases(tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": f"import pymongo\nimport asyncpg\n{FLASK}"})
    assert app.databases == ("asyncpg", "pymongo")


def test_call_that_blocks_the_event_loop_is_noted(tmp_path: Path) -> None:
    source = (
        "import time\nimport asyncio\nimport requests\nfrom fastapi import FastAPI\n"
        "app = FastAPI()\n\n@app.get('/')\nasync def index():\n    time.sleep(1)\n"
        "    await asyncio.to_thread(requests.get, 'http://x')\n\n"
        "@app.get('/sync')\ndef sync():\n    time.sleep(1)\n"
    )
    app = classified(tmp_path, {"app.py": source})
    assert app.blocking == ("app.py:9: time.sleep in async index() blocks the event loop",)
    assert "app.py:10: requests.get in the handler index()" in texts(app)


def test_file_that_is_no_python_is_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p")
    (project / "broken.py").write_text("def (:\n", encoding="utf-8")
    (project / "old.py").write_text("import redis\nprint 'Python 2'\n", encoding="utf-8")
    (project / "nulls.py").write_bytes(b"import redis\0\n")
    (project / "coding.py").write_bytes(
        b"# coding: nonsense\nimport flask\napp = flask.Flask('x')\n"
    )
    (project / "huge.py").write_bytes(b"x = 1\n" * 200_000)
    app = classify(project)
    assert (app.kind, app.spec) == ("io", "app:app")
    assert "redis" in app.libraries
    assert "huge.py (can't be read, or is larger than 1 MiB)" in app.notes[-1]


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * 5_000 + ")" * 5_000,
        "x = " + "-" * 50_000 + "1",
        "x = " + "1+" * 50_000 + "1",
        "x = " + "[" * 90 + "]" * 90 + "\ny = a" + ".b" * 20_000,
        "def f():\n" + "".join(" " * i + "if x:\n" for i in range(1, 99)) + " " * 99 + "pass",
        "from m import *\n" * 100,
        "@" * 1_000,
        "x = '''" + "\nfrom flask import" * 1_000,
        "import " + ",".join("a" * 10 for _ in range(50_000)),
        "from x import (" + "\n" * 100_000,
        "x = 9" + "9" * 5_000,
        "x = 2 ** 2 ** 2 ** 2 ** 64 * [0]",
    ],
)
def test_hostile_source_never_raises(source: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app = classified(tmp_path, {"app.py": FLASK, "wsgi.py": FLASK + source, "urls.py": source})
    assert app.framework == "flask"


def test_modules_that_import_each_other_in_circles_are_read(tmp_path: Path) -> None:
    files = {
        "app.py": f"{FLASK}from a import x, f\n\n@app.get('/')\ndef index():\n    x.get(); f()\n",
        "a.py": "from b import x, y\nfrom b import *\nclass A(B): pass\ndef f(): return g()\n",
        "b.py": "from a import x, y, B\nfrom a import *\nclass B(A): pass\ndef g(): return f()\n",
        "wsgi.py": "from asgi import app\n",
        "asgi.py": "from wsgi import app\n",
    }
    assert classified(tmp_path, files).spec == "app:app"


def test_encodings_and_byte_order_marks_are_understood(tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", {"requirements.txt": "flask\n"})
    source = "# -*- coding: latin-1 -*-\n# café\nimport requests\nfrom flask import Flask\n"
    rest = "app = Flask(__name__)\n@app.get('/')\ndef index(): return requests.get('x')\n"
    (project / "app.py").write_bytes((source + rest).encode("latin-1"))
    (project / "other.py").write_bytes(b"\xef\xbb\xbfimport redis\n")
    app = classify(project)
    assert app.kind == "io"
    assert "redis" in app.libraries


def test_project_with_too_many_files_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write_project(tmp_path / "p", {"app.py": FLASK, "a/b.py": "", "a/c.py": ""})
    monkeypatch.setattr(classifier, "walk", partial(walk, limit=2))
    assert "the project has more files than were looked at" in classify(project).notes


def test_same_project_gives_the_same_answer(tmp_path: Path) -> None:
    _, project = unpacked(PROJECTS[0], tmp_path / "p")
    assert classify(project) == classify(project)


def generated(folder: Path, count: int) -> Path:
    """A Django project with `count` apps of 50 modules each."""
    padding = "def helper(items):\n    return [item.name for item in items]\n\n\n" * 20
    view = (
        "import requests\nfrom django.http import JsonResponse\n\n"
        "def index(request):\n    return JsonResponse(requests.get('http://x').json())\n\n"
    )
    files = {"manage.py": "", "config/__init__.py": ""}
    files["config/wsgi.py"] = (
        "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    )
    for app in range(count):
        files |= {f"app{app}/m{i}.py": f"import os\n\n{padding}" for i in range(48)}
        files |= {f"app{app}/__init__.py": "", f"app{app}/views.py": view + padding * 25}
    return write_project(folder, files)


def test_five_thousand_files_are_read_and_a_bounded_part_is_parsed(tmp_path: Path) -> None:
    project = generated(tmp_path / "p", 100)
    calls: list[tuple[int, int]] = []
    app = classify(project, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (5003, 5003)
    assert (app.kind, app.confidence, app.spec) == ("io", "high", "config.wsgi:application")
    assert (project / "app0" / "views.py").stat().st_size * 100 > PARSE_LIMIT_BYTES
    assert any("more files with request handlers were only looked at" in n for n in app.notes)
