"""How source is read: layout, a glance, names followed from file to file, work, handlers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunitune.project import source as source_module
from gunitune.project.classify import classify
from gunitune.project.files import walk
from gunitune.project.libraries import load_libraries
from gunitune.project.source import Source
from gunitune.project.source.handlers import Finder
from gunitune.project.source.imports import reachable, read_imports
from gunitune.project.source.knowledge import load_knowledge
from gunitune.project.source.layout import Layout, bases_of, is_aside
from gunitune.project.source.module import parse
from gunitune.project.source.origins import Origins
from gunitune.project.source.scan import Import, scan
from gunitune.project.source.tree import integer
from gunitune.project.source.work import work_of
from project import write_project

if TYPE_CHECKING:
    from pathlib import Path

FLASK = "from flask import Flask\napp = Flask(__name__)\n\n"


def opened(folder: Path, files: dict[str, str]) -> Origins:
    return Origins(Source(walk(write_project(folder / "p", files))))


def origin_of(origins: Origins, path: str, expression: str, within: str = "") -> str:
    node = ast.parse(expression, mode="eval").body
    return origins.canonical(origins.names(path, within).origin(node))


# --- where a file stands --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "tests/x.py",
        "app/tests/x.py",
        "test/x.py",
        "test_app.py",
        "app/app_test.py",
        "app/tests.py",
        "conftest.py",
        "setup.py",
        "app/migrations/0001_initial.py",
        "alembic/versions/x.py",
        "docs/conf.py",
        "scripts/load.py",
        "app/management/commands/fill.py",
        "examples/app.py",
    ],
)
def test_file_no_request_reaches_is_aside(path: str) -> None:
    assert is_aside(path)


@pytest.mark.parametrize(
    "path",
    ["app.py", "app/views.py", "latest.py", "contest.py", "app/management/x.py", "attests/a.py"],
)
def test_other_file_is_not_aside(path: str) -> None:
    assert not is_aside(path)


def test_folders_above_a_file_start_at_the_root() -> None:
    assert list(bases_of("a/b/c.py")) == ["", "a/", "a/b/"]


LAYOUT = Layout(
    frozenset(
        {"app/__init__.py", "app/a.py", "app/sub/__init__.py", "app/sub/b.py", "ns/c.py", "top.py"}
        | {"src/pkg/__init__.py", "src/pkg/d.py", "__init__.py"}
    )
)


@pytest.mark.parametrize(
    ("importer", "dotted", "found"),
    [
        ("top.py", "app", "app/__init__.py"),
        ("top.py", "app.a", "app/a.py"),
        ("app/sub/b.py", "app.sub.b", "app/sub/b.py"),
        ("top.py", "ns", "ns/"),
        ("top.py", "ns.c", "ns/c.py"),
        ("src/pkg/d.py", "pkg.d", "src/pkg/d.py"),
        ("top.py", "pkg.d", None),
        ("top.py", "requests", None),
        ("top.py", "app.missing", None),
    ],
)
def test_import_leads_to_a_file_of_the_project(
    importer: str, dotted: str, found: str | None
) -> None:
    assert LAYOUT.find(importer, dotted) == found


@pytest.mark.parametrize(
    ("importer", "level", "dotted", "found"),
    [
        ("app/a.py", 1, "", "app/__init__.py"),
        ("app/a.py", 1, "sub", "app/sub/__init__.py"),
        ("app/sub/b.py", 2, "a", "app/a.py"),
        ("app/sub/__init__.py", 1, "b", "app/sub/b.py"),
        ("ns/c.py", 1, "", "ns/"),
        ("top.py", 1, "ns", "ns/"),
        ("top.py", 1, "", "__init__.py"),
        ("top.py", 2, "x", None),
        ("app/a.py", 1, "missing", None),
    ],
)
def test_relative_import_leads_to_a_file_of_the_project(
    importer: str, level: int, dotted: str, found: str | None
) -> None:
    assert LAYOUT.relative(importer, level, dotted) == found


# --- a glance -------------------------------------------------------------------------------------


def test_glance_sees_imports_with_their_lines() -> None:
    text = (
        b"import os, sys as system\n"
        b"from a.b import c as d, e  # why\n"
        b"from .x import (\n    one,\n    two,  # both\n)\n"
        b"from . import y\n"
        b"if True:\n    import json\n"
        b"from z import *\r\n"
        b"from w import \\\n    v\n"
    )
    assert scan("m.py", text).imports == (
        Import("os", (), 1),
        Import("sys", (), 1),
        Import("a.b", ("c", "e"), 2),
        Import(".x", ("one", "two"), 3),
        Import(".", ("y",), 7),
        Import("json", (), 9),
        Import("z", (), 10),
        Import("w", (), 11),
    )


def test_import_may_load_what_it_names_or_the_module() -> None:
    assert list(Import("a.b", ("c",), 1).targets()) == ["a.b.c", "a.b"]
    assert list(Import("..", ("c",), 1).targets()) == ["..c", ".."]


def test_glance_ignores_text_in_docstrings() -> None:
    text = (
        b'"""How to use it::\n\n    import redis\n"""\nimport os\n\n'
        b"'''\nfrom flask import Flask\n@app.get('/')\n'''\n"
    )
    glance = scan("m.py", text)
    assert [item.module for item in glance.imports] == ["os"]
    assert glance.handlers == 0


@pytest.mark.parametrize(
    "line",
    [
        "@app.route('/')",
        "@router.get('/')",
        "    @bp.post('/')",
        "@api_view(['GET'])",
        "@view_config(route_name='x')",
        "class Books(generics.ListAPIView):",
        "class BookViewSet(viewsets.ModelViewSet):",
        "def index(request):",
        "async def index(request: Request):",
        "    async def on_get(self, req, resp):",
    ],
)
def test_glance_sees_signs_of_handlers(line: str) -> None:
    assert scan("m.py", f"{line}\n    ...\n".encode()).handlers == 1


@pytest.mark.parametrize(
    "line", ["@property", "@lru_cache", "def index(items):", "class Book(Model):", "x = get('/')"]
)
def test_glance_takes_other_lines_for_no_handlers(line: str) -> None:
    assert scan("m.py", f"{line}\n".encode()).handlers == 0


def test_glance_survives_a_byte_order_mark_and_an_open_bracket() -> None:
    assert [i.module for i in scan("m.py", b"\xef\xbb\xbfimport os\n").imports] == ["os"]
    assert scan("m.py", b"from a import (b\nc = 1\n").imports == (Import("a", ("b",), 1),)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_glance_never_raises(data: bytes) -> None:
    assert scan("m.py", data).size == len(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_parsing_never_raises(data: bytes) -> None:
    parse("m.py", data, Layout(frozenset({"m.py"})))


# --- names ----------------------------------------------------------------------------------------


PROJECT = {
    "app/__init__.py": "from .db import connect\nfrom . import models\n",
    "app/db.py": (
        "import psycopg2\nimport redis as r\n\ncache = r.Redis()\n\n"
        "def connect():\n    return psycopg2.connect('x')\n\n"
        "def session() -> 'r.Redis':\n    ...\n\n"
        "def generator():\n    handle = psycopg2.connect('y')\n    yield handle\n\n"
        "def nothing() -> None:\n    pass\n"
    ),
    "app/models.py": (
        "from django.db import models as m\n\n"
        "class Base(m.Model):\n    objects = m.Manager()\n\n"
        "class Item(Base):\n    def save(self):\n        return self\n\n"
        "class Plain:\n    pass\n"
    ),
    "app/service.py": (
        "from typing import Annotated, Optional\n"
        "import httpx\nfrom app import models, db\nfrom app.db import *\nfrom x import *\n"
        "import app.models\nimport os.path\n\n"
        "class Service:\n    kind = 'x'\n    shared: httpx.Client = httpx.Client()\n\n"
        "    def __init__(self, repo: 'models.Item', other=None):\n"
        "        self.http = httpx.AsyncClient()\n        self.repo = repo\n"
        "        self.other: object = other\n\n"
        "    def fetch(self):\n        return self.http.get('/')\n\n"
        "Dep = Annotated[Service, 1]\n"
        "def deep(x: " + "Optional[" * 9 + "Service" + "]" * 9 + "):\n    pass\n\n"
        "made = Service()\n"
        "typed: Optional[httpx.Client] = None\n"
        "number = 1\n\n"
        "def work(a: Service, b: httpx.Client | None, c: Dep, *, d: list[int], e):\n"
        "    import torch\n    with httpx.stream('GET', '/') as s:\n        pass\n"
        "    t: 'Service'\n    def inner():\n        return s\n    local = db.connect()\n"
        "    return inner\n"
    ),
    "stars.py": "from peewee import *\nclass Row(Model):\n    pass\n",
    "ns/mod.py": "from other import thing\nimport ns.sub\nfrom ns import sub\n",
    "ns/sub.py": "value = 1\n",
    "main.py": "from . import ns\nfrom .. import beyond\nfrom app.service import *\n",
}


@pytest.mark.parametrize(
    ("path", "within", "expression", "origin"),
    [
        ("app/db.py", "", "cache.get('x')", "redis.Redis.get"),
        ("app/db.py", "", "connect", "app/db.py:connect"),
        ("app/db.py", "", "print", "builtins.print"),
        ("app/db.py", "", "whatever.x", "?whatever.x"),
        ("app/db.py", "", "connect().cursor().execute('x')", "psycopg2.connect.cursor.execute"),
        ("app/db.py", "", "session().get('x')", "redis.Redis.get"),
        ("app/db.py", "", "generator().close()", "psycopg2.connect.close"),
        ("app/db.py", "", "nothing().x", "app/db.py:nothing.x"),
        ("app/service.py", "", "models.Item.objects.all()", "django.db.models.Manager.all"),
        ("app/service.py", "", "models.Item.save", "app/models.py:Item.save"),
        ("app/service.py", "", "models.Item.save().x", "django.db.models.Model.x"),
        ("app/service.py", "", "models.Plain.missing", "app/models.py:Plain.missing"),
        ("app/service.py", "", "app.models.Item", "app/models.py:Item"),
        ("app/service.py", "", "app.connect().x", "psycopg2.connect.x"),
        ("app/service.py", "", "os.path.join", "os.path.join"),
        ("app/service.py", "", "db.cache.get", "redis.Redis.get"),
        ("app/service.py", "", "cache.get", "redis.Redis.get"),
        ("app/service.py", "", "made.fetch", "app/service.py:Service.fetch"),
        ("app/service.py", "", "made.http.get", "httpx.AsyncClient.get"),
        ("app/service.py", "", "made.repo.save", "app/models.py:Item.save"),
        ("app/service.py", "", "made.shared.get", "httpx.Client.get"),
        ("app/service.py", "", "typed.get", "httpx.Client.get"),
        ("app/service.py", "", "number.get", "?number.get"),
        ("app/service.py", "Service.fetch", "self.http.get", "httpx.AsyncClient.get"),
        ("app/service.py", "work", "a.http.get", "httpx.AsyncClient.get"),
        ("app/service.py", "work", "b.get", "httpx.Client.get"),
        ("app/service.py", "work", "c.fetch", "app/service.py:Service.fetch"),
        ("app/service.py", "work", "d.get", "builtins.list.get"),
        ("app/service.py", "work", "e.get", "?e.get"),
        ("app/service.py", "work", "s.read", "httpx.stream.read"),
        ("app/service.py", "work", "t.fetch", "app/service.py:Service.fetch"),
        ("app/service.py", "work", "torch.load", "torch.load"),
        ("app/service.py", "work", "inner", "app/service.py:work.inner"),
        ("app/service.py", "work", "local.cursor", "psycopg2.connect.cursor"),
        ("app/service.py", "work.inner", "s.read", "httpx.stream.read"),
        ("app/service.py", "", "1 + 1", "?"),
        ("app/service.py", "deep", "x.get", "?x.get"),
        ("stars.py", "", "Row.select()", "peewee.Model.select"),
        ("ns/mod.py", "", "thing.x", "other.thing.x"),
        ("ns/mod.py", "", "ns.sub.value", "?value"),
        ("ns/mod.py", "", "sub.value", "?value"),
        ("main.py", "", "made.fetch", "app/service.py:Service.fetch"),
        ("main.py", "", "ns.sub", "ns/sub.py:"),
        ("main.py", "", "beyond.x", "?.beyond.x"),
        ("nowhere.py", "", "x", "?x"),
    ],
)
def test_name_is_followed_to_where_it_comes_from(
    path: str, within: str, expression: str, origin: str, tmp_path: Path
) -> None:
    assert origin_of(opened(tmp_path, PROJECT), path, expression, within) == origin


def test_names_in_circles_end_somewhere(tmp_path: Path) -> None:
    files = {
        "a.py": "from b import x\nfrom b import *\n",
        "b.py": "from a import x\nfrom a import *\n",
    }
    origins = opened(tmp_path, files)
    assert origin_of(origins, "a.py", "x").endswith(":x")
    assert origin_of(origins, "a.py", "unknown").endswith(":unknown")


# --- work -----------------------------------------------------------------------------------------


def work(source: str, name: str = "f") -> list[tuple[float, str]]:
    return [(c.weight, c.text) for c in work_of(ast.parse(source).body, name=name).computing]


@pytest.mark.parametrize(
    ("source", "weight"),
    [
        ("for i in range(1000):\n    for j in range(1000):\n        t += i * j", 1.0),
        ("for i in range(10**6):\n    t = i % 7", 1.0),
        ("for i in range(n):\n    for j in range(m):\n        t = i * j", 1.0),
        ("for row in rows:\n    for i in range(n):\n        t = row ** i", 0.7),
        ("sum(i * i for i in range(n))", 0.4),
        ("[[a * b for a in x] for b in y for c in z]", 0.7),
        ("while x > 1:\n    x //= 2", 0.4),
        ("for i in range(10):\n    t = i * 2", 0.0),
        ("for item in items:\n    t += item.price * item.count", 0.0),
        ("for i in range(10**6):\n    t.append(i + 1)", 0.0),
        ("for i in range(n):\n    print('%s' % i, 'x' * i, f'{i}' % i)", 0.0),
        ("for i in (1, 2, 3):\n    for j in range(100):\n        t = i * j", 0.0),
        ("x = a * b", 0.0),
    ],
)
def test_loop_weighs_as_many_rounds_as_it_makes(source: str, weight: float) -> None:
    assert max((found for found, _ in work(source)), default=0.0) == weight


def test_recursion_that_branches_is_computing_and_a_walk_over_a_tree_is_not() -> None:
    assert work("return f(n - 1) + f(n - 2)") == [(0.8, "f() calls itself again and again")]
    assert work("for x in node:\n    f(x.left)\n    f(x.right)") == []
    assert work("return f(n - 1)") == []


def test_calls_are_found_with_what_they_wait_for_and_are_given() -> None:
    calls = work_of(
        ast.parse(
            "async def g():\n    await a.b(c.d)\n    async with e() as x: pass\n"
            "    async for y in h(): pass\n    i.j.k.l.m()\n    (lambda: 0)()\n    z((4, 5))\n"
        ).body
    ).calls
    assert [(c.written, c.line, c.awaited, c.called, c.size) for c in calls] == [
        ("a.b", 2, True, True, 0),
        ("c.d", 2, False, False, 0),
        ("e", 3, True, True, 0),
        ("h", 4, True, True, 0),
        ("i.j...m", 5, False, True, 0),
        ("call", 6, False, True, 0),
        ("z", 7, False, True, 20),
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("10**6", 10**6),
        ("500 * 1024 + 1 - 2", 511_999),
        ("2 ** 2 ** 2 ** 64", None),
        ("10 ** 65", None),
        ("9 ** 60", 1 << 64),
        ("1e3", 1000),
        ("1e300", None),
        ("n * 2", None),
        ("'x'", None),
        ("7 / 2", None),
        ("1+1+1+1+1+1+1", None),
    ],
)
def test_constant_is_worked_out_within_bounds(expression: str, value: int | None) -> None:
    assert integer(ast.parse(expression, mode="eval").body) == value


# --- handlers -------------------------------------------------------------------------------------


def handlers(folder: Path, files: dict[str, str], path: str = "app.py") -> list[str]:
    return [h.qualified for h in Finder(opened(folder, files)).handlers(path)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("@app.route('/')\ndef index(): ...\n", ["index"]),
        ("@router.get('/')\nasync def index(): ...\n", ["index"]),
        ("from unittest import mock\n@mock.patch('x')\ndef index(): ...\n", []),
        ("@app.task\ndef index(): ...\n", []),
        ("def index(request): ...\n", ["index"]),
        ("def index(self, request): ...\n", []),
        ("from litestar import get\n@get('/')\ndef index(): ...\n", ["index"]),
        ("def app(environ, start_response): ...\n", ["app"]),
        ("class A(View):\n    def get(self): ...\n    def helper(self): ...\n", ["A.get"]),
        ("class A:\n    def get(self): ...\n", []),
        ("class A:\n    def on_get(self, req, resp): ...\n", ["A.on_get"]),
        ("class A(MethodView): ...\nclass B(A):\n    def post(self): ...\n", ["B.post"]),
        ("class A(ViewSet):\n    @action()\n    def x(self): ...\n", []),
        ("class Query(ObjectType):\n    def resolve_x(self, info): ...\n", ["Query.resolve_x"]),
        (
            (
                "from rest_framework.decorators import action\n"
                "class A(ViewSet):\n    @action()\n    def x(self): ...\n"
            ),
            ["A.x"],
        ),
        ("def x(): ...\napp.add_url_rule('/', view_func=x)\n", ["x"]),
        ("class A:\n    def get(self): ...\nroutes = [Route('/', A)]\n", ["A.get"]),
        ("class A:\n    def get(self): ...\npath('', A.as_view())\n", ["A.get"]),
        ("class A:\n    def on_post(self): ...\napp.add_route('/', A())\n", ["A.on_post"]),
        (
            (
                "def create_app():\n    app = x()\n    @app.route('/')\n    def index(): ...\n"
                "    def other(): ...\n    app.add_url_rule('/o', 'o', other)\n"
            ),
            ["create_app.index", "create_app.other"],
        ),
        ("path('', unknown)\npath('', views.index)\nRoute('/', 1)\n", []),
    ],
)
def test_function_that_answers_requests_is_a_handler(
    source: str, found: list[str], tmp_path: Path
) -> None:
    assert handlers(tmp_path, {"app.py": source}) == found


def test_handler_registered_in_another_file_is_found(tmp_path: Path) -> None:
    files = {
        "urls.py": "from views import index\npath('', index)\n",
        "views.py": "def index(r): ...\n",
    }
    assert handlers(tmp_path, files, "urls.py") == ["index"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("@app.on_event('startup')\ndef x(): ...\n", ["x"]),
        ("def life(app): ...\napp = FastAPI(lifespan=life)\n", ["life"]),
        ("def a(): ...\ndef b(): ...\napp = Starlette(on_startup=[a, b])\n", ["b", "a"]),
        ("class C(AppConfig):\n    def ready(self): ...\n", ["C.ready"]),
        ("def create_app(): ...\n", ["create_app"]),
        ("def other(): ...\n", []),
    ],
)
def test_function_that_runs_once_per_worker_is_startup(
    source: str, found: list[str], tmp_path: Path
) -> None:
    finder = Finder(opened(tmp_path, {"app.py": source}))
    assert [h.qualified for h in finder.startup("app.py")] == found


def test_files_that_cannot_be_parsed_have_nothing(tmp_path: Path) -> None:
    origins = opened(tmp_path, {"app.py": "def (:\n"})
    finder = Finder(origins)
    assert [*finder.handlers("app.py"), *finder.startup("app.py")] == []
    assert list(finder.queries("app.py")) == []
    assert origins.source.problems == {"app.py": "line 1: invalid syntax"}


# --- imports and bounds ---------------------------------------------------------------------------


def test_imports_are_collected_by_library_and_file(tmp_path: Path) -> None:
    files = {
        "a.py": "import redis\nfrom google.cloud import storage\nfrom . import b\nimport b\n",
        "b.py": "import redis.asyncio\n",
        "tests/c.py": "import numpy\n",
    }
    imports = read_imports(opened(tmp_path, files).source, load_libraries())
    assert imports.modules == {"redis", "google"}
    assert [(s.path, s.line) for s in imports.sites["redis"]] == [("a.py", 1), ("b.py", 1)]
    assert imports.near["b.py"] == {"redis"}
    assert "google-cloud-storage" in imports.libraries


def test_reachable_files_are_those_loaded_with_the_app(tmp_path: Path) -> None:
    files = {
        "app.py": "from pkg.sub import one\nimport two\nfrom missing import x\n",
        "pkg/__init__.py": "from . import side\n",
        "pkg/side.py": "",
        "pkg/sub/__init__.py": "",
        "pkg/sub/one.py": "from ..deep import x\n",
        "pkg/deep.py": "",
        "two.py": "import app\n",
        "train.py": "import two\n",
    }
    source = opened(tmp_path, files).source
    assert reachable(source, ["app.py", "gone.py"]) == files.keys() - {"train.py"}


def test_no_more_than_the_limit_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "PARSE_LIMIT_FILES", 2)
    source = opened(tmp_path, {f"m{i}.py": "x = 1\n" for i in range(4)}).source
    assert [source.module(f"m{i}.py") is not None for i in range(4)] == [True, True, False, False]


def test_parsing_stops_at_the_limit_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "PARSE_LIMIT_BYTES", 10)
    source = opened(
        tmp_path, {"big.py": "x = 1\n" * 2, "small.py": "x=1\n", "other.py": "y=1\n"}
    ).source
    assert source.module("big.py") is None
    assert source.module("small.py") is not None
    source.reserve = 0.5
    assert source.module("other.py") is None
    source.reserve = 0.0
    assert source.module("other.py") is not None


def test_knowledge_names_every_framework_once_per_interface() -> None:
    known = load_knowledge()
    pairs = [(item.name, item.interface) for item in known.frameworks]
    assert len(set(pairs)) == len(pairs)
    assert {"flask", "django", "fastapi", "starlette", "falcon", "pyramid", "bottle"} <= {
        name for name, _ in pairs
    }
    assert {"litestar", "quart"} <= {name for name, _ in pairs}
    assert "Sanic" in {server.name for server in known.servers}
    assert all(server.hint for server in known.servers)
    constructors = [name for item in known.frameworks for name in item.constructors]
    assert len(set(constructors)) == len(constructors)
    assert not set(constructors) & known.adapters.keys()


def test_calls_of_python_itself_are_told_once() -> None:
    known = load_knowledge().python
    libraries = load_libraries()
    told = [name for name in known if (item := libraries.by_module(name)) and name in item.calls]
    assert told == []


# --- what calls say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "import time\ndef h(request):\n    time.sleep(1)\n",
            "time.sleep in the handler h() waits",
        ),
        ("import os\ndef h(request):\n    os.system('x')\n", "waits for another process"),
        ("def h(request):\n    open('x').read()\n", "reads or writes a file"),
        ("import redis\ndef h(request, c):\n    c.hgetall('x')\n", "c.hgetall in the handler h()"),
        ("import redis\ndef h(request, c):\n    c.get('x')\n", None),
        ("import httpx\nasync def h(request, c):\n    await c.get('x')\n", "c.get in the handler"),
        ("async def h(request, c):\n    await c.anything('x')\n", "is awaited"),
        ("async def h(request, c):\n    await request.json()\n", None),
        ("import requests\ndef h(request):\n    raise requests.HTTPError()\n", None),
        ("import requests\ns = requests.Session()\ndef h(request):\n    s.close()\n", None),
        ("import requests\ndef h(request):\n    x = requests.codes.ok()\n", "requests.codes.ok"),
        ("import bcrypt\ndef h(request):\n    bcrypt.checkpw(b'', b'')\n", "bcrypt.checkpw"),
        ("import itertools\ndef h(request):\n    itertools.product('a', 'b')\n", "computes"),
        ("from django.db import connection\ndef h(request):\n    connection.cursor()\n", "queries"),
        ("import django\ndef h(request, form):\n    form.save()\n", "queries the database"),
        ("import django\nimport pikepdf\ndef h(request):\n    pikepdf.open('x').save('y')\n", None),
        (
            (
                "import requests\ndef h(request):\n    for i in range(n):\n"
                "        requests.get(str(i * 100))\n"
            ),
            "requests.get",
        ),
    ],
)
def test_call_in_a_handler_says_what_it_does(source: str, said: str | None, tmp_path: Path) -> None:
    found = [
        item.text
        for item in classify(write_project(tmp_path / "p", {"views.py": source})).evidence
        if " in the handler " in item.text
    ]
    if said is None:
        assert not any("queries" in text or "waits" in text for text in found)
    else:
        assert len(found) == 1
        assert said in found[0]
