"""What Gunicorn's validators of peers and addresses take, and what they make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gunitune.catalog.refusal import Refused, refused, short
from gunitune.catalog.texts import comma_strings, string

if TYPE_CHECKING:
    from collections.abc import Callable

    Address = tuple[str, int] | str | int

_USUAL = frozenset({"*", "127.0.0.1", "::1"})


def addresses(value: Any) -> tuple[str, ...]:
    """As `validate_string_to_addr_list` of Gunicorn 23.0 and 24.0: no networks."""
    return _peers(value, _address)


def loose_networks(value: Any) -> tuple[str, ...]:
    """As `validate_string_to_addr_list` of Gunicorn 24.1.0, which cuts off bits of a host."""
    return _peers(value, lambda text: _network(text, strict=False))


def networks(value: Any) -> tuple[str, ...]:
    """As `validate_string_to_addr_list` from Gunicorn 24.1.1 on."""
    return _peers(value, lambda text: _network(text, strict=True))


def _peers(value: Any, check: Callable[[str], object]) -> tuple[str, ...]:
    found = comma_strings(value)
    for text in found:
        if text not in _USUAL:
            check(text)
    return found


def _address(text: str) -> None:
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        error = "does not appear to be an IPv4 or IPv6 address"
        raise refused("an IP address", text, error) from None


def _network(text: str, *, strict: bool) -> None:
    from ipaddress import ip_network

    try:
        ip_network(text, strict=strict)
    except ValueError as error:
        host = "has host bits set"
        told = host if host in str(error) else "does not appear to be an IPv4 or IPv6 network"
        raise refused("an IP address or network", text, told) from None


def hostport(value: Any) -> tuple[str, int] | None:
    """As `validate_hostport`, before Gunicorn 21."""
    text = string(value)
    if text is None:
        return None
    host, colon, port = text.partition(":")
    if not colon or ":" in port:
        raise refused("host:port", value, "Value must consist of: hostname:port")
    try:
        return host, int(port)
    except ValueError as error:
        raise refused("host:port", value, str(error).partition(":")[0]) from None


def statsd_address(value: Any) -> Address | None:
    """As `validate_statsd_address`: host and port, the path of a socket, or a descriptor."""
    text = string(value)
    if text is None:
        return None
    if re.fullmatch(r"unix:\d+\n?", text):
        return "unix", int(text[5:])
    try:
        return parse_address(text, "8125")
    except Refused:
        error = "Value must be one of ('host:port', 'unix://PATH')"
        raise refused("host:port or unix://PATH", value, error) from None


def parse_address(text: str, default_port: str = "8000") -> Address:
    """As `gunicorn.util.parse_address` from Gunicorn 20 on. Raises Refused."""
    if text.startswith("unix:"):
        return re.split("unix:(//)?", text)[-1]
    if text.startswith("fd://"):
        return _number(text[5:], "file descriptor")
    text = text.split("tcp://")[1] if text.startswith("tcp://") else text
    host, port = text, default_port
    if "[" in text and "]" in text:
        host = text.split("]")[0][1:]
        port = [*text.split("]:"), default_port][1]
    elif ":" in text:
        host, port = [*text.split(":"), default_port][:2]
    elif not text:
        host = "0.0.0.0"  # noqa: S104  (what Gunicorn takes an empty address for)
    return host.lower(), _number(port, "port number")


def _number(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refused(f"{short(text)} is not a valid {what}") from None


NETWORK: dict[str, Callable[[Any], Any]] = {
    "addresses": addresses,
    "hostport": hostport,
    "loose_networks": loose_networks,
    "networks": networks,
    "statsd_address": statsd_address,
}
