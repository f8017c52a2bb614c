"""Which app Gunicorn is to serve: frameworks, factories, layouts, several apps, own servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunitune.errors import ProjectError, UsageError
from gunitune.model import App, Unknown
from gunitune.project.classify import classify
from project import write_project

if TYPE_CHECKING:
    from pathlib import Path

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
ASGI = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"


def classified(folder: Path, files: dict[str, str], **said: str) -> App:
    return classify(write_project(folder / "p", files), **said)  # type: ignore[arg-type]


def seen(app: App) -> tuple[object, ...]:
    return app.interface, app.framework, app.spec


APPS = {
    "flask": """
        wsgi app: from flask import Flask; app = Flask(__name__)
        wsgi app: import flask; app = flask.Flask('x')
        wsgi app: import flask as f; app: f.Flask = f.Flask('x')
        wsgi application: from flask.app import Flask as F; application = F('x')
        wsgi app: from apiflask import APIFlask; app = APIFlask('x')
        wsgi app: import flask; app = flask.Flask('a') if flask else flask.Flask('b')
        wsgi app: from flask import Flask; class Shop(Flask): ...; app = Shop('x')
        wsgi app: from flask import Flask; class A(Flask): ...; class B(A): ...; app = B('x')
        wsgi app: import flask; if True:;     app = flask.Flask('x')
        wsgi app: import flask; try:;     app = flask.Flask('x'); except ValueError:;     raise
    """,
    "fastapi": """
        asgi api: from fastapi import FastAPI; api = FastAPI()
        asgi app: from fastapi.applications import FastAPI; app = FastAPI()
        asgi app: import fastapi; app = application = fastapi.FastAPI()
    """,
    "starlette": "asgi app: from starlette.applications import Starlette; app = Starlette()",
    "falcon": """
        wsgi app: import falcon; app = falcon.App()
        wsgi app: import falcon; app = falcon.API()
        asgi app: import falcon.asgi; app = falcon.asgi.App()
        asgi app: from falcon.asgi import App; app = App()
    """,
    "pyramid": """
        wsgi app: from pyramid.config import Configurator; app = Configurator().make_wsgi_app()
        wsgi app: import pyramid.config as p; with p.Configurator() as c:;  app = c.make_wsgi_app()
    """,
    "bottle": """
        wsgi app: import bottle; app = bottle.Bottle()
        wsgi app: from bottle import default_app; app = default_app()
    """,
    "litestar": "asgi app: from litestar import Litestar; app = Litestar([])",
    "quart": "asgi app: from quart import Quart; app = Quart(__name__)",
    "blacksheep": "asgi app: from blacksheep import Application; app = Application()",
    "webpy": "wsgi app: import web; app = web.application((), {}).wsgifunc()",
    "dash": "wsgi server: import dash; board = dash.Dash(); server = board.server",
    "wsgi": """
        wsgi application: def application(environ, start_response): ...
        wsgi app: def app(env, start_resp): ...
        wsgi app: class A:;     def __call__(self, environ, start_response): ...; app = A()
    """,
    "asgi": """
        asgi app: async def app(scope, receive, send): ...
        asgi app: class A:;     async def __call__(self, scope, receive, send): ...; app = A()
    """,
    "werkzeug": """
        wsgi app: from werkzeug.wrappers import Request; @Request.application; def app(request): ...
    """,
    "webob": "wsgi app: from webob.dec import wsgify; @wsgify; def app(request): ...",
}
SPELLINGS = [
    (framework, line.strip()) for framework in APPS for line in APPS[framework].strip().splitlines()
]


@pytest.mark.parametrize(("framework", "spelling"), SPELLINGS)
def test_app_object_is_recognised(framework: str, spelling: str, tmp_path: Path) -> None:
    (interface, name), source = spelling.partition(": ")[0].split(), spelling.partition(": ")[2]
    app = classified(tmp_path, {"service.py": source.replace("; ", "\n").replace(";", "\n") + "\n"})
    assert seen(app) == (interface, framework, f"service:{name}")


@pytest.mark.parametrize(
    ("wrapping", "interface", "name"),
    [
        ("from x import ProxyFix\napp = ProxyFix(app)", "wsgi", "app"),
        ("from x import ProxyFix\napplication = ProxyFix(app)", "wsgi", "application"),
        ("from x import ProxyFix\napp.wsgi_app = ProxyFix(app.wsgi_app)", "wsgi", "app"),
        ("from asgiref.wsgi import WsgiToAsgi\nasgi = WsgiToAsgi(app)", "asgi", "asgi"),
        ("import a2wsgi\nserver = a2wsgi.WSGIMiddleware(app)", "asgi", "server"),
        (
            "import socketio\nsio = socketio.Server()\napp = socketio.WSGIApp(sio, app)",
            "wsgi",
            "app",
        ),
        ("from flask_restful import Api\napi = Api(app)", "wsgi", "app"),
        ("from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy(app)", "wsgi", "app"),
        ("application = app", "wsgi", "app"),
        (
            (
                "from werkzeug.middleware.dispatcher import DispatcherMiddleware as D\n"
                "admin = Flask('admin')\nmain = D(app, {'/admin': admin})"
            ),
            "wsgi",
            "main",
        ),
    ],
)
def test_wrapped_app_is_followed(wrapping: str, interface: str, name: str, tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": f"{FLASK}{wrapping}\n"})
    assert seen(app) == (interface, "flask", f"app:{name}")


def test_adapter_is_preferred_to_the_app_inside_it(tmp_path: Path) -> None:
    source = f"{FLASK}from asgiref.wsgi import WsgiToAsgi\nasgi_app = WsgiToAsgi(app)\n"
    assert seen(classified(tmp_path, {"app.py": source})) == ("asgi", "flask", "app:asgi_app")


def test_mounted_app_is_not_the_one_to_serve(tmp_path: Path) -> None:
    source = (
        "from fastapi import FastAPI\nadmin = FastAPI()\nmain = FastAPI()\n"
        "main.mount('/admin', admin)\n"
    )
    assert classified(tmp_path, {"service.py": source}).spec == "service:main"


@pytest.mark.parametrize(
    ("files", "spec"),
    [
        ({"shop/__init__.py": f"def create_app():\n    {FLASK}".replace("\n", "\n    ", 2)}, None),
        (
            {
                "shop/__init__.py": "from flask import Flask\n\n\ndef create_app(config=None):\n"
                "    app = Flask(__name__)\n    return app\n"
            },
            "shop:create_app()",
        ),
        (
            {"main.py": "from fastapi import FastAPI\n\ndef get_app() -> FastAPI:\n    ...\n"},
            "main:get_app()",
        ),
        (
            {"app.py": "import flask\ndef make_app(*, debug=False): return flask.Flask('x')\n"},
            "app:make_app()",
        ),
        (
            {
                "app.py": "from factory import build\n\ndef create_app():\n    return build()\n",
                "factory.py": "import flask\n\ndef build():\n    return flask.Flask('x')\n",
            },
            "app:create_app()",
        ),
        ({"wsgi.py": "import flask\ndef app(*a): return flask.Flask('x')(*a)\n"}, "wsgi:app"),
        (
            {
                "wsgi.py": "import flask\ndef app(*args, **more):\n    made = flask.Flask('x')\n"
                "    return made if more else made(*args)\n"
            },
            "wsgi:app",
        ),
        (
            {
                "run.py": "from shop import create_app\n\napp = create_app('production')\n",
                "shop/__init__.py": "from flask import Flask\n\n\ndef create_app(config):\n"
                "    app = Flask(__name__)\n    return app\n",
            },
            "run:app",
        ),
        (
            {
                "shop.py": "from web import create_app\n\napp = create_app()\n",
                "web/__init__.py": "from .factory import create_app\n",
                "web/factory.py": "from flask import Flask\ndef create_app():\n"
                "    return Flask('x')\n",
            },
            "shop:app",
        ),
    ],
)
def test_factory_is_called_in_the_spec(
    files: dict[str, str], spec: str | None, tmp_path: Path
) -> None:
    app = classified(tmp_path, files)
    assert app.spec == spec or (spec is None and isinstance(app.spec, Unknown))


def test_factory_that_needs_arguments_is_named_in_the_reason(tmp_path: Path) -> None:
    source = "from flask import Flask\ndef create_app(config, *, debug):\n    return Flask('x')\n"
    app = classified(tmp_path, {"shop.py": source})
    assert isinstance(app.spec, Unknown)
    assert app.spec.reason.startswith("create_app(config, debug) in shop.py:2 needs arguments")
    assert (app.interface, app.framework) == ("wsgi", "flask")


@pytest.mark.parametrize(
    ("files", "spec", "note"),
    [
        (
            {"src/shop/__init__.py": "", "src/shop/web.py": FLASK},
            "shop.web:app",
            "--pythonpath src",
        ),
        ({"shop/__init__.py": "", "shop/web/__init__.py": FLASK}, "shop.web:app", ""),
        ({"shop/web.py": FLASK}, "shop.web:app", ""),
        ({"shop/web.py": f"from shop.db import x\n{FLASK}", "shop/db.py": ""}, "shop.web:app", ""),
        ({"shop/web.py": f"import db\n{FLASK}", "shop/db.py": ""}, "web:app", "--chdir shop"),
        ({"my-shop/web.py": FLASK}, "web:app", "--chdir my-shop"),
        ({"back/requirements.txt": "flask", "back/web.py": FLASK}, "web:app", "--chdir back"),
        (
            {"back/manage.py": "", "back/site/__init__.py": "", "back/site/wsgi.py": WSGI},
            "site.wsgi:application",
            "--chdir back",
        ),
        ({"manage.py": "", "site/wsgi.py": WSGI}, "site.wsgi:application", ""),
        ({"__init__.py": "", "web.py": FLASK}, "web:app", ""),
    ],
)
def test_spec_is_seen_from_the_folder_to_run_in(
    files: dict[str, str], spec: str, note: str, tmp_path: Path
) -> None:
    app = classified(tmp_path, files)
    assert app.spec == spec
    assert " ".join(app.start_options) == note
    assert bool(app.notes) >= bool(note)


@pytest.mark.parametrize(
    ("files", "spec"),
    [
        ({"wsgi.py": f"from app import app\n{''}", "app.py": FLASK}, "wsgi:app"),
        ({"wsgi.py": "from app import app as application\n", "app.py": FLASK}, "wsgi:application"),
        ({"wsgi.py": "import app\napplication = app.app\n", "app.py": FLASK}, "wsgi:application"),
        ({"app.py": FLASK, "other.py": FLASK}, "app:app"),
        ({"app.py": FLASK, "celery_worker.py": FLASK}, "app:app"),
        ({"app.py": FLASK, "examples/wsgi.py": FLASK, "tests/wsgi.py": FLASK}, "app:app"),
        ({"app.py": FLASK, "service/app.py": FLASK}, "app:app"),
        ({"app.py": f"{FLASK}admin = Flask('admin')\n"}, "app:app"),
        ({"web.py": f"{FLASK}def application(environ, start_response): ...\n"}, "web:app"),
        (
            {"a/app.py": FLASK, "b/app.py": FLASK, "Procfile": "web: gunicorn b.app:app"},
            "b.app:app",
        ),
        (
            {"a/app.py": FLASK, "b/app.py": FLASK, "Dockerfile": 'CMD ["gunicorn", "app:app"]'},
            None,
        ),
        ({"a/app.py": FLASK, "b/app.py": FLASK}, None),
        ({"a.py": "from flask import Flask\nweb = Flask('a')\nback = Flask('b')\n"}, None),
        (
            {"site/wsgi.py": "from site.boot import make\napplication = make()\n"},
            "site.wsgi:application",
        ),
    ],
)
def test_best_of_several_apps_is_chosen(
    files: dict[str, str], spec: str | None, tmp_path: Path
) -> None:
    app = classified(tmp_path, files)
    if spec is not None:
        assert app.spec == spec
    else:
        assert isinstance(app.spec, Unknown)
        assert "several apps are equally likely" in app.spec.reason
        assert (app.interface, app.framework) == ("wsgi", "flask")


def test_several_apps_of_both_interfaces_leave_the_interface_open(tmp_path: Path) -> None:
    files = {"a/app.py": FLASK, "b/app.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
    app = classified(tmp_path, files)
    assert isinstance(app.interface, Unknown)
    assert "a.app:app, b.app:app" in app.interface.reason


def test_path_to_a_file_means_the_app_in_it(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"app.py": FLASK, "other.py": FLASK})
    assert classify(project / "other.py").spec == "other:app"


@pytest.mark.parametrize(
    ("extra", "interface", "spec"),
    [
        ({}, "wsgi", "site.wsgi:application"),
        ({"requirements.txt": "django\nuvicorn\n"}, "asgi", "site.asgi:application"),
        ({"requirements.txt": "django\nchannels\n"}, "asgi", "site.asgi:application"),
        (
            {"site/settings.py": "ASGI_APPLICATION = 'site.asgi.application'\n"},
            "asgi",
            "site.asgi:application",
        ),
        (
            {
                "site/settings.py": "ASGI_APPLICATION = 'site.asgi.application'\n"
                "WSGI_APPLICATION = 'site.wsgi.application'\n"
            },
            "wsgi",
            "site.wsgi:application",
        ),
        (
            {
                "site/settings.py": "WSGI_APPLICATION = 'site.production.app'\n",
                "site/production.py": WSGI.replace("application =", "app ="),
            },
            "wsgi",
            "site.production:app",
        ),
        (
            {"site/settings.py": "WSGI_APPLICATION = None\nASGI_APPLICATION: str = 'x'\n"},
            "wsgi",
            "site.wsgi:application",
        ),
    ],
)
def test_django_gateway_is_chosen(
    extra: dict[str, str], interface: str, spec: str, tmp_path: Path
) -> None:
    files = {"manage.py": "", "site/wsgi.py": WSGI, "site/asgi.py": ASGI, **extra}
    assert seen(classified(tmp_path, files)) == (interface, "django", spec)


def test_interface_that_was_asked_for_chooses_the_gateway(tmp_path: Path) -> None:
    files = {"manage.py": "", "site/wsgi.py": WSGI, "site/asgi.py": ASGI}
    app = classified(tmp_path, files, interface="asgi")
    assert seen(app) == ("asgi", "django", "site.asgi:application")


def test_interface_that_no_app_speaks_leaves_the_spec_open(tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": FLASK}, interface="asgi")
    assert app.interface == "asgi"
    assert isinstance(app.spec, Unknown)
    assert app.spec.reason == "no app speaks asgi; found app:app"


@pytest.mark.parametrize(
    ("spec", "interface"),
    [
        ("app:app", "wsgi"),
        ("api.main:app", "asgi"),
        ("api.main", "asgi"),
        ("api.main:application", "asgi"),
        ("factory:create('x', debug=True)", "wsgi"),
        ("alias:served", "asgi"),
        ("alias:create('x')", "wsgi"),
    ],
)
def test_spec_that_was_asked_for_is_used_and_its_interface_read(
    spec: str, interface: str, tmp_path: Path
) -> None:
    files = {
        "app.py": FLASK,
        "api/main.py": "from fastapi import FastAPI\napp = application = FastAPI()\n",
        "factory.py": "import flask\ndef create(name, debug):\n    return flask.Flask(name)\n",
        "alias.py": "from api.main import app as served\nfrom factory import create\n",
    }
    app = classified(tmp_path, files, spec=spec)
    assert (app.interface, app.spec) == (interface, spec)


def test_spec_of_a_module_elsewhere_is_noted(tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": FLASK}, spec="installed.package:app")
    assert (app.spec, app.framework, app.interface) == ("installed.package:app", "flask", "wsgi")
    assert "no module installed.package in the project" in app.notes[0]


def test_spec_whose_object_is_no_app_leaves_the_interface_open(tmp_path: Path) -> None:
    app = classified(tmp_path, {"app.py": f"{FLASK}number = 1\n"}, spec="app:number")
    assert app.interface == Unknown("number in app.py is no app that gunitune recognises")
    assert app.spec == "app:number"


@pytest.mark.parametrize("spec", ["app:", "app:a.b", "a b:app", "", ":app", "app:app]", "../x:app"])
def test_spec_that_is_none_is_an_error(spec: str, tmp_path: Path) -> None:
    if spec == "app:":
        assert classified(tmp_path, {"app.py": "application = 1"}, spec=spec).spec == spec
        return
    with pytest.raises(UsageError, match="names no app"):
        classified(tmp_path, {"app.py": FLASK}, spec=spec)


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("from sanic import Sanic\napp = Sanic('x')", "Sanic", 2),
        ("from aiohttp import web\napp = web.Application()\nweb.run_app(app)", "aiohttp", 2),
        (
            "from aiohttp import web\nif __name__ == '__main__':\n    web.run_app(make())",
            "aiohttp",
            3,
        ),
        (
            (
                "import tornado.web\ndef main():\n    app = tornado.web.Application([])\n"
                "    app.listen(80)"
            ),
            "Tornado",
            3,
        ),
        ("from http.server import HTTPServer\nHTTPServer(('', 80), None)", "http.server", 2),
        ("from twisted.internet import reactor\nreactor.run()", "Twisted", 2),
        ("from robyn import Robyn\napp = Robyn(__file__)", "Robyn", 2),
        ("import streamlit as st\n\nst.title('x')", "Streamlit", 3),
        ("import cherrypy\ncherrypy.quickstart(Root())", "CherryPy", 2),
    ],
)
def test_server_of_its_own_is_refused_with_its_place(
    source: str, name: str, line: int, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError) as caught:
        classified(tmp_path, {"service.py": source + "\n"})
    assert caught.value.message == (
        f"service.py:{line}: {name} has a server of its own and gives Gunicorn no WSGI or ASGI app"
    )
    assert caught.value.hint


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": FLASK, "admin.py": "from http.server import HTTPServer\nHTTPServer((), None)\n"},
        {"app.py": "from aiohttp import ClientSession\nsession = ClientSession()\n"},
        {"tool.py": "x = 1\n", "tests/test_x.py": "from sanic import Sanic\napp = Sanic('x')\n"},
    ],
)
def test_server_beside_an_app_or_in_the_tests_is_no_obstacle(
    files: dict[str, str], tmp_path: Path
) -> None:
    assert classified(tmp_path, files).kind in ("unknown", "io")


@pytest.mark.parametrize("said", [{"spec": "asgi:app"}, {}])
def test_asgi_file_with_an_app_of_its_own_server_is_refused(
    said: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match=r"asgi\.py:2: Sanic"):
        classified(tmp_path, {"asgi.py": "from sanic import Sanic\napp = Sanic('x')\n"}, **said)


@pytest.mark.parametrize(
    ("files", "framework", "interface"),
    [
        ({"views.py": "from flask import Blueprint\nbp = Blueprint('x', 'y')\n"}, "flask", "wsgi"),
        ({"m.py": "x = 1\n", "requirements.txt": "Django\n"}, "django", "wsgi"),
        ({"m.py": "from starlette.routing import Router\n"}, "starlette", "asgi"),
        ({"m.py": "from fastapi import APIRouter\nimport starlette\n"}, "fastapi", "asgi"),
    ],
)
def test_framework_without_an_app_object_is_told_by_imports_and_dependencies(
    files: dict[str, str], framework: str, interface: str, tmp_path: Path
) -> None:
    app = classified(tmp_path, files)
    assert (app.framework, app.interface) == (framework, interface)
    assert isinstance(app.spec, Unknown)
    assert app.spec.reason.startswith(f"{framework} is used, but no app object or factory")


def test_bare_callable_in_a_project_of_a_framework_takes_its_name(tmp_path: Path) -> None:
    files = {
        "boot.py": "from flask import Flask\nclass Site:\n    app = Flask('x')\n",
        "wsgi.py": "from boot import Site\ndef application(environ, start_response):\n"
        "    return Site.app(environ, start_response)\n",
    }
    assert seen(classified(tmp_path, files)) == ("wsgi", "flask", "wsgi:application")


def test_app_made_by_a_long_chain_of_factories_is_given_up(tmp_path: Path) -> None:
    steps = "".join(f"def f{n}():\n    return f{n + 1}()\n\n" for n in range(30))
    source = f"import flask\n{steps}def f30():\n    return flask.Flask('x')\n\napp = f0()\n"
    app = classified(tmp_path, {"app.py": source})
    assert app.spec != "app:app"
    assert app.framework == "flask"


def test_factories_that_call_each_other_manifold_are_looked_at_once(tmp_path: Path) -> None:
    calls = "".join(f"    x{n} = f{n}()\n" for n in range(20))
    functions = "".join(f"def f{n}():\n{calls}    return x0\n\n" for n in range(20))
    source = f"import flask\n{functions}x = f0()\napp = flask.Flask('x')\n"
    assert classified(tmp_path, {"app.py": source}).spec == "app:app"


def test_calls_of_what_is_no_factory_make_no_app(tmp_path: Path) -> None:
    source = "import flask\nNUMBER = 1\napp = NUMBER()\napplication = flask.request\n"
    assert isinstance(classified(tmp_path, {"app.py": source}).spec, Unknown)
