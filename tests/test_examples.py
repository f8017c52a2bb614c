"""Every example really runs under Gunicorn, from a fresh checkout, and leaves nothing behind."""

from __future__ import annotations

import http.cookiejar
import json
import re
import shutil
import struct
import subprocess
import tempfile
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import serving
from serving import BootError, Server, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/requirements.txt"))
GTHREAD = ("-k", "gthread", "--threads", "4")
MIB = 1024 * 1024
UVICORN = ("-k", "uvicorn_worker.UvicornWorker")


def interpreter(name: str) -> Path:
    return environment(name, EXAMPLES / name / "requirements.txt")


@contextmanager
def fresh_checkout(name: str) -> Iterator[Path]:
    """A copy of the example as it is committed; removed at once, since one makes 150 MB."""
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        made = shutil.ignore_patterns("instance", "__pycache__")
        yield Path(shutil.copytree(EXAMPLES / name, Path(folder) / name, ignore=made))


@contextmanager
def running(name: str, *args: str, **options: Any) -> Iterator[Server]:
    spec = "config.wsgi" if name == "django_orm" else "app:app"
    with (
        fresh_checkout(name) as checkout,
        serving.serving(interpreter(name), [*args, spec], checkout, **options) as server,
    ):
        yield server


def fetch(server: Server, path: str = "/") -> Any:
    status, body = server.get(path)
    assert status == 200, body
    return json.loads(body)


def post(server: Server, path: str, document: object) -> tuple[int, bytes]:
    return server.request("POST", path, json.dumps(document).encode())


def ports(pid: int) -> set[int]:
    connections = psutil.Process(pid).net_connections("tcp")
    return {link.laddr.port for link in connections if link.status == psutil.CONN_LISTEN}


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def shows_the_shop_window(body: bytes) -> bool:
    products = json.loads(body)["products"]
    return products[0] == {"name": "Espresso cup", "price": 8.9} and len(products) == 3


def lists_the_assortment_once(body: bytes) -> bool:
    return body.count(b"<tr>") == 7 and body.count(b"Flat white") == 1


def is_a_png_of_320_by_213(body: bytes) -> bool:
    return body.startswith(b"\x89PNG") and struct.unpack(">II", body[16:24]) == (320, 213)


def has_a_northern_summer(body: bytes) -> bool:
    celsius = json.loads(body)["celsius"]
    return len(celsius) == 12 and max(celsius) == celsius[6] > 10


def finds_lisbon_warmest(body: bytes) -> bool:
    return bool(json.loads(body)["warmest"] == "lisbon")


def holds_the_first_entry(body: bytes) -> bool:
    entries = json.loads(body)["entries"]
    return [entry["name"] for entry in entries] == ["Ada"]


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("flask_io", ["-k", "sync"], shows_the_shop_window),
        ("flask_io", GTHREAD, shows_the_shop_window),
        ("flask_io", ["-k", "gevent"], shows_the_shop_window),
        ("django_orm", ["-k", "sync"], lists_the_assortment_once),
        ("django_orm", GTHREAD, lists_the_assortment_once),
        ("cpu_pillow", ["-k", "sync"], is_a_png_of_320_by_213),
        ("memory_model", GTHREAD, has_a_northern_summer),
        ("asgi_fastapi", UVICORN, finds_lisbon_warmest),
        ("asgi_fastapi", ["-k", "asgi"], finds_lisbon_warmest),
        ("asgi_starlette", ["-k", "asgi"], holds_the_first_entry),
    ],
)
def test_an_example_answers_from_a_fresh_checkout(
    name: str, args: Sequence[str], expected: Callable[[bytes], bool]
) -> None:
    with running(name, "-w", "2", *args) as server:
        status, body = server.get("/")
        assert (status, expected(body)) == (200, True), body
        assert fetch(server, "/healthz") == {"status": "ok"}


@pytest.mark.parametrize(
    ("name", "args"), [("flask_io", ()), ("django_orm", ()), ("asgi_starlette", ("-k", "asgi"))]
)
def test_workers_that_start_together_prepare_one_database(name: str, args: Sequence[str]) -> None:
    with running(name, "-w", "6", *args) as server:
        workers = server.await_workers(6)
        assert {server.get("/")[0] for _ in range(12)} == {200}
        assert server.worker_pids() == workers
        assert "Exception" not in server.log()


def test_flask_io_counts_views_over_all_workers() -> None:
    with running("flask_io", "-w", "2", *GTHREAD) as server, ThreadPoolExecutor(8) as visitors:
        paths = ["/?currency=gbp"] * 16
        views = [page["views"] for page in visitors.map(lambda path: fetch(server, path), paths)]
        assert sorted(views) == list(range(1, 17))
        assert fetch(server, "/?currency=usd")["products"][0]["price"] == 9.61
        assert server.get("/?currency=xxx")[0] == 404


@pytest.mark.parametrize("args", [GTHREAD, ("-k", "gevent")])
def test_a_flask_io_worker_starts_one_rates_service_however_many_ask(args: Sequence[str]) -> None:
    with (
        running("flask_io", *args, ready_path="/healthz") as server,
        ThreadPoolExecutor(8) as visitors,
    ):
        (worker,) = server.worker_pids()
        before = ports(worker)
        assert set(visitors.map(lambda _: server.get("/")[0], range(8))) == {200}
        assert len(ports(worker) - before) == 1


