"""What the statements of a config file leave."""

from __future__ import annotations

from typing import Any

import pytest

from confs import read, values
from gunitune.conf.model import Span
from gunitune.model import Unknown

LEFT: list[tuple[str, dict[str, Any]]] = [
    ("workers = threads = 2", {"workers": 2, "threads": 2}),
    ("workers: int = 3\nthreads: int", {"workers": 3}),
    ("workers = 1\nworkers += 2\nworkers *= 3", {"workers": 9}),
    ("workers, (threads, *umask) = 1, (2, 3, 4)", {"workers": 1, "threads": 2, "umask": [3, 4]}),
    ("[workers, *threads, umask] = 'abcd'", {"workers": "a", "threads": ["b", "c"], "umask": "d"}),
    ("workers = 1\ndel workers\nthreads = 2", {"threads": 2}),
    (
        "raw_env = []\nraw_env.append('A')\nraw_env += ['B']\nraw_env[0] = 'C'",
        {"raw_env": ["C", "B"]},
    ),
    ("raw_env = a = []\na += ['A']\na = a + ['B']", {"raw_env": ["A"]}),
    (
        (
            "d = {}\nd['x'] = 1\nd.update(y=2)\nd.setdefault('z', 3)\nd |= {'x': 4}\n"
            "raw_env = sorted(d)\ndel d['y']\nworkers = len(d) + d['x']"
        ),
        {"raw_env": ["x", "y", "z"], "workers": 6},
    ),
    ("for i in range(3):\n  workers = i\nelse:\n  threads = i", {"workers": 2, "threads": 2}),
    (
        (
            "for i in range(9):\n  if i == 2: continue\n  if i == 4: break\n  workers = i\n"
            "else:\n  threads = 1"
        ),
        {"workers": 3},
    ),
    (
        "i = 0\nwhile i < 5:\n  i += 1\nelse:\n  threads = 1\nworkers = i",
        {"workers": 5, "threads": 1},
    ),
    ("while True:\n  workers = 1\n  break", {"workers": 1}),
    ("for workers in [1, 2]: pass", {"workers": 2}),
    ("if 1 > 2:\n  workers = 1\nelif 2 > 1:\n  workers = 2\nelse:\n  workers = 3", {"workers": 2}),
    (
        (
            "match 3:\n  case 1 | 2:\n    workers = 1\n  case n if n > 5:\n"
            "    workers = 2\n  case n:\n    workers = n"
        ),
        {"workers": 3},
    ),
    ("match None:\n  case None:\n    workers = 1", {"workers": 1}),
    ("match [1]:\n  case [n]:\n    workers = n", {"workers": "? a match on what it holds"}),
    (
        (
            "try:\n  workers = int('x')\nexcept ValueError as error:\n  workers = 1\n"
            "else:\n  threads = 1\nfinally:\n  umask = 2"
        ),
        {"workers": 1, "umask": 2},
    ),
    (
        "try:\n  workers = 1\nexcept KeyError:\n  pass\nelse:\n  threads = 1",
        {"workers": 1, "threads": 1},
    ),
    (
        (
            "try:\n  try:\n    workers = {}['x']\n  except ValueError:\n    workers = 1\n"
            "  finally:\n    umask = 1\nexcept LookupError:\n  workers = 2"
        ),
        {"workers": 2, "umask": 1},
    ),
    ("try:\n  raise RuntimeError('x')\nexcept RuntimeError:\n  workers = 1", {"workers": 1}),
    ("class Odd(Exception): pass\ntry:\n  raise Odd\nexcept Odd:\n  workers = 1", {"workers": 1}),
    (
        (
            "import binascii\ntry:\n  raise binascii.Error('x')\n"
            "except (ValueError, Exception):\n  workers = 1"
        ),
        {"workers": 1},
    ),
    (
        (
            "from contextlib import suppress\nworkers = 1\nwith suppress(KeyError):\n"
            "  workers = {}['x']\n  threads = 1"
        ),
        {"workers": 1},
    ),
    ("with open('x') as workers: threads = 1", {"workers": "? read from a file", "threads": 1}),
    (
        (
            "def f(n):\n  if n > 2:\n    return 1\n  for i in range(5):\n"
            "    if i == n: return i + 10\nworkers = f(1)\nthreads = f(3)\numask = f(-1)"
        ),
        {"workers": 11, "threads": 1, "umask": None},
    ),
    ("def f():\n  global workers\n  workers = 4\nf()", {"workers": 4}),
    (
        (
            "def f():\n  n = 1\n  def g():\n    nonlocal n\n    n += 1\n    return n\n"
            "  g()\n  return g()\nworkers = f()"
        ),
        {"workers": 3},
    ),
    (
        ("def f(*a, k=1, **m):\n  return len(a) + k + len(m)\nworkers = f(1, 2, k=3, z=4)"),
        {"workers": 6},
    ),
    (
        "def f():\n  x = n + 1\n  n = 2\nn = 1\nworkers = f()",
        {"workers": "? raises UnboundLocalError: n is not set yet"},
    ),
    ("def f():\n  yield 1\nworkers = f()", {"workers": "? calls f, which is not run"}),
    (
        "from functools import lru_cache\n@lru_cache\ndef f(): return 3\nworkers = f()",
        {"workers": 3},
    ),
    (
        "def f(n): return f(n - 1) if n else 1\nworkers = f(5)\nthreads = f(500)",
        {"workers": 1, "threads": "? calls that are nested too deeply"},
    ),
    (
        "class C:\n  a = 2\n  b = a * 2\nworkers = C.b\nthreads = C().a",
        {"workers": 4, "threads": "? calls C, which is not run"},
    ),
    ("class C(Base):\n  a = 2\nworkers = C.a", {"workers": "? C.a can't be told"}),
    (
        "globals().update({'workers': 4}, threads=2)\nglobals()['umask'] = 1\nvars()['bind'] = 'x'",
        {"workers": 4, "threads": 2, "umask": 1, "bind": "x"},
    ),
    ("import sys\nsetattr(sys.modules[__name__], 'workers', 4)", {"workers": 4}),
    ("def f(g):\n  g['workers'] = 3\nf(globals())", {"workers": 3}),
    (
        (
            "import os\nos.environ['A'] = '7'\nos.environ.setdefault('B', '8')\n"
            "os.environ.update({'C': '9'})\nworkers = [int(os.environ[n]) for n in 'ABC']\n"
            "del os.environ['A']\nthreads = os.getenv('A', 1)"
        ),
        {"workers": [7, 8, 9], "threads": 1},
    ),
    (
        (
            "import os\nenv = os.environ.copy()\nenv['A'] = '1'\nworkers = env['A']\n"
            "threads = os.getenv('A')"
        ),
        {"workers": "1", "threads": None},
    ),
    (
        "x = [1]\nfor i in x:\n  x.append(i)\n  workers = i",
        {"workers": "? goes through what it changes"},
    ),
    ("for i in open('x'):\n  workers = i", {"workers": "? read from a file"}),
    (
        "import os\nraw_env = []\nfor i in os.listdir('.'):\n  raw_env.append(i)",
        {"raw_env": "? calls os.listdir, which is not run"},
    ),
    (
        "import random\nraw_env = ['a', 'b']\nrandom.shuffle(raw_env)",
        {"raw_env": "? may be changed by random.shuffle"},
    ),
    (
        "import logging.config as c\nlogconfig_dict = {'a': 1}\nc.dictConfig(logconfig_dict)",
        {"logconfig_dict": {"a": 1}},
    ),
    (
        "i = 0\nwhile i < 10 ** 6:\n  i += 1\n  workers = i\nthreads = 1",
        {"workers": "? a loop that takes too long", "threads": 1},
    ),
    ("async def f(): pass\nworkers = f()", {"workers": "? calls f, which is not run"}),
    ("workers = 3\nraise SystemExit\nthreads = 1", {"workers": 3}),
    ("import sys\nworkers = 3\nsys.exit(1)\nthreads = 1", {"workers": 3}),
    (
        "workers = 1\nif True:\n  workers = 1 / 0\n  threads = 2",
        {"workers": "? raises ZeroDivisionError: division by zero", "threads": 2},
    ),
]


