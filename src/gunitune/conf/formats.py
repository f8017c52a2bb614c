"""Texts made with f-strings, `.format` and `%`, within bounds."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gunitune.bounds import MAX_ITEMS, EvaluationError, bounded
from gunitune.conf.values import SCALARS, Raised
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_WIDTH = 1_000
MAX_WRITTEN = 1_000_000
_NUMBER = re.compile(r"\d+")
_FIELD = re.compile(r"(\w*)((?:\[[^\]\[{}]*\])*)")
_INDEX = re.compile(r"\[([^\]]*)\]")


def writable(value: Any, *, inside: bool = False) -> Any:
    """Pass a value on whose text is the same wherever it is made; raises EvaluationError."""
    kind = value.__class__
    if kind in SCALARS or kind is bytes:
        if inside and kind is PurePosixPath:
            raise EvaluationError("the text of an object")
    elif kind is dict:
        for item in (*value, *value.values()):
            writable(item, inside=True)
    elif kind in {list, tuple} or (kind in {set, frozenset} and len(value) < 2):
        for item in value:
            writable(item, inside=True)
    else:
        raise EvaluationError("the text of an object")
    return value


def formatted(value: Any, spec: str = "", conversion: int = -1) -> str:
    """The text of `f"{value!conversion:spec}"`; raises ValueError, TypeError, EvaluationError."""
    bounded(value)
    if any(len(number) > 4 or int(number) > MAX_WIDTH for number in _NUMBER.findall(spec)):
        raise EvaluationError("a text out of bounds", f"{MAX_WIDTH} is the most of a width")
    writable(value, inside=conversion in {114, 97})
    if conversion == 114:
        value = repr(value)
    elif conversion == 97:
        value = ascii(value)
    elif conversion == 115:
        value = str(value)
    return format(value, spec)


def percent(template: str, values: Any) -> str:
    """The text of `template % values`; raises ValueError, TypeError, KeyError, EvaluationError."""
    given = values if isinstance(values, tuple) else (values,)
    for value in given:
        writable(value)
    if any(len(number) > 4 or int(number) > MAX_WIDTH for number in _NUMBER.findall(template)):
        # a number that is only text can be this large too: then the whole is given up
        raise EvaluationError("a text out of bounds", f"{MAX_WIDTH} is the most of a width")
    if "*" in template and any(isinstance(v, int) and abs(v) > MAX_WIDTH for v in given):
        raise EvaluationError("a text out of bounds", f"{MAX_WIDTH} is the most of a width")
    longest = max((len(str(each)) for each in _all(given)), default=1)
    if template.count("%") * longest > MAX_WRITTEN:
        raise EvaluationError("a text out of bounds", f"{MAX_ITEMS} characters are the most")
    return str(template % values)


def _all(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        yield from value.values() if isinstance(value, dict) else (value,)


def format_text(template: str, args: Sequence[Any], named: Mapping[str, Any]) -> str | Unknown:
    """The text of `template.format(*args, **named)`, `Unknown` with a value that is; raises too."""
    return _Format(args, named).text(template)


class _Format:
    def __init__(self, args: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.args = args
        self.named = named
        self.next = 0

    def text(self, template: str, depth: int = 2) -> str | Unknown:
        from string import Formatter

        if depth == 0:
            raise Raised(ValueError, "Max string recursion exceeded")
        written: list[str] = []
        left = MAX_ITEMS
        for literal, field, spec, conversion in Formatter().parse(template):
            found = "" if field is None else self._field(field, spec or "", conversion, depth)
            if isinstance(found, Unknown):
                return found
            written.append(literal + found)
            left -= len(written[-1])
            if left < 0:
                raise EvaluationError("a text out of bounds", f"{MAX_ITEMS} are the most")
        return "".join(written)

    def _field(self, field: str, spec: str, conversion: str | None, depth: int) -> str | Unknown:
        value = self._value(field)
        if "{" in spec:
            inner = self.text(spec, depth - 1)
            if isinstance(inner, Unknown):
                return inner
            spec = inner
        if isinstance(value, Unknown):
            return value
        if conversion not in {None, "r", "s", "a"}:
            raise Raised(ValueError, f"Unknown conversion specifier {conversion!r}")
        return formatted(value, spec, ord(conversion) if conversion else -1)

    def _value(self, field: str) -> Any:
        found = _FIELD.fullmatch(field)
        if not found:
            raise EvaluationError("a field of an object in a text")
        name = found[1]
        if name == "":
            if self.next < 0:
                raise Raised(ValueError, "cannot switch from manual field specification")
            name, self.next = str(self.next), self.next + 1
        elif name.isdecimal():
            if self.next > 0:
                raise Raised(ValueError, "cannot switch from automatic field numbering")
            self.next = -1
        value = self._argument(name)
        for index in _INDEX.findall(found[2]):
            if isinstance(value, Unknown):
                return value
            value = value[int(index) if index.isdecimal() else index]
        return value

    def _argument(self, name: str) -> Any:
        if not name.isdecimal():
            return self.named[name]
        if len(name) > 6 or int(name) >= len(self.args):
            raise Raised(IndexError, "Replacement index out of range for positional args tuple")
        return self.args[int(name)]