@contextmanager
def upstream_alone(name: str) -> Iterator[str]:
    """The example's upstream as a process of its own; gives its URL."""
    command = [str(interpreter(name)), "upstream.py"]
    with subprocess.Popen(
        command, cwd=EXAMPLES / name, env={"UPSTREAM_PORT": "0"}, stdout=subprocess.PIPE, text=True
    ) as upstream:
        try:
            assert upstream.stdout is not None
            yield upstream.stdout.readline().strip().removeprefix("export UPSTREAM_URL=")
        finally:
            upstream.terminate()


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [("flask_io", (), shows_the_shop_window), ("asgi_fastapi", UVICORN, finds_lisbon_warmest)],
)
def test_an_example_asks_the_upstream_it_is_told(
    name: str, args: Sequence[str], expected: Callable[[bytes], bool]
) -> None:
    with (
        upstream_alone(name) as url,
        running(name, *args, env={"UPSTREAM_URL": url}) as server,
    ):
        assert expected(server.get("/")[1])
        (worker,) = server.worker_pids()
        assert ports(worker) == {urllib.parse.urlsplit(server.url).port}


@pytest.mark.parametrize(("name", "args"), [("flask_io", ()), ("asgi_fastapi", UVICORN)])
def test_an_upstream_that_is_down_is_a_bad_gateway(name: str, args: Sequence[str]) -> None:
    with running(name, *args, env={"UPSTREAM_URL": "http://127.0.0.1:1"}) as server:
        assert server.get("/")[0] == 502
        assert server.get("/healthz")[0] == 200


def test_django_orm_takes_an_order() -> None:
    with running("django_orm", "-w", "2") as server:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        with browser.open(server.url) as response:
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', response.read().decode())
        assert token is not None
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1]}).encode()
        with browser.open(f"{server.url}/orders/1/", form) as response:
            assert "1 sold" in response.read().decode()
        assert fetch(server, "/stats/")["orders"] == 1
        assert server.request("POST", "/orders/1/")[0] == 403


def test_asgi_starlette_lets_a_visitor_sign() -> None:
    entry = {"name": "Grace", "message": "Nice place."}
    with running("asgi_starlette", "-k", "asgi", "-w", "2") as server:
        assert post(server, "/", entry)[0] == 201
        assert fetch(server)["entries"][0] == entry
        assert post(server, "/", {"name": "nobody"})[0] == 422


def test_cpu_pillow_renders_what_is_asked_for_and_refuses_nonsense() -> None:
    with running("cpu_pillow") as server:
        wide, long = server.get("/?width=640")[1], server.get("/?caption=Long")[1]
        assert struct.unpack(">II", wide[16:24]) == (640, 426)
        assert is_a_png_of_320_by_213(long)
        assert long != server.get("/")[1]
        assert server.get("/?width=10")[0] == 400


def test_memory_model_is_shared_by_preloaded_workers() -> None:
    with running("memory_model", "-w", "2", "--preload") as server:
        for pid in server.await_workers(2):
            assert psutil.Process(pid).memory_full_info().uss < 100 * MIB
        master = psutil.Process(server.master_pid).memory_full_info()
        assert master.rss > 200 * MIB
        assert server.get("/?latitude=91")[0] == 400
        tropics = fetch(server, "/?latitude=-0.2&longitude=-78.5")
        assert min(tropics["celsius"]) > 20


def test_the_readme_shows_how_to_run_every_example() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## `(\w+)`$", readme, re.MULTILINE)) == NAMES
    assert readme.count("pip install -r requirements.txt") >= 1


@pytest.mark.parametrize("name", NAMES)
def test_an_example_requires_its_libraries_within_a_range(name: str) -> None:
    lines = (EXAMPLES / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    libraries = [line for line in lines if not line.startswith("gunicorn")]
    assert len(libraries) == len(lines) - 1
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+,<\d+", line) for line in libraries)


def test_serving_tells_why_gunicorn_did_not_boot(tmp_path: Path) -> None:
    with (
        pytest.raises(BootError, match="No module named 'absent'"),
        serving.serving(interpreter("cpu_pillow"), ["absent:app"], tmp_path),
    ):
        pytest.fail("nothing to serve")


def test_serving_does_not_wait_for_ever(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    with (
        pytest.raises(BootError, match=r"no answer within 1 s(.|\n)*Booting worker"),
        serving.serving(interpreter("cpu_pillow"), ["slow:app"], tmp_path, timeout_s=1),
    ):
        pytest.fail("nothing to serve")


def test_serving_finds_and_ends_a_process_left_behind(tmp_path: Path) -> None:
    (tmp_path / "leaky.py").write_text(
        "import subprocess\n"
        "orphan = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [str(orphan.pid).encode()]\n"
    )
    answers: list[Any] = []
    with (
        pytest.raises(AssertionError, match=r"left behind by Gunicorn: .*sleep"),
        serving.serving(interpreter("cpu_pillow"), ["leaky:app"], tmp_path) as server,
    ):
        answers += [server.get(), server.worker_pids()]
    (_, orphan), workers = answers
    assert int(orphan) not in workers
    assert not is_running(int(orphan))


def test_serving_counts_workers_and_threads() -> None:
    with running("cpu_pillow", "-w", "2", "-k", "sync") as server:
        assert [server.threads(pid) for pid in server.await_workers(2)] == [1, 1]
        with pytest.raises(AssertionError, match="2 workers instead of 3"):
            server.await_workers(3, timeout_s=0)


def test_an_environment_is_made_once_and_anew_after_an_abort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "VENVS", tmp_path)
    with ThreadPoolExecutor(2) as callers:
        first, second = callers.map(lambda name: environment(name, []), ["bare", "bare"])
    assert first == second
    (first.parent / "mark").touch()
    environment("bare", [])
    assert (first.parent / "mark").exists()
    (first.parent.parent / "complete").unlink()
    assert environment("bare", []) == first
    assert not (first.parent / "mark").exists()
    (tmp_path / "requirements.txt").write_text("# none yet\n")
    assert environment("bare", tmp_path / "requirements.txt") != first
