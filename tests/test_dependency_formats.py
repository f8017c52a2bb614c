from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from declared import declare, names, rows, specifiers
from gunitune.project.dependencies import Dependencies

if TYPE_CHECKING:
    from pathlib import Path


def test_the_standard_tables_are_read(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "pyproject.toml": """\
            [project]
            name = "shop"
            description = "a flask shop"
            keywords = ["flask", "shop"]
            dependencies = [
              "flask",
              "gunicorn[gevent]>=23",
              'importlib-metadata>=4; python_version < "3.10"',
            ]

            [project.optional-dependencies]
            redis = ["redis>=5"]
            test = ["pytest", "flask"]

            [dependency-groups]
            dev = ["ruff", {include-group = "tools"}, {include-group = "ml"}]
            tools = ["ipython"]
            ml = ["torch"]
            server = [{include-group = "ml"}]
            """
        },
    )
    assert rows(found) == [
        ("flask", "", "pyproject.toml:6"),
        ("gunicorn", ">=23", "pyproject.toml:7"),
        ("gevent", "", "pyproject.toml:7"),
        ("importlib-metadata", ">=4", "pyproject.toml:8"),
        ("redis", ">=5", "pyproject.toml:12"),
        ("pytest", "", "pyproject.toml:13"),
        ("flask", "", "pyproject.toml:13"),
        ("ruff", "", "pyproject.toml:16"),
        ("ipython", "", "pyproject.toml:17"),
        ("torch", "", "pyproject.toml:18"),
    ]
    expected = {"flask", "gunicorn", "gevent", "importlib-metadata", "redis", "torch"}
    assert found.names == expected


def test_groups_that_include_each_other_end(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "pyproject.toml": """\
            [dependency-groups]
            a = ["flask", {include-group = "b"}]
            b = ["redis", {include-group = "a"}, {include-group = "gone"}, {other = 1}]
            """
        },
    )
    assert found.names == {"flask", "redis"}


def test_poetrys_tables_are_read(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "pyproject.toml": """\
            [tool.poetry.dependencies]
            python = "^3.11"
            Flask = "^3.0"
            gunicorn = {version = "~23.0", extras = ["gevent"]}
            redis = "5.0.1"
            requests = "*"
            celery = ">=5.3,<6.0"
            numpy = [
              {version = "<2", python = "<3.12"},
              {version = ">=2", python = ">=3.12"},
            ]
            core = {git = "https://example.org/core.git", tag = "v1.4.0"}
            lib = {path = "../lib", develop = true}
            whl = {url = "https://example.org/whl-2.1-py3-none-any.whl"}
            pywin32 = {version = "*", platform = "win32"}

            [tool.poetry.dev-dependencies]
            black = "^24"

            [tool.poetry.group.test.dependencies]
            pytest = "^8"

            [tool.poetry.group.ml.dependencies]
            torch = "2.4.0"
            """
        },
    )
    assert rows(found) == [
        ("flask", "^3.0", "pyproject.toml:3"),
        ("gunicorn", "~23.0", "pyproject.toml:4"),
        ("gevent", "", "pyproject.toml:4"),
        ("redis", "5.0.1", "pyproject.toml:5"),
        ("requests", "", "pyproject.toml:6"),
        ("celery", ">=5.3,<6.0", "pyproject.toml:7"),
        ("numpy", "<2", "pyproject.toml:8"),
        ("numpy", ">=2", "pyproject.toml:8"),
        ("core", "", "pyproject.toml:12"),
        ("lib", "", "pyproject.toml:13"),
        ("whl", "", "pyproject.toml:14"),
        ("black", "^24", "pyproject.toml:18"),
        ("pytest", "^8", "pyproject.toml:21"),
        ("torch", "2.4.0", "pyproject.toml:24"),
    ]
    pins = {one.name: one.pinned for one in found.all if one.pinned}
    assert pins == {"redis": "5.0.1", "core": "1.4.0", "whl": "2.1", "torch": "2.4.0"}
    assert not found.names & {"black", "pytest"}
    assert found.problems == ()


def test_pdms_uvs_and_ryes_development_dependencies_are_read(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "pyproject.toml": """\
            [tool.pdm.dev-dependencies]
            extra = ["pandas", "-e file:///${PROJECT_ROOT}/core#egg=core"]
            [tool.uv]
            dev-dependencies = ["ruff"]
            [tool.rye]
            dev-dependencies = ["mypy"]
            """
        },
    )
    assert [(one.name, one.line, one.dev) for one in found.all] == [
        ("pandas", 2, True),
        ("core", 2, True),
        ("ruff", 4, True),
        ("mypy", 6, True),
    ]


