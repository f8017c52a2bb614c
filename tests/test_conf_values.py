"""What expressions of a config file give."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from confs import depends, read, values
from gunitune.conf.model import Defined
from gunitune.model import Unknown

START = """import copy, joblib, json, logging, math, multiprocessing, os, pathlib
import psutil, socket, ssl, sys
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
        ("isinstance(double, int)", "? the type of an object"),
        ("isinstance(open('x'), int)", "? read from a file"),
        ("set(words) == set({'a', 'b'})", True),
        ("dict([('a', 1)], b=2)", {"a": 1, "b": 2}),
        ("dict(os.environ)['A']", "? set by environment variable A"),
        ("str()", ""),
        ("format(3.14159, '.2f')", "3.14"),
        ("bool(os)", True),
        ("bool(sys.flags)", "? imported from sys, which is outside the project"),
        ("len(os.environ)", "? the length of an object"),
        ("len(3)", "? raises TypeError: object of type 'int' has no len()"),
        ("len(open('x'))", "? read from a file"),
        ("pow(2, 3)", 8),
        ("getattr(os, 'nope', 3)", "? os.nope may be missing"),
        ("getattr(os, words)", "? an attribute that can't be told"),
        ("hasattr(words, 'nope')", False),
        ("hasattr(os, 'nope')", "? imported from os, which is outside the project"),
        ("max({3, 1}, key=abs)", "? the order of a set, which is not fixed"),
        ("max({3, 1})", 3),
        ("max(open('x'))", "? read from a file"),
        ("sorted({3, 1}, reverse=True)", [3, 1]),
        ("sorted({3, 1}, key=abs)", "? the order of a set, which is not fixed"),
        ("sorted(words, nope=1)", "? raises TypeError: an argument that sorted() does not take"),
        ("sorted(open('x'))", "? read from a file"),
        ("sum({1, 2}, 3)", 6),
        ("sum(open('x'))", "? read from a file"),
        ("any({0, 1})", True),
        ("any(open('x'))", "? read from a file"),
        ("any([0, socket.gethostname()])", "? calls socket.gethostname, which is not run"),
        ("list(reversed({1}))", "? raises TypeError: 'set' object is not reversible"),
        ("list(reversed(open('x')))", "? read from a file"),
        ("list(enumerate(open('x')))", "? read from a file"),
        ("list(zip(words, open('x')))", "? read from a file"),
        (
            "list(zip(words, [1], strict=True))",
            "? raises ValueError: zip() argument 2 is shorter than argument 1",
        ),
        (
            "list(filter(lambda w: os.path.exists(w), words))",
            "? asks the file system, by os.path.exists",
        ),
        ("list(filter(None, open('x')))", "? read from a file"),
        ("list(map(open, words))", "? read from a file"),
        ("set(open('x'))", "? read from a file"),
        ("list(words, words)", "? raises TypeError: expected at most 1 argument"),
        ("[w for w in open('x')]", "? read from a file"),
        ("[w for w in words if os.path.exists(w)]", "? asks the file system, by os.path.exists"),
        ("[a for a, *b in ['xy', 'z']]", ["x", "z"]),
        ("{k: v for k, v in open('x')}", "? read from a file"),
        ("{w for w in open('x')}", "? read from a file"),
        ("'{} {0}'.format(1)", "? raises ValueError: cannot switch from automatic field numbering"),
        (
            "'{0} {}'.format(1)",
            "? raises ValueError: cannot switch from manual field specification",
        ),
        (
            "'{3}'.format(1)",
            "? raises IndexError: Replacement index out of range for positional args tuple",
        ),
        ("'{:{:{}}}'.format(1, 2, 3)", "? raises ValueError: Max string recursion exceeded"),
        ("'{!z}'.format(1)", "? raises ValueError: Unknown conversion specifier 'z'"),
        ("'{}'.format(open('x'))", "? read from a file"),
        ("'{:{}}'.format(1, open('x'))", "? read from a file"),
        ("'{a[b][c]}'.format(a={'b': open('x')})", "? read from a file"),
        ("'{a}'.format_map({'a': 1})", "1"),
        ("'{a}'.format_map(open('x'))", "? read from a file"),
        ("'%s' % open('x')", "? read from a file"),
        ("b'%s' % b'a'", "? formatting of bytes"),
        ("b'a'.decode('punycode')", "? a text in another encoding"),
        ("','.join(open('x'))", "? read from a file"),
        ("','.join()", "? raises TypeError: str.join() takes exactly one argument"),
        ("{}.get(open('x'))", "? read from a file"),
        ("[w for w in words].sort(key=len)", None),
        ("Path('/a').nope", "? a path's nope"),
        ("words.__class__", "? the attribute __class__ of a value"),
        ("words.nope", "? raises AttributeError: 'list' object has no attribute 'nope'"),
        ("double.nope", "? the attribute nope of an object"),
        ("'a'.upper.nope", "? the attribute nope of an object"),
        ("(3)(4)", "? raises TypeError: 'int' object is not callable"),
        ("'a'.upper()()", "? raises TypeError: 'str' object is not callable"),
        ("(lambda *a, **k: (a, k))(1, *words, x=2, **{'y': 3})", ((1, "b", "a"), {"x": 2, "y": 3})),
        ("double(*open('x'))", "? read from a file"),
        ("double(**open('x'))", "? read from a file"),
        (
            "double(1, 2, number=3)",
            "? raises TypeError: got an unexpected keyword argument, or one twice",
        ),
        ("(lambda: 1)(2)", "? raises TypeError: takes 0 positional arguments"),
        ("{**open('x')}", "? read from a file"),
        ("{open('x'): 1}", "? read from a file"),
        ("[*open('x')]", "? read from a file"),
        ("{}[open('x')]", "? read from a file"),
        ("words[open('x'):]", "? read from a file"),
        ("os[0]", "? an item of os"),
        ("globals()['nope']", "? raises KeyError: 'nope'"),
        ("list(globals())", "? goes through the names of a module"),
        ("globals() == 1", "? uses a whole namespace"),
        ("os.environ == {}", "? uses a whole namespace"),
        ("list(os.environ)", []),
        ("os.environ[open('x')]", "? reads an environment variable whose name can't be told"),
        ("os.environ.pop('X')", "? set by environment variable X"),
        ("(n for n in words) + [1]", "? an operator on an iterator"),
        ("(n for n in words) == 1", "? a comparison of an iterator"),
        ("len(n for n in words)", "? raises TypeError: object of type 'iterator' has no len()"),
        ("'a' in (n for n in words)", True),
        ("{} | {'a': 1}", {"a": 1}),
        ("1 << 300", "? a number out of bounds: 256 bits are the most"),
        ("open('x') ** 2", "? read from a file"),
        (
            "'a' ** 2",
            "? raises TypeError: unsupported operand type(s) for ** or pow(): 'str' and 'int'",
        ),
        ("not [open('x')]", False),
        ("os.sysconf('SC_PAGE_SIZE')", "? asks the system, by os.sysconf"),
        ("os.path.expanduser('/x')", "/x"),
        (
            "joblib.cpu_count()",
            "? a count of CPUs that heeds quotas, which gunitune does not work out",
        ),
        ("math.log(8, 2)", 3.0),
        ("strtobool('maybe')", "? raises ValueError: invalid truth value 'maybe'"),
        ("__doc__", "? __doc__ can't be told"),
        ("(yield)", "? an expression of a kind that is not worked out"),
        ("max(words, key=str.nope)", "? calls str.nope, which is not run"),
        ("globals().setdefault('fresh', 3)", 3),
        ("globals().pop('words')[0]", "b"),
        ("globals().get(words)", "? a name that can't be told"),
        ("round(2.5)", 2),
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
        ("(1, 2) is not (1, 2)", "whether two values are one object"),
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
        "'a'.zfill(10 ** 9)", "('a' * 9000).replace('a', 'b' * 9000)", "('a' * 999).join('b' * 99)",
        "'\\t'.expandtabs(10 ** 9)", "'{:{}}'.format(1, 10 ** 9)", "'%*d' % (10 ** 9, 1)",
        "'%.99999f' % 1", "('{0}' * 3000).format('x' * 9000)", "('%s' * 99) % (('x' * 999,) * 99)",
        "round(1, -10 ** 9)", "pow(9, 9 ** 9)", "pow(3, 10 ** 9, 7)", "1e308 * 10", "1j",
        "[i for i in range(9999) for j in range(9999)]",
        "sum(1 for i in range(9**4) for j in range(9))",
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
