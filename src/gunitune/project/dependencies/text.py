"""Turns the bytes of a dependency file into text, whatever editor or shell wrote them."""

from __future__ import annotations

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def decode(data: bytes) -> str:
    r"""Text with `\n` line ends and without null bytes; what is not UTF-8 or UTF-16 is Latin-1."""
    text = _text(data).removeprefix("\ufeff").replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def one_line(text: str, limit: int = 200) -> str:
    """Spell any text on one printable line of at most `limit` characters."""
    line = " ".join(text[: 2 * limit].split())
    printable = line if line.isprintable() else line.encode("unicode_escape").decode("ascii")
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"


def _text(data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), _unmarked(data))
    try:
        return data.decode(encoding, "strict" if encoding == "utf-8" else "replace")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _unmarked(data: bytes) -> str:
    """UTF-16 without its mark shows as ASCII with every other byte null."""
    even, odd = data[:4096:2].count(0), data[1:4096:2].count(0)
    half = min(len(data), 4096) // 2
    if half and odd > half * 0.7 and even < half * 0.1:
        return "utf-16-le"
    if half and even > half * 0.7 and odd < half * 0.1:
        return "utf-16-be"
    return "utf-8"