def test_files_that_setuptools_takes_dependencies_from_are_read(tmp_path: Path) -> None:
    dynamic = "[tool.setuptools.dynamic]\ndependencies = {file = %s}\n"
    one = declare(tmp_path, {"pyproject.toml": dynamic % '["deps.list"]', "deps.list": "flask\n"})
    assert rows(one) == [("flask", "", "deps.list:1")]
    assert declare(tmp_path, {"pyproject.toml": dynamic % '"deps.list"'}).names == {"flask"}


@pytest.mark.parametrize(
    "text",
    [
        "project = 1",
        "[project]\ndependencies = 'flask'",
        "[project]\ndependencies = {a = 1}\noptional-dependencies = [1]",
        "[dependency-groups]\na = 1\nb = [1, 2.5, [], true]",
        "[tool]\npoetry = []",
        "[tool.poetry]\ndependencies = 3\ngroup = {a = 1}",
        "[tool.pdm]\ndev-dependencies = []\n[tool.uv]\ndev-dependencies = 1",
        "[tool.setuptools.dynamic]\ndependencies = 1",
    ],
)
def test_tables_of_another_shape_declare_nothing(tmp_path: Path, text: str) -> None:
    assert declare(tmp_path, {"pyproject.toml": text}) == Dependencies()


def test_a_line_of_many_pins_is_read(tmp_path: Path) -> None:
    pins = ", ".join(f'"lib{number}==1.{number}.0"' for number in range(150))
    found = declare(tmp_path, {"pyproject.toml": f"[project]\ndependencies = [{pins}]\n"})
    assert len(found.all) == 150
    assert found.problems == ()


def test_entries_of_pyproject_that_are_none_are_counted(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "pyproject.toml": """\
            [project]
            dependencies = ["flask 3", "redis"]
            [tool.poetry.dependencies]
            celery = 5
            "two words" = "1"
            kombu = ">>1"
            """
        },
    )
    assert found.names == {"redis"}
    assert found.problems == ("pyproject.toml: 4 entries not understood, the first at line 2",)


def test_setup_cfg_is_read(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "setup.cfg": """\
            [metadata]
            name = shop
            requires = nothing

            [options]
            packages = find:
            install_requires =
                flask>=2
                # a comment
                ; another
                gunicorn[gevent]==23.0.0; sys_platform != "win32"

            tests_require = pytest; hypothesis
            [options.extras_require]
            redis: redis>=5
            dev =
                black
            """
        },
    )
    assert [(one.name, one.line, one.dev) for one in found.all] == [
        ("flask", 8, False),
        ("gunicorn", 11, False),
        ("gevent", 11, False),
        ("pytest", 13, True),
        ("hypothesis", 13, True),
        ("redis", 15, False),
        ("black", 17, True),
    ]
    assert found.problems == ()


def test_setup_cfg_keeps_a_marker_on_one_line(tmp_path: Path) -> None:
    text = "[options]\ninstall-requires = tomli>=2; python_version < '3.11'\n"
    assert specifiers(declare(tmp_path, {"setup.cfg": text})) == {"tomli": ">=2"}


def test_setup_cfg_may_name_a_file(tmp_path: Path) -> None:
    text = "[options]\ninstall_requires = file: deps.list, more.list\n"
    found = declare(tmp_path, {"setup.cfg": text, "deps.list": "flask", "more.list": "redis"})
    assert found.names == {"flask", "redis"}


def test_setup_cfg_without_sections_declares_nothing(tmp_path: Path) -> None:
    assert (
        declare(tmp_path, {"setup.cfg": "  indented\nkey = value\n\n[]\n = x\n"}) == Dependencies()
    )


def test_setup_py_is_read_without_running_it(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "setup.py": f"""\
            import setuptools
            open({str(tmp_path / "ran")!r}, "w")
            BASE: list[str] = ["flask>=2", "gunicorn[gevent]"]
            CACHE = OTHER = ("redis",)
            EXTRAS = {{"ml": ["torch"], "test": ["pytest"]}}
            version = "1"
            setuptools.setup(
                name="shop",
                install_requires=BASE + list(unknown) + [
                    "celery==5.3.0",
                    f"core=={{version}}",
                    *CACHE,
                    3,
                ],
                extras_require=EXTRAS,
                tests_require=("hypothesis",),
                **more,
            )
            """
        },
    )
    assert [(one.name, one.line, one.dev) for one in found.all] == [
        ("flask", 3, False),
        ("gunicorn", 3, False),
        ("gevent", 3, False),
        ("redis", 4, False),
        ("torch", 5, False),
        ("pytest", 5, True),
        ("celery", 10, False),
        ("hypothesis", 16, True),
    ]
    assert not (tmp_path / "ran").exists()