@pytest.mark.parametrize(("text", "expected"), LEFT)
def test_statements_leave_what_python_would(text: str, expected: dict[str, Any]) -> None:
    assert values(text + "\n") == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("exec('workers = 4')", "exec"),
        ("from numpy import *", "takes all names of numpy"),
        ("import os\nfor k, v in os.environ.items():\n  locals()[k.lower()] = v", ""),
        ("import os\nfor k in os.listdir('.'):\n  globals()[k] = 1", "globals()"),
        ("from x import load\nglobals().update(load())", "globals().update()"),
        ("import helper\nhelper.fill(globals())", "hands its names to helper.fill"),
        (
            "import sys\nimport os\nsetattr(sys.modules[__name__], os.listdir('.')[0], 1)",
            "setattr()",
        ),
        ("globals()[name()] = 1\nfrom x import y", ""),
    ],
)
def test_names_that_can_not_be_seen_are_said_to_be(text: str, part: str) -> None:
    assert part in read(text + "\n").dynamic


@pytest.mark.parametrize("text", ["workers = 1", "globals()['workers'] = 1", "import os\nx = vars"])
def test_an_ordinary_config_is_not_dynamic(text: str) -> None:
    assert not read(text + "\n").dynamic


def test_every_assignment_of_a_setting_is_kept_in_order() -> None:
    conf = read(
        "workers = 1\nworkers = 2\nif True:\n    workers += 3\nother = 1\n"
        "for workers in [9]: pass\n"
    )
    kept = [(each.name, each.value, each.means, each.top_level) for each in conf.assignments]
    assert kept == [
        ("workers", 1, "assign", True),
        ("workers", 2, "assign", True),
        ("workers", 5, "augment", False),
        ("workers", 9, "loop", False),
    ]
    assert conf.settings["workers"] == conf.assignments[-1]


