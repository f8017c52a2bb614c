"""No config file, however hostile, runs, hangs, breaks or fills the reader."""

from __future__ import annotations

import ast
import json
import os
import string
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import census
from confs import NAMES, PLACE, read
from gunitune.conf import worlds
from gunitune.conf.imports import Project
from gunitune.conf.machine import Machine
from gunitune.conf.model import Conf, Defined
from gunitune.conf.names import names_read
from gunitune.conf.syntax import parsed
from gunitune.conf.text import decode
from gunitune.model import Unknown
from programs import programs

CORPUS = Path(__file__).parent / "fixtures" / "confs"
RELAXED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def steps(data: bytes) -> int:
    """The work that a file takes, in steps; 0 for one that is not carried out."""
    text = decode(data)
    tree = parsed(text) if isinstance(text, str) else text
    if not isinstance(tree, ast.Module) or names_read(tree) is None:
        return 0
    project = Project(PLACE.parent, str(PLACE.parent))
    return worlds.Exploration(tree, Machine(64, 8), NAMES, str(PLACE), project).steps


def sound(conf: Conf) -> None:
    """Check that what was read can be shown: small plain values at places in the text."""
    lines = conf.lines
    every = [*conf.settings.values(), *conf.others.values(), *conf.assignments]
    every += [each for world in conf.worlds for each in world.settings.values()]
    for each in every:
        for span in (each.span, each.statement, each.expression or each.span):
            assert span.line >= 1
            assert span.column >= 1
            assert (span.line, span.column) <= (span.end_line, span.end_column)
            assert span.end_line <= len(lines)
            assert span.end_column <= len(lines[span.end_line - 1]) + 1
        assert all(
            each.split(":")[0] in {"env", "cpu", "affinity", "file"} for each in each.depends_on
        )
        assert isinstance(each.value, (Unknown, Defined)) or len(repr(each.value)) < 2_000_000
        json.dumps(each.value, default=str, skipkeys=True)
    for world in conf.worlds:
        assert world.settings.keys() <= NAMES
        assert world.condition.startswith(("if ", "unless "))
    for fault in conf.faults:
        assert fault.message
        assert 1 <= fault.span.line <= len(lines)
        assert fault.span.column >= 1


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.stem)
def test_a_file_of_the_corpus_is_read_within_bounds(path: Path) -> None:
    data = path.read_bytes()
    sound(read(data))
    assert steps(data) <= worlds.MAX_STEPS + 2 * worlds.MAX_RUN_STEPS


def reads(count: int) -> list[str]:
    return [f"os.getenv('A{number}')" for number in range(count)]


def generated(kind: str) -> str:
    environment = "import os\n"
    return {
        "variables": environment
        + "".join(f"if os.getenv('A{n}'): workers = {n}\n" for n in range(900)),
        "files": environment
        + "".join(f"if os.path.exists('A{n}'): workers = {n}\n" for n in range(900)),
        "ternaries": environment
        + "".join(f"workers = 1 if os.getenv('A{n}') else 2\n" for n in range(900)),
        "tries": "try:\n  x = f()\nexcept E:\n  workers = 3\n" * 300,
        "elif": environment
        + "if 0: pass\n"
        + "".join(f"elif os.getenv('A') == '{n}': workers = {n}\n" for n in range(60)),
        "one test": environment + f"if {' and '.join(reads(900))}: workers = 1\n",
        "large list": f"x = {[0] * 9_000}\n" + "for i in range(9999):\n  y = x + [1]\n" * 20,
        "compared list": f"x = {[0] * 9_000}\n" + "for i in range(9999):\n  y = x == x\n" * 20,
        "long text": f"s = {'a' * 9_999!r}\n"
        + "for i in range(9999):\n  y = s.find('b'), s.upper(), s.replace('a', 'b')\n" * 20,
        "large dict": f"x = { ({n: n for n in range(4_000)}) }\n" + "y = dict(x)\n" * 2_000,
        "sorting": "x = list(range(9999))\n" + "y = sorted(x, key=lambda a: -a)\n" * 100,
        "depth of ifs": "\n".join(f"{' ' * n}if f():" for n in range(90))
        + f"\n{' ' * 95}workers = 3\n",
        "names": "".join(f"x{n} = 1\n" for n in range(6_000)),
        "a long line": "bind = '" + "é" * 90_000 + "';" + "workers = 1;" * 3_000,
        "deep attributes": "workers = a" + ".b" * 900,
        "deep calls": "workers = " + "f(" * 90 + ")" * 90,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["variables", "files", "ternaries", "tries", "elif", "one test", "large list", "compared list",
     "long text", "large dict", "sorting", "depth of ifs", "names", "a long line",
     "deep attributes", "deep calls"],
)  # fmt: skip
def test_a_file_of_very_much_is_read_within_bounds(kind: str) -> None:
    data = generated(kind).encode()
    sound(read(data))
    assert steps(data) <= worlds.MAX_STEPS + 2 * worlds.MAX_RUN_STEPS


