"""Which environment Gunicorn is declared to start in: `--env-file` and `--env`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.errors import UsageError
from gunitune.model import MIB, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_QUOTED = re.compile(r"""(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?""")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def environment(file: str | None, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The variables of the file, then those of the pairs; raises UsageError naming the line."""
    found = dict(_lines(Path(file))) if file else {}
    return found | dict(pairs)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of a file of `NAME=VALUE` lines as Compose reads them."""
    from gunitune.project.files import read_bounded

    data = read_bounded(path, MIB)
    if isinstance(data, Unknown):
        raise UsageError(f"{path}: {data.reason}", "name a file of NAME=VALUE lines")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8", "name a file of NAME=VALUE lines") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or not name.strip() or len(name.split()) != 1 or "\0" in line:
            raise UsageError(f"{path}:{number}: no NAME=VALUE line", "mend it or leave it out")
        yield name.strip(), _value(value.strip())


def _value(text: str) -> str:
    """A value without its quotes, escapes in double ones resolved, and without a comment."""
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        return "" if text.startswith("#") else re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    if quoted[1] is not None:
        return quoted[1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), quoted[2])