def test_other_names_are_kept_apart_and_say_how_they_come_about() -> None:
    conf = read(
        "import os as system\nfrom x import y\nclass C: pass\ndef f(): pass\n"
        "worker = 1\nwith open('x') as file: pass\nglobals()['g'] = 1\n"
        "for i in (): pass\n"
    )
    means = {name: each.means for name, each in conf.others.items()}
    assert means == {
        "system": "import",
        "y": "import",
        "C": "class",
        "f": "function",
        "worker": "assign",
        "file": "with",
        "g": "globals",
    }


def test_what_the_file_reads_is_known_wherever_it_reads_it() -> None:
    conf = read(
        "__all__ = ['listed']\nworker = 1\ndef f():\n    return used\nif False:\n"
        "    print(dead)\ndel gone\nglobals().get('asked')\n"
    )
    assert {"used", "dead", "gone", "listed", "asked", "print"} <= conf.reads
    assert "worker" not in conf.reads


@pytest.mark.parametrize(
    ("text", "name", "statement", "expression"),
    [
        ("workers = 4\n", (1, 1, 1, 8), (1, 1, 1, 12), (1, 11, 1, 12)),
        ("x = 'é'; workers = 4\n", (1, 10, 1, 17), (1, 10, 1, 21), (1, 20, 1, 21)),
        ("if True:\n\tworkers = (\n\t\t4)\n", (2, 2, 2, 9), (2, 2, 3, 5), (3, 3, 3, 4)),
        ("x = 1\r\nworkers = 4\r\n", (2, 1, 2, 8), (2, 1, 2, 12), (2, 11, 2, 12)),
        ("x = 1\rworkers = 4\r", (2, 1, 2, 8), (2, 1, 2, 12), (2, 11, 2, 12)),
        ("x = '''\u2028\x1c\x0b'''\nworkers = 4\n", (2, 1, 2, 8), (2, 1, 2, 12), (2, 11, 2, 12)),
        ("\x0cworkers = 4\n", (1, 2, 1, 9), (1, 2, 1, 13), (1, 12, 1, 13)),
        ("a, workers = 1, 4\n", (1, 4, 1, 11), (1, 1, 1, 18), (1, 17, 1, 18)),
        ("from os import cpu_count as workers\n", (1, 16, 1, 36), (1, 1, 1, 36), None),
        ("@a\n@b\ndef workers(): pass\n", (3, 5, 3, 12), (1, 1, 3, 20), None),
        ("async  def workers(): pass\n", (1, 12, 1, 19), (1, 1, 1, 27), None),
        ("class workers: pass\n", (1, 7, 1, 14), (1, 1, 1, 20), None),
        ("globals().update({'workers': 4})\n", (1, 19, 1, 28), (1, 1, 1, 33), (1, 30, 1, 31)),
        ("globals().update(workers=4)\n", (1, 18, 1, 27), (1, 1, 1, 28), (1, 26, 1, 27)),
        ("globals()['workers'] = 4\n", (1, 1, 1, 21), (1, 1, 1, 25), (1, 24, 1, 25)),
        ("(workers := 4)\n", (1, 2, 1, 9), (1, 2, 1, 14), (1, 13, 1, 14)),
        ("for workers in [1]: pass\n", (1, 5, 1, 12), (1, 1, 1, 25), (1, 16, 1, 19)),
    ],
)
def test_places_count_lines_as_python_does_and_columns_in_characters(
    text: str,
    name: tuple[int, int, int, int],
    statement: tuple[int, int, int, int],
    expression: tuple[int, int, int, int] | None,
) -> None:
    assigned = read(text).settings["workers"]
    assert assigned.span == Span(*name)
    assert assigned.statement == Span(*statement)
    assert assigned.expression == (Span(*expression) if expression else None)