def test_nothing_that_a_file_says_is_carried_out(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    attempts = [
        "open({0!r}, 'w').write('x')",
        "__import__('os').system('touch ' + {0!r})",
        "exec(\"open({0!r}, 'w')\")",
        "eval(\"open({0!r}, 'w')\")",
        "import os; os.mkdir({0!r})",
        "import subprocess; subprocess.run(['touch', {0!r}])",
        "from pathlib import Path; Path({0!r}).write_text('x')",
        "from pathlib import Path; Path({0!r}).touch()",
        "().__class__.__base__.__subclasses__()",
        "(lambda: open({0!r}, 'w'))()",
        "class C:\n    open({0!r}, 'w')",
        "f'{{open({0!r}, chr(119))}}'",
        "'{{0.__init__.__globals__}}'.format(open)",
        "import importlib; importlib.import_module('antigravity')",
        "getattr(__import__('os'), 'system')('touch ' + {0!r})",
        "map(print, [open({0!r}, 'w')]); list(map(open, [{0!r}], 'w'))",
        "sorted([{0!r}], key=open)",
        "import os; os.environ['GUNITUNE_PROBE'] = '1'",
    ]
    for attempt in attempts:
        sound(read(attempt.format(str(trace)) + "\n"))
        sound(read(f"workers = ({attempt.format(str(trace))})\n"))
    assert not trace.exists()
    assert "GUNITUNE_PROBE" not in os.environ


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED)
@given(st.binary(max_size=300))
def test_no_bytes_are_too_much(data: bytes) -> None:
    sound(read(data))


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED)
@given(st.text(alphabet=string.printable + "é\u2028\ufeff\x1c", max_size=200))
def test_no_text_is_too_much(text: str) -> None:
    sound(read(text))


@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED)
@given(programs)
def test_every_program_is_read_within_its_steps(text: str) -> None:
    sound(read(text))
    assert steps(text.encode()) <= worlds.MAX_STEPS + worlds.MAX_RUN_STEPS


WORDS = [
    "workers",
    "=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "\n",
    "\n  ",
    "if",
    "else",
    "for",
    "in",
    "while",
    "try",
    "except",
    "def",
    "lambda",
    "import",
    "os",
    ".environ",
    "*",
    "**",
    "'",
    '"',
    "9",
    "not",
    "and",
    "with",
    "as",
    "class",
    "del",
    "global",
    "return",
    "f'{x}'",
    "%",
    "match",
    "case",
    "_",
    "\t",
    "\0",
    "\r",
    "\\",
    "é",
    "yield",
    "await",
    "async",
    ":=",
    "@",
    "...",
    "None",
    "True",
]


@settings(max_examples=250, deadline=None, suppress_health_check=RELAXED)
@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(WORDS), st.integers(0, 4)), max_size=6),
)
def test_a_config_that_is_cut_about_is_read_or_at_fault(
    seed: int, cuts: list[tuple[float, str, int]]
) -> None:
    text = census.config(Random(seed)).text
    for where, word, length in cuts:
        at = int(where * len(text))
        text = text[:at] + word + text[at + length * 5 :]
    sound(read(text))
