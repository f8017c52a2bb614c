"""What a config file's bytes say as text, and where in the text a node stands."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from gunitune.conf.model import LINE_END, Fault, Span

if TYPE_CHECKING:
    import ast

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_NO_CODE = re.compile(rb"[ \t\f]*(?:#.*)?", re.ASCII)
# Others are no texts (zlib, base64), take long to decode (punycode) or hide what they say.
_READ = re.compile(
    r"utf_?8(?:_sig)?|u8|us_ascii|ascii|latin_?1|iso_?8859_\d+|iso_ir_\d+|l\d+|cp_?\d+"
    r"|windows_\d+|koi8_[rtu]|mac_?\w+|gb2312|gbk|gb18030|big5(?:hkscs)?|s(?:hift_?)?jis\w*|euc_\w+"
)
_DEFINES = re.compile(r"(?:async\s+)?(?:def|class)\s+")


def decode(data: bytes) -> str | Fault:
    """The text of a Python file as Python reads it (PEP 263), without a byte order mark."""
    if data.startswith(_WIDE):
        return Fault("encoding", "it is UTF-16, which Python does not read: save it as UTF-8")
    marked = data.startswith(_BOM)
    data = data.removeprefix(_BOM)
    encoding = "utf-8"
    if (found := _declared(data)) is not None:
        name, line = found
        if not _READ.fullmatch(re.sub(r"\W+", "_", name.lower())) or not _exists(name):
            return Fault("encoding", f"its encoding {name[:40]!r} is not known", _whole(line))
        if marked and not _is_utf8(name):
            message = f"it starts with a mark of UTF-8 and declares {name[:40]!r}"
            return Fault("encoding", message, _whole(line))
        encoding = name
    return _decoded(data, encoding)


def encoding_of(data: bytes) -> str:
    """The name of the codec that a text is to be written back with."""
    if data.startswith(_BOM):
        return "utf-8-sig"
    found = _declared(data)
    return found[0] if found else "utf-8"


def _decoded(data: bytes, encoding: str) -> str | Fault:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        message = f"byte 0x{data[error.start]:02X} is not {encoding}: save it as UTF-8"
        return Fault("encoding", message, _whole(_line_of(before)))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Fault("syntax", "it holds a null byte, which Python refuses", _whole(line))
    return text


def _declared(data: bytes) -> tuple[str, int] | None:
    """The encoding that one of the first two lines declares, and that line's number."""
    for number, line in enumerate(re.split(rb"\r\n|\r|\n", data[:2_000], maxsplit=2)[:2], start=1):
        if found := _COOKIE.match(line):
            return found[1].decode("ascii"), number
        if not _NO_CODE.fullmatch(line):
            break
    return None


def _exists(name: str) -> bool:
    import codecs

    try:
        return codecs.lookup(name) is not None
    except LookupError:
        return False


def _is_utf8(name: str) -> bool:
    return re.sub(r"\W+", "_", name.lower()) in {"utf_8", "utf8", "u8", "utf_8_sig"}


def _line_of(before: bytes) -> int:
    return len(re.findall(rb"\r\n|\r|\n", before)) + 1


def _whole(line: int) -> Span:
    return Span(line, 1, line, 1)


class Places:
    """Spans of nodes, in characters: what Python's parser counts is bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain = text.isascii()
        self._lines: list[str] | None = None
        self._offsets: dict[int, list[int]] = {}  # where each character of a line starts, in bytes

    def line(self, number: int) -> str:
        """One line of the text, without its end; "" past the last."""
        if self._lines is None:
            self._lines = LINE_END.split(self.text)
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def column(self, line: int, offset: int) -> int:
        """The column, from 1, of a byte offset in a line."""
        if self._plain:
            return offset + 1
        if line not in self._offsets:
            widths = (len(character.encode()) for character in self.line(line))
            self._offsets[line] = [0, *accumulate(widths)]
        return bisect_left(self._offsets[line], offset) + 1

    def of(self, node: ast.expr | ast.stmt | ast.alias) -> Span:
        """Where a node stands; a decorated function or class from its first decorator on."""
        line, offset = node.lineno, node.col_offset
        if decorators := getattr(node, "decorator_list", None):
            line = decorators[0].lineno
        end_line = node.end_lineno or line
        return Span(
            line,
            self.column(line, offset),
            end_line,
            self.column(end_line, node.end_col_offset or 0),
        )

    def name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Span:
        """Where the name of a function or class stands."""
        start = self.column(node.lineno, node.col_offset) - 1
        found = _DEFINES.match(self.line(node.lineno), start)
        column = (found.end() if found else start) + 1
        return Span(node.lineno, column, node.lineno, column + len(node.name))
