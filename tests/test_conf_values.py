"""What expressions of a config file give."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from confs import depends, read, values
from gunitune.conf.model import Defined
from gunitune.model import Unknown

START = """import copy, json, logging, math, multiprocessing, os, pathlib, psutil, socket, ssl, sys
from distutils.util import strtobool
from multiprocessing import cpu_count
from os import environ, getenv as asked, path
from pathlib import Path
words = ["b", "a"]
table = {"x": 1, "y": {"z": [1, 2]}}
def double(number, times=2, *more, **named):
    return number * times
"""


def value(expression: str, environ: dict[str, str] | None = None, **more: Any) -> Any:
    return values(f"{START}workers = {expression}\n", environ, **more)["workers"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("4", 4),
        ("-1", -1),
        ("~5 & 7 | 1 ^ 2", ~5 & 7 | 1 ^ 2),
        ("1 << 4 >> 1", 8),
        ("2 ** -1", 0.5),
        ("cpu_count() * 2 + 1", 129),
        ("os.cpu_count()", 64),
        ("multiprocessing.cpu_count() // 2", 32),
        ("len(os.sched_getaffinity(0))", 8),
        ("os.process_cpu_count()", 8),
        ("psutil.cpu_count()", 64),
        ("len(psutil.Process().cpu_affinity())", 8),
        ('os.sysconf("SC_NPROCESSORS_ONLN")', 64),
        ('"0.0.0.0:%s" % os.getenv("PORT", 8000)', "0.0.0.0:8000"),
        ('"%(a)s-%(b)03d" % {"a": "x", "b": 7}', "x-007"),
        ('"{}:{}".format("h", 80)', "h:80"),
        ('"{0[x]}:{1!r}:{name:>4}".format(table, "q", name="n")', "1:'q':   n"),
        ('"{:{w}}|".format("a", w=3)', "a  |"),
        ("f\"{words[0]!s}:{3:>4}:{1.5:.2f}:{'w'!a}\"", "b:   3:1.50:'w'"),
        ('"a" in "cab" and not words == []', True),
        ("1 < 2 < 3", True),
        ("None is None", True),
        ("words is words", True),
        ("(1, *words, *(2,))", (1, "b", "a", 2)),
        ('{**table, "k": 1}["k"]', 1),
        ("{1, 2} | {3}", {1, 2, 3}),
        ("words + ['c']", ["b", "a", "c"]),
        ("words[::-1]", ["a", "b"]),
        ('table["y"]["z"][-1]', 2),
        ('table.get("q", 5)', 5),
        ('"q" in table', False),
        ("sorted(words)", ["a", "b"]),
        ("sorted(words, key=lambda w: -ord(w))", ["b", "a"]),
        ("max(words, key=len)", "b"),
        ("max([], default=3)", 3),
        ("min(cpu_count(), 4)", 4),
        ("sum(n for n in range(5) if n % 2)", 4),
        ("any([0, socket.gethostname(), 1])", True),
        ("all([])", True),
        ("[a + b for a in words for b in 'xy']", ["bx", "by", "ax", "ay"]),
        ("{k: v for k, v in zip(words, range(2))}", {"b": 0, "a": 1}),
        ("{n % 2 for n in range(5)}", {0, 1}),
        ("list(enumerate(words, 1))", [(1, "b"), (2, "a")]),
        ("list(map(str.upper, words))", "? calls str.upper, which is not run"),
        ("list(map(int, ['1']))", [1]),
        ("list(filter(None, [0, 1]))", [1]),
        ("list(filter(lambda n: n > 1, [0, 1, 2]))", [2]),
        ("list(reversed(words))", ["a", "b"]),
        ("','.join(sorted({'b', 'a'}))", "a,b"),
        ("round(2.567, 1)", 2.6),
        ("divmod(7, 2)", (3, 1)),
        ("int('0x1f', 16)", 31),
        ("bool('')", False),
        ("str(3) + repr('a') + hex(17)", "3'a'0x11"),
        ("isinstance(3, (int, str))", True),
        ("isinstance(Path('/a'), pathlib.Path)", True),
        ("math.ceil(1.2) + math.floor(1.8) + math.trunc(1.9)", 4),
        ("math.sqrt(16) + math.log2(8)", 7.0),
        ("logging.INFO", 20),
        ("ssl.CERT_NONE", 0),
        ("os.path.join('/a', 'b') + os.sep", "/a/b/"),
        ("path.dirname(__file__)", "/srv/app"),
        ("os.path.abspath(os.path.join(os.path.dirname(__file__), '..', 'log'))", "/srv/log"),
        ("Path(__file__).resolve().parent / 'x'", PurePosixPath("/srv/app/x")),
        ("str(Path('/a') / 'b.txt')", "/a/b.txt"),
        ("Path('/a/b.txt').parents[1].joinpath('c').as_posix()", "/c"),
        ("Path('/a/b.txt').stem + Path('/a/b.txt').suffix", "b.txt"),
        ("__name__", "__config__"),
        ("double(4)", 8),
        ("double(4, times=3)", 12),
        ("(lambda n, m=1: n + m)(2)", 3),
        ("(last := 5) + last", 10),
        ("1 if environ.get('X') else 2", 2),
        ("asked('X') or 3", 3),
        ("environ.pop('X', 4)", 4),
        ("'X' not in environ", True),
        ("strtobool('yes')", 1),
        ("copy.deepcopy(table)['y']", {"z": [1, 2]}),
        ("json.loads('{\"a\": 1}')['a']", 1),
        ("getattr(os, 'sched_getaffinity', None) is not None", True),
        ("hasattr(os, 'cpu_count')", True),
        ("getattr(words, 'nope', 3)", 3),
        ("b'ab'.decode('utf-8')", "ab"),
        ("(3).bit_length()", 2),
        ("globals()['words'][0]", "b"),
        ("globals().get('nope', 7)", 7),
        ("'words' in globals()", True),
        ("list(table.keys())", ["x", "y"]),
        ("' a,b '.strip().upper().split(',')", ["A", "B"]),
        ("'7'.zfill(3) + 'a'.ljust(3) + '|'", "007a  |"),
    ],
)
def test_an_expression_gives_its_value(expression: str, expected: Any) -> None:
    found = value(expression)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("os.environ['X']", "set by environment variable X"),
        ("int(os.environ.get('X'))", "set by environment variable X"),
        ("os.environ.get('X').lower()", "set by environment variable X"),
        ("int(os.environ['X']) + int(environ['Y'])", "set by environment variable X"),
        ("int('abc')", "raises ValueError: invalid literal for int() with base 10: 'abc'"),
        ("1 / 0", "raises ZeroDivisionError: division by zero"),
        ("nope + 1", "raises NameError: name 'nope' is not defined"),
        ("table['q']", "raises KeyError: 'q'"),
        ("words[9]", "raises IndexError: list index out of range"),
        ("None.lower()", "raises AttributeError: 'NoneType' object has no attribute 'lower'"),
        ("double()", "raises TypeError: missing required argument: 'number'"),
        ("socket.gethostname()", "calls socket.gethostname, which is not run"),
        ("open('/etc/x').read()", "read from a file"),
        ("os.path.exists('/x')", "asks the file system, by os.path.exists"),
        ("Path('/x').exists()", "asks the file system: exists of a path"),
        ("psutil.cpu_count(logical=False)", "the physical cores of the target are not known"),
        ("os.path.abspath('x')", "depends on the folder that Gunicorn is started in"),
        ("os.path.expanduser('~/x')", "depends on the user it runs as"),
        ("','.join({'a', 'b'})", "the order of a set, which is not fixed"),
        ("list({1, 2})", "the order of a set, which is not fixed"),
        ("sys.argv[1]", "imported from sys, which is outside the project"),
        ("'%9999999d' % 1", "a text out of bounds: 1000 is the most of a width"),
        ("f'{1:>9999999}'", "a text out of bounds: 1000 is the most of a width"),
        ("'{0.__class__}'.format(1)", "a field of an object in a text"),
        ("str(double)", "the text of an object"),
        ("f'{os}'", "the text of an object"),
        ("...", "..."),
        ("(n for n in words)", "an iterator"),
        ("table.items()", "an iterator"),
        ("1000 is 1000", "whether two values are one object"),
        ("eval('4')", "calls eval(), which is not run"),
    ],
)
def test_what_can_not_be_told_says_why(expression: str, reason: str) -> None:
    assert value(expression) == f"? {reason}"


@pytest.mark.parametrize(
    "expression",
    [
        "9 ** 9 ** 9", "2 ** 999", "'a' * 10 ** 9", "[0] * 10 ** 9", "10 ** 9 * (1,)",
        "list(range(10 ** 9))", "range(10 ** 30)", "1 << 10 ** 9", "'a'.ljust(10 ** 9)",
        "'a'.zfill(10 ** 9)", "('a' * 9000).replace('a', 'b' * 9000)", "('a' * 9000).join('b' * 99)",
        "'\\t'.expandtabs(10 ** 9)", "'{:{}}'.format(1, 10 ** 9)", "'%*d' % (10 ** 9, 1)",
        "'%.99999f' % 1.0", "('{0}' * 3000).format('x' * 9000)", "('%s' * 900) % (('x' * 99,) * 900)",
        "round(1, -10 ** 9)", "pow(9, 9 ** 9)", "pow(3, 10 ** 9, 7)", "1e308 * 10", "1j",
        "[i for i in range(9999) for j in range(9999)]", "sum(1 for i in range(999) for j in range(999))",
        "(lambda f: f(f))(lambda f: f(f))", "json.loads('[' * 5000)", "'x'.encode('punycode')",
        "0x" + "f" * 5000, "'" + "a" * 20_000 + "'", "[" + "1, " * 11_000 + "]", "sum([[1]], [])",
        "{i: i for i in range(9999) for j in range(9)}", "(" + "[" * 60 + "]" * 60 + ")",
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_unknown(expression: str) -> None:
    assert isinstance(read(f"{START}workers = {expression}\n").settings["workers"].value, Unknown)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("4", ()),
        ("cpu_count()", ("cpu",)),
        ("len(os.sched_getaffinity(0))", ("affinity",)),
        ("os.environ.get('A', os.cpu_count())", ("cpu", "env:A")),
        ("f\"{os.getenv('A')}\"", ("env:A",)),
        ("os.path.dirname(__file__)", ("file",)),
        ("os.environ['A']", ("env:A",)),
        ("int(os.environ['A'])", ("env:A",)),
        ("3 if 'A' in os.environ else 4", ("env:A",)),
        ("double(int(asked('A', 1)))", ("env:A",)),
        ("[os.environ.get(n, '1') for n in ('A', 'B')]", ("env:A", "env:B")),
        ("(lambda: cpu_count())()", ("cpu",)),
        ("sorted([1], key=lambda n: int(os.getenv('A', 1)))", ("env:A",)),
    ],
)
def test_a_value_keeps_what_it_depends_on(expression: str, expected: tuple[str, ...]) -> None:
    assert depends(f"{START}workers = {expression}\n") == expected


def test_a_machine_that_is_not_declared_makes_counts_unknown() -> None:
    lost = Unknown("nobody said")
    text = f"{START}workers = cpu_count() * 2\nthreads = len(os.sched_getaffinity(0))\n"
    assert values(text, cores=lost, affinity=lost) == {
        "workers": "? nobody said",
        "threads": "? nobody said",
    }


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("def post_fork(server, worker): pass", Defined("function", "post_fork", 2, 2)),
        ("def post_fork(server, worker=None, *a): pass", Defined("function", "post_fork", 1, None)),
        ("post_fork = lambda s, w: None", Defined("lambda", "", 2, 2)),
        ("class post_fork: pass", Defined("class", "post_fork")),
        ("import post_fork", Defined("object", "post_fork")),
        ("@wrapped\ndef post_fork(): pass", Defined("function", "post_fork")),
        ("from os import cpu_count as post_fork", Defined("object", "os.cpu_count")),
        ("post_fork = max", Defined("object", "max")),
    ],
)
def test_what_is_no_plain_value_is_said_to_be_defined(definition: str, expected: Defined) -> None:
    assert values(definition + "\n")["post_fork"] == expected


def test_objects_inside_a_dict_are_defined_too() -> None:
    text = "class F: pass\nlogconfig_dict = {'formatters': {'f': {'()': F}}}\n"
    found = values(text)["logconfig_dict"]
    assert found == {"formatters": {"f": {"()": Defined("class", "F")}}}


def test_one_item_that_can_not_be_told_makes_a_setting_unknown_and_no_other_item() -> None:
    text = (
        "import os\ntable = {'a': os.environ['A'], 'b': 2}\nworkers = table['b']\n"
        "raw_env = ['X', os.environ.get('A')]\nthreads = len([os.path.exists('/x')])\n"
    )
    found = values(text)
    assert (found["workers"], found["threads"]) == ("? set by environment variable A", 1)
    assert found["raw_env"] == ["X", None]
    text = (
        "import os\ntable = {'a': os.path.isfile('/a'), 'b': 2}\nworkers = table['b']\n"
        "raw_env = table\n"
    )
    assert values(text) == {"workers": 2, "raw_env": "? asks the file system, by os.path.isfile"}
