"""Imports are followed inside the project, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from confs import NAMES, plain
from gunitune.conf.machine import Machine
from gunitune.conf.model import Conf
from gunitune.conf.read import read_conf


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def conf(root: Path, files: dict[str, str], name: str = "gunicorn.conf.py") -> Conf:
    write(root, files)
    return read_conf(root / name, name, Machine(64, 8, {}, root), names=NAMES)


def told(found: Conf) -> dict[str, object]:
    assert not found.faults
    return {name: plain(each.value) for name, each in found.settings.items()}


def test_names_come_through_modules_packages_and_relative_imports(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        {
            "gunicorn.conf.py": (
                "from .base import workers\nfrom app.settings import PORT, keepalive\n"
                "import app.settings as s\nimport app.settings\nfrom app import settings\n"
                "bind = f':{PORT}'\nthreads = s.N + app.settings.N + settings.N\n"
            ),
            "base.py": "workers = 4\n",
            "app/__init__.py": "",
            "app/settings.py": (
                "from .other import keepalive\nfrom ..base import workers\nPORT, N = 80, workers\n"
            ),
            "app/other.py": "import os\nkeepalive = os.cpu_count()\n",
        },
    )
    assert told(found) == {"workers": 4, "keepalive": 64, "bind": ":80", "threads": 12}
    assert found.settings["keepalive"].depends_on == ("cpu",)


def test_an_imported_name_stands_at_the_import_statement(tmp_path: Path) -> None:
    files = {"gunicorn.conf.py": "\nfrom base import workers\n", "base.py": "\n\n\nworkers = 4\n"}
    assigned = conf(tmp_path, files).settings["workers"]
    assert (assigned.means, assigned.span.line, assigned.statement.line) == ("import", 2, 2)
    assert assigned.expression is None


def test_a_star_import_takes_what_python_takes(tmp_path: Path) -> None:
    base = "workers = 1\n_threads = 2\nimport os as bind\n"
    assert set(
        told(conf(tmp_path, {"gunicorn.conf.py": "from base import *\n", "base.py": base}))
    ) == {
        "workers",
        "bind",
    }
    listed = {
        "gunicorn.conf.py": "from listed import *\n",
        "listed.py": "__all__ = ['timeout']\ntimeout = 1\numask = 2\n",
    }
    assert told(conf(tmp_path, listed)) == {"timeout": 1}


def test_a_star_import_from_outside_makes_the_file_dynamic(tmp_path: Path) -> None:
    for text in ("from numpy import *\nworkers = N\n", "from base import *\nworkers = N\n"):
        found = conf(tmp_path, {"gunicorn.conf.py": text, "base.py": "from numpy import *\n"})
        assert "takes all names of" in found.dynamic
        assert told(found)["workers"] == "? N may come from numpy, which is outside the project"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from elsewhere import workers", "imported from elsewhere, which is outside the project"),
        ("from .nope import workers", "imported from .nope, which is outside the project"),
        ("from base import workers", "base sets no workers that can be told"),
        (
            "import elsewhere\nworkers = elsewhere.N",
            "imported from elsewhere, which is outside the project",
        ),
        ("import base\nworkers = base.nope", "base.nope can't be told"),
        (
            "import elsewhere.deep as e\nworkers = e.N * 2",
            "imported from elsewhere.deep, which is outside the project",
        ),
        ("from json import workers", "imported from json, which is outside the project"),
    ],
)
def test_what_is_not_in_the_project_is_unknown(tmp_path: Path, text: str, reason: str) -> None:
    found = conf(tmp_path, {"gunicorn.conf.py": text + "\n", "base.py": "x = 1\n"})
    assert told(found)["workers"] == f"? {reason}"


def test_a_module_beside_the_config_goes_before_one_at_the_root(tmp_path: Path) -> None:
    files = {
        "deploy/gunicorn.conf.py": "from base import workers\nfrom top import threads\n",
        "deploy/base.py": "workers = 1\n",
        "base.py": "workers = 2\n",
        "top.py": "threads = 3\n",
    }
    assert told(conf(tmp_path, files, "deploy/gunicorn.conf.py")) == {"workers": 1, "threads": 3}


def test_imports_that_go_in_circles_end(tmp_path: Path) -> None:
    files = {
        "gunicorn.conf.py": "from a import workers\n",
        "a.py": "x = 1\nfrom b import y\nworkers = y\n",
        "b.py": "from a import x\ny = x + 1\n",
    }
    assert told(conf(tmp_path, files)) == {"workers": 2}


def test_the_project_does_not_shadow_the_standard_library(tmp_path: Path) -> None:
    files = {
        "gunicorn.conf.py": "import os\nworkers = os.cpu_count()\n",
        "os.py": "cpu_count = len\n",
    }
    assert told(conf(tmp_path, files)) == {"workers": 64}


def test_links_out_of_the_root_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    write(
        outside,
        {
            "secret.py": "workers = 666\n",
            "package/__init__.py": "",
            "package/m.py": "threads = 666\n",
        },
    )
    write(root, {"real.py": "umask = 1\n"})
    (root / "secret.py").symlink_to(outside / "secret.py")
    (root / "package").symlink_to(outside / "package")
    (root / "inside.py").symlink_to(root / "real.py")
    (root / "loop.py").symlink_to(root / "loop.py")
    text = (
        "from secret import workers\nfrom package.m import threads\n"
        "from inside import umask\nfrom loop import bind\n"
        "from ..outside.secret import timeout\n"
    )
    found = told(conf(root, {"gunicorn.conf.py": text}))
    assert found.pop("umask") == 1
    assert all(str(value).startswith("? imported from") for value in found.values())
    assert len(found) == 4


def test_a_module_that_can_not_be_read_leaves_its_names_unknown(tmp_path: Path) -> None:
    modules = {
        "broken.py": "workers = (\n",
        "large.py": "# x\n" * 100_000 + "threads = 1\n",
        "parts.py": "x = 1\n" * 30_000 + "timeout = 1\n",
    }
    text = "from broken import workers\nfrom large import threads\nfrom parts import timeout\n"
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    found = told(
        conf(tmp_path, {"gunicorn.conf.py": text + "from binary import umask\n", **modules})
    )
    assert all(str(value).startswith("? ") for value in found.values())


def test_a_module_that_takes_long_or_stops_leaves_what_it_had(tmp_path: Path) -> None:
    for ending in (
        "while True:\n  x = [1, 2, 3] * 9\n" * 9,
        "raise ValueError\n",
        "import sys\nsys.exit()\n",
    ):
        files = {
            "gunicorn.conf.py": "from base import workers, threads\n",
            "base.py": f"workers = 1\n{ending}threads = 2\n",
        }
        found = told(conf(tmp_path, files))
        assert found["workers"] == 1
        assert str(found["threads"]).startswith(("? ", "2"))


def test_only_so_many_modules_are_followed(tmp_path: Path) -> None:
    chain = {f"m{n}.py": f"from m{n + 1} import workers\n" for n in range(60)}
    found = conf(
        tmp_path,
        {"gunicorn.conf.py": "from m0 import workers\n", **chain, "m60.py": "workers = 1\n"},
    )
    assert str(told(found)["workers"]).startswith("? ")
    wide = {f"w{n}.py": f"n{n} = 1\n" for n in range(60)}
    text = "".join(f"from w{n} import n{n}\n" for n in range(60)) + "workers = n0\nthreads = n59\n"
    found = conf(tmp_path, {"gunicorn.conf.py": text, **wide})
    assert told(found)["workers"] == 1
    assert str(told(found)["threads"]).startswith("? ")


def test_a_branch_of_an_imported_module_is_a_world(tmp_path: Path) -> None:
    files = {
        "gunicorn.conf.py": "from base import workers\n",
        "base.py": "import os\nworkers = 8 if os.getenv('ENV') == 'prod' else 1\n",
    }
    found = conf(tmp_path, files)
    assert told(found) == {"workers": 1}
    assert [(w.condition, w.settings["workers"].value) for w in found.worlds] == [
        ("if os.getenv('ENV') == 'prod'", 8)
    ]
    assert found.settings["workers"].depends_on == ("env:ENV",)


def test_an_import_inside_the_project_is_no_open_condition(tmp_path: Path) -> None:
    text = "try:\n    from local import workers\nexcept ImportError:\n    workers = 1\n"
    assert conf(tmp_path, {"gunicorn.conf.py": text, "local.py": "workers = 2\n"}).worlds == ()
    (tmp_path / "local.py").unlink()
    found = conf(tmp_path, {"gunicorn.conf.py": text})
    assert [w.settings["workers"].value for w in found.worlds] == [1]


def test_functions_of_a_module_see_its_own_names(tmp_path: Path) -> None:
    files = {
        "gunicorn.conf.py": "from base import count\nN = 100\nworkers = count(2)\n",
        "base.py": "N = 3\ndef count(times):\n    return N * times\n",
    }
    assert told(conf(tmp_path, files)) == {"workers": 6}
