"""How texts that no encoding has, lone surrogates of file names, get into documents and URIs."""

from __future__ import annotations

from typing import Any


def valid(item: Any) -> Any:
    """A JSON value with each lone surrogate in it written out as an escape."""
    if isinstance(item, str):
        return item.encode("utf-8", "backslashreplace").decode()
    if isinstance(item, dict):
        return {valid(key): valid(entry) for key, entry in item.items()}
    if isinstance(item, (list, tuple)):
        return [valid(entry) for entry in item]
    return item


def uri(path: str) -> str:
    """A path as a URI reference: relative to the repository, or `file://` where it is absolute."""
    from urllib.parse import quote_from_bytes

    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "backslashreplace")
    quoted = quote_from_bytes(data, safe="/")
    return f"file://{quoted}" if path.startswith("/") else quoted