def test_setup_py_may_write_its_requirements_as_one_string(tmp_path: Path) -> None:
    text = 'from setuptools import setup\nsetup(install_requires="""\n  flask\n\n  redis>=5\n""")\n'
    assert rows(declare(tmp_path, {"setup.py": text})) == [
        ("flask", "", "setup.py:3"),
        ("redis", ">=5", "setup.py:5"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "setup(install_requires=read('requirements.txt'), extras_require=read())",
        "setup(extras_require=EXTRAS)\nsetup()()\nx[0]()\nsetup(install_requires=GONE)",
        "a = a + b\nb = a + a\nsetup(install_requires=a)",
        "x: int\nx.y = 1\nsetup(extras_require={**base, 1: []})",
        "print('\\d' is 1)",
    ],
)
def test_what_setup_py_does_not_write_out_is_passed_over(tmp_path: Path, text: str) -> None:
    assert declare(tmp_path, {"setup.py": text}) == Dependencies()


def test_pipfile_is_read(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "Pipfile": """\
            [[source]]
            url = "https://pypi.org/simple"

            [packages]
            gunicorn = "==23.0.0"
            flask = {version = "*", extras = ["async"]}
            core = {git = "https://example.org/core.git", ref = "1.2.0"}
            pywin32 = {version = "*", sys_platform = "== 'win32'"}

            [dev-packages]
            pytest = "*"

            [requires]
            python_version = "3.11"
            """
        },
    )
    assert [(one.name, one.specifier, one.line, one.dev) for one in found.all] == [
        ("gunicorn", "==23.0.0", 5, False),
        ("flask", "", 6, False),
        ("asgiref", "", 6, False),
        ("core", "", 7, False),
        ("pytest", "", 11, True),
    ]
    assert next(one.pinned for one in found.all if one.name == "core") == "1.2.0"


def test_conda_environments_are_read(tmp_path: Path) -> None:
    found = declare(
        tmp_path,
        {
            "environment.yml": """\
            name: shop
            channels:
              - conda-forge
            dependencies:
              - python=3.11
              - conda-forge::gunicorn=23.0.0=pyh1234_0
              - "flask>=3,<4"   # the web
              - numpy 2.0.*
              - scipy=1.13
              - redis-py 5.0.1
              - pytorch
              - _libgcc_mutex=0.1=main
              - pip:
                  - requests==2.31.0
                  - -r more.list

                  - uvicorn[standard]
              - django ==5.0.0 py311_0
            prefix: /opt/conda
            other:
              - pandas
            """,
            "more.list": "celery\n",
        },
    )
    assert (
        rows(found)[:-1]
        == [
            ("gunicorn", "==23.0.0", "environment.yml:6"),
            ("flask", ">=3,<4", "environment.yml:7"),
            ("numpy", "==2.0.*", "environment.yml:8"),
            ("scipy", "==1.13.*", "environment.yml:9"),
            ("redis-py", "==5.0.1", "environment.yml:10"),
            ("torch", "", "environment.yml:11"),
            ("requests", "==2.31.0", "environment.yml:14"),
            ("uvicorn", "", "environment.yml:17"),
            ("httptools", "", "environment.yml:17"),
            ("uvloop", "", "environment.yml:17"),
            ("websockets", "", "environment.yml:17"),
            ("django", "", "environment.yml:18"),
            ("celery", "", "more.list:1"),
        ][:-1]
    )
    assert found.problems == ()


def test_conda_lists_may_stand_at_the_margin(tmp_path: Path) -> None:
    text = "dependencies:\n- flask\n- pip:\n  - redis\n- celery\n-\nchannels:\n- defaults\n"
    assert names(declare(tmp_path, {"environment.yml": text})) == ["flask", "redis", "celery"]


def test_other_yaml_declares_nothing(tmp_path: Path) -> None:
    text = "dependencies:\n  - name: postgresql\n    version: 1\nservices: [a]\n"
    assert declare(tmp_path, {"environment.yaml": text}) == Dependencies()