def test_the_lines_of_a_conf_are_those_that_its_places_count() -> None:
    conf = read("x = '''\u2028\x1c'''\r\nworkers = 4\rthreads = 5\n")
    for name, assigned in conf.settings.items():
        line = conf.lines[assigned.span.line - 1]
        assert line[assigned.span.column - 1 : assigned.span.end_column - 1] == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\nworkers = 1\nif os.getenv('A'):\n    workers = 2\n", ("env:A",)),
        ("import os\nworkers = 1\nif os.getenv('A'):\n    threads = 2\n", ()),
        ("import os\nif not os.getenv('A'):\n    workers = 2\n", ("env:A",)),
        ("import os\nif os.cpu_count() > 4:\n    workers = 2\n", ("cpu",)),
        (("import os\ndef f():\n    if os.getenv('A'):\n        return 1\n    return 2\n"
"workers = f()\n"), ("env:A",)),
        ("import os\nx = os.getenv('A')\ny = x\nworkers = [y]\n", ("env:A",)),
        ("import os\nfor i in os.getenv('A', 'ab'):\n    workers = i\n", ("env:A",)),
        ("import os\nworkers = []\nworkers.append(os.getenv('A'))\n", ("env:A",)),
        ("import os\nworkers = []\nif not os.getenv('A'):\n    workers.append(1)\n", ("env:A",)),
        ("import os\nd = {'k': []}\nd['k'].append(os.getenv('A'))\nworkers = d['k']\n", ("env:A",)),
        (("import os\ntry:\n    workers = int(os.environ['A'])\nexcept KeyError:\n"
"    workers = 3\n"), ("env:A",)),
        ("import os\nos.environ['B'] = os.getenv('A', '')\nworkers = os.getenv('B')\n", ("env:A",)),
        ("import os\nmatch os.getenv('A'):\n    case None:\n        workers = 1\n", ("env:A",)),
        ("import os\nworkers = 1\nworkers += int(os.getenv('A', 2))\n", ("env:A",)),
        ("import os\nworkers, x = os.getenv('A'), 1\n", ("env:A",)),
        ("import os\nwhile os.getenv('A') is None:\n    workers = 1\n    break\n", ("env:A",)),
    ],
)  # fmt: skip
def test_what_a_setting_depends_on_goes_through_statements(
    text: str, expected: tuple[str, ...]
) -> None:
    assert read(text).settings["workers"].depends_on == expected


def test_a_file_that_leaves_no_name_sets_nothing() -> None:
    conf = read("")
    assert (conf.settings, conf.others, conf.assignments, conf.worlds) == ({}, {}, (), ())
    assert not conf.faults


def test_ignore_comments_come_with_the_conf() -> None:
    conf = read("workers = 1  # gunitune: ignore[GT203] it is small\n")
    assert [each.rules for each in conf.ignores] == [("GT203",)]


def test_a_name_that_may_be_set_is_unknown() -> None:
    found = values("import os\nif os.path.exists('/x'):\n    workers = 1\n")
    assert found == {"workers": "? depends on os.path.exists('/x'), which can't be told"}
    assert isinstance(read("x = y\n").others["x"].value, Unknown)
