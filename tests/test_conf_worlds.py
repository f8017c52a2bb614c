"""What a config file would set if the conditions that it leaves open went the other way."""

from __future__ import annotations

from typing import Any

import pytest

from confs import read, values, worlds

OPEN: list[tuple[str, dict[str, Any]]] = [
    (
        "if os.environ.get('DEBUG'):\n  workers = 1\nelse:\n  workers = 4",
        {"if DEBUG is set": {"workers": 1}},
    ),
    ("if 'DEBUG' in os.environ: reload = True", {"if DEBUG is set": {"reload": True}}),
    ("debug = os.getenv('D')\nif debug: reload = True", {"if debug (set by D)": {"reload": True}}),
    ("if not os.getenv('D'): workers = 1\nelse: workers = 2", {"if D is set": {"workers": 2}}),
    (
        "if os.getenv('D') is None: workers = 1\nelse: workers = 2",
        {"if os.getenv('D') is not None": {"workers": 2}},
    ),
    (
        "workers = 8 if os.getenv('ENV') == 'prod' else 2",
        {"if os.getenv('ENV') == 'prod'": {"workers": 8}},
    ),
    (
        (
            "ENV = os.getenv('ENV', 'dev')\nif ENV == 'prod':\n  workers = 8\n"
            "elif ENV in ('stage', 'test'):\n  workers = 4\nelse:\n  workers = 1\n"
            "bind = ENV + ':80'"
        ),
        {
            "if ENV == 'prod'": {"workers": 8, "bind": "prod:80"},
            "if ENV in ('stage', 'test')": {"workers": 4, "bind": "stage:80"},
        },
    ),
    (
        "if os.getenv('ENV', 'dev') != 'dev': workers = 3",
        {"if os.getenv('ENV', 'dev') != 'dev'": {"workers": 3}},
    ),
    (
        "if os.getenv('A'):\n  workers = 1\n  if os.getenv('B'):\n    workers = 2",
        {"if A is set": {"workers": 1}, "if A is set and if B is set": {"workers": 2}},
    ),
    (
        "if os.getenv('P'):\n  bind = 'x:' + os.environ['P']\n  workers = 2",
        {"if P is set": {"bind": "? set by environment variable P", "workers": 2}},
    ),
    (
        "if os.path.exists('/x'):\n  workers = 1\nelse:\n  workers = 2",
        {"if os.path.exists('/x')": {"workers": 1}, "unless os.path.exists('/x')": {"workers": 2}},
    ),
    (
        "if os.environ['M'] == 'a':\n  workers = 1\nelse:\n  workers = 2",
        {
            "if os.environ['M'] == 'a'": {"workers": 1},
            "unless os.environ['M'] == 'a'": {"workers": 2},
        },
    ),
    (
        "try:\n  import uvloop\n  workers = 1\nexcept ImportError:\n  workers = 2",
        {"if 'import uvloop' fails": {"workers": 2}},
    ),
    (
        "try:\n  host = os.environ['H']\n  workers = 1\nexcept KeyError:\n  workers = 2",
        {"if H is set": {"workers": 1}},
    ),
    (
        "try:\n  x = open('/x').read()\n  workers = 1\nexcept OSError:\n  workers = 2",
        {
            "unless \"x = open('/x').read()\" fails": {"workers": 1},
            "if \"x = open('/x').read()\" fails": {"workers": 2},
        },
    ),
    (
        (
            "match os.getenv('ENV', 'dev'):\n  case 'prod': workers = 8\n"
            "  case 'dev' | 'test': workers = 1\n  case _: workers = 2"
        ),
        {
            "if os.getenv('ENV', 'dev') == 'prod'": {"workers": 8},
            "unless os.getenv('ENV', 'dev') in ('dev', 'test')": {"workers": 2},
        },
    ),
    (
        "def f():\n  if os.getenv('A'): return 1\n  return 2\nworkers = f()",
        {"if A is set": {"workers": 1}},
    ),
    (
        "if os.path.exists('/a'): workers = 1\nif os.path.exists('/b'): threads = 2",
        {"if os.path.exists('/a')": {"workers": 1}, "if os.path.exists('/b')": {"threads": 2}},
    ),
    (
        "if os.path.exists('/a'): workers = 1\nif os.path.exists('/b'): workers = 2",
        {
            "if os.path.exists('/a') and unless os.path.exists('/b')": {"workers": 1},
            "unless os.path.exists('/a') and if os.path.exists('/b')": {"workers": 2},
        },
    ),
    (
        "if os.getenv('A'): workers = 1\nif os.getenv('A'): threads = 1",
        {"if A is set": {"workers": 1, "threads": 1}},
    ),
    # nothing else is known there, or nothing else is set
    ("workers = os.environ.get('W') or 4", {}),
    ("workers = int(os.environ.get('W', 4))", {}),
    ("if os.getenv('A'): workers = int(os.environ['A'])\nelse: workers = 3", {}),
    ("if os.getenv('A'): workers = 3\nelse: workers = 3", {}),
    ("if os.cpu_count() > 4: workers = 3\nelse: workers = 4", {}),
    ("if os.getenv('A'): x = 3", {}),
    ("if os.getenv('A'): raise ValueError", {}),
    ("try:\n  workers = int('4')\nexcept ValueError:\n  workers = 3", {}),
    ("try:\n  import multiprocessing\n  workers = 4\nexcept ImportError:\n  workers = 3", {}),
]


