"""Libraries that read and cast environment variables give what they would give."""

from __future__ import annotations

from typing import Any

import pytest

from confs import depends, values

START = """import environ, environs
from decouple import config
from environs import Env
from starlette.config import Config
flat = Env()
flat.read_env()
django = environ.Env(DEBUG=(bool, False), N=(int, 3), ODD=(str,), BAD=(parse, 1))
star = Config(".env")
"""


@pytest.mark.parametrize(
    ("expression", "environ", "expected"),
    [
        ("config('W', default=4)", {}, 4),
        ("config('W', default='4', cast=int)", {}, 4),
        ("config('W', '4', int)", {}, 4),
        ("config('W', default='4', cast=lambda text: int(text) + 1)", {}, 5),
        ("config('W', cast=int)", {"W": "7"}, 7),
        ("config('W')", {}, "? set by environment variable W"),
        ("config('W', default='no', cast=bool)", {}, False),
        ("config('W', default=True, cast=bool)", {}, True),
        ("config('W', default='', cast=bool)", {}, False),
        (
            "config('W', cast=bool)",
            {"W": "maybe"},
            "? raises ValueError: invalid truth value 'maybe'",
        ),
        ("config('W', default=open('x'), cast=int)", {}, "? read from a file"),
        ("config('W', default=1, cast=Csv())", {}, "? raises NameError: name 'Csv' is not defined"),
        ("flat.int('W', 4)", {}, 4),
        ("flat.int('W', default=None)", {}, None),
        ("flat.int('W')", {"W": "7"}, 7),
        ("flat.float('W', 1.5)", {"W": "2.5"}, 2.5),
        ("flat.bool('W', False)", {"W": "ON"}, True),
        ("flat.bool('W', False)", {"W": "nope"}, False),
        ("flat.str('W')", {}, "? set by environment variable W"),
        ("flat('W', 'x')", {}, "x"),
        ("flat.list('W', ['a'])", {}, ["a"]),
        ("flat.list('W', ['a'])", {"W": "a,b"}, "? cast by a library"),
        ("flat.int('W', '4')", {}, "? cast by the library that reads W"),
        ("flat.url('W')", {}, "? calls environs's url, which is not run"),
        ("django('DEBUG')", {}, False),
        ("django('N')", {}, 3),
        ("django('N', default=5)", {}, 5),
        ("django('N')", {"N": "9"}, 9),
        ("django('ODD')", {}, "? set by environment variable ODD"),
        ("django('BAD')", {}, "? cast by the library that reads BAD"),
        ("django.int('W', default=2)", {}, 2),
        ("star('W', cast=int, default=4)", {}, 4),
        ("star('W', int, 4)", {"W": "5"}, 5),
        ("star('W', default='x')", {}, "x"),
    ],
)
def test_a_variable_is_cast_as_the_library_does(
    expression: str, environ: dict[str, str], expected: Any
) -> None:
    start = START.replace("BAD=(parse, 1)", "BAD=(list, 1)")
    found = values(f"{start}workers = {expression}\n", environ)["workers"]
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize("expression", ["config('W', default=4)", "flat.int('W', 4)", "flat('W')"])
def test_what_a_library_reads_is_depended_on(expression: str) -> None:
    text = START.replace(", BAD=(parse, 1)", "")
    assert depends(f"{text}workers = {expression}\n") == ("env:W",)