@pytest.mark.parametrize(("text", "expected"), OPEN)
def test_each_side_of_an_open_condition_is_a_world(text: str, expected: dict[str, Any]) -> None:
    assert worlds(f"import os\n{text}\n") == expected


def test_a_world_says_which_variables_it_hangs_on() -> None:
    (world,) = read("import os\nif os.getenv('A') and os.getenv('B'): workers = 1\n").worlds
    assert world.settings["workers"].depends_on == ("env:A", "env:B")
    assert world.depends_on == ("env:A",)  # what is asked for with the environment as it is
    assert world.settings["workers"].span.line == 2


def test_the_environment_that_is_given_chooses_the_side_that_holds() -> None:
    text = "import os\nif os.getenv('ENV') == 'prod':\n    workers = 8\nelse:\n    workers = 1\n"
    assert values(text) == {"workers": 1}
    assert values(text, {"ENV": "prod"}) == {"workers": 8}
    assert worlds(text, {"ENV": "prod"}) == {"unless os.getenv('ENV') == 'prod'": {"workers": 1}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if not os.getenv('S'):\n  raise RuntimeError('no S')\nworkers = 3", {"workers": 3}),
        ("if 'S' not in os.environ:\n  exit('S is not set')\nworkers = 3", {"workers": 3}),
        ("if os.getenv('S') is None: raise KeyError\nbind = os.environ['S']",
         {"bind": "? set by environment variable S"}),
        (("def need(n):\n  if not os.getenv(n): raise KeyError(n)\n"
"  return os.environ[n]\nworkers = int(need('W'))"),
         {"workers": "? set by environment variable W"}),
    ],
)  # fmt: skip
def test_a_variable_that_a_file_insists_on_is_taken_to_be_set(
    text: str, expected: dict[str, Any]
) -> None:
    assert values(f"import os\n{text}\n") == expected


@pytest.mark.parametrize(
    "body", ["workers = 1\nelse:\n  workers = 1", "threads = 1\nworkers = 1", "pass\nworkers = 1"]
)
def test_what_both_sides_agree_on_is_known(body: str) -> None:
    assert values(f"import os\nif os.path.exists('/x'):\n  {body}\n")["workers"] == 1


def test_two_conditions_that_can_not_be_told_leave_what_hangs_on_both_unknown() -> None:
    text = (
        "import os\na = b = 0\nif os.path.exists('/a'):\n  a = 1\n"
        "if os.path.exists('/b'):\n  b = 1\nworkers = 4 if a and b else 2\n"
        "threads = 3\n"
    )
    found = values(text)
    assert found["workers"].startswith("? depends on os.path.exists('/a')")
    assert found["threads"] == 3


def test_an_open_condition_below_a_variable_does_not_touch_the_primary_world() -> None:
    text = (
        "import os\nworkers = 4\nif os.getenv('DEBUG'):\n  if os.path.exists('/x'):\n"
        "    workers = 1\n  else:\n    workers = 2\n"
    )
    assert values(text) == {"workers": 4}
    assert worlds(text) == {
        "if DEBUG is set and if os.path.exists('/x')": {"workers": 1},
        "if DEBUG is set and unless os.path.exists('/x')": {"workers": 2},
    }


def test_many_conditions_are_bounded_and_what_is_not_explored_is_unknown() -> None:
    text = "import os\n" + "".join(
        f"if os.path.exists('/{n}'):\n  threads = {n}\n" for n in range(300)
    )
    assert values(text + "workers = 3\n")["threads"].startswith("? depends on")
    many = "".join(f"if os.getenv('A{n}'):\n  workers = {n}\n" for n in range(300))
    assert 5 < len(read(f"import os\n{many}").worlds) <= 24


def test_a_text_made_up_for_a_world_is_never_shown() -> None:
    text = (
        "import os\nENV = os.getenv('ENV', 'dev')\nif ENV == 'dev':\n  workers = 1\n"
        "else:\n  workers = 2\nbind = ENV.upper() + ':80'\n"
        "threads = int(ENV) if ENV != 'dev' else 1\n"
    )
    (world,) = read(text).worlds
    assert world.condition == "unless ENV == 'dev'"
    told = {name: str(each.value) for name, each in world.settings.items()}
    assert told["workers"] == "2"
    assert "\ufdd0" not in str(told)
    assert "raises" not in str(told)


def test_a_long_condition_is_shortened() -> None:
    test = " and ".join(f"os.path.exists('/some/path/{n}')" for n in range(20))
    for condition in worlds(f"import os\nif {test}:\n  workers = 1\n"):
        assert len(condition) < 80
        assert condition.endswith("...")
