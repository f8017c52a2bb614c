"""Which addresses Gunicorn can't listen on, whatever the machine."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from gunitune.catalog.network import parse_address
from gunitune.catalog.refusal import Refused
from gunitune.checks.look import Hit
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.checks.look import Look

MAX_UNIX_PATH_BYTES = 107  # of Linux's sockaddr_un, its end not counted
_EVERYWHERE = frozenset(("", "0.0.0.0"))  # noqa: S104  (what is listened on is what is asked)
_LOOPBACK = frozenset(("127.0.0.1", "localhost"))
_GIVE_PORT = ("heroku", "cloud-run")  # platforms that always set PORT

_SHAPES = (
    (re.compile("/"), "a path needs unix: before it"),
    (re.compile("(?!unix:).*[$]"), "Python replaces no $: read the variable with os.environ"),
    (re.compile("(?!unix:|fd:|tcp:).*://"), "it is an address, not a URL: write host:port"),
    (re.compile("(?!unix:).*,"), "several addresses are a list, not one string with commas"),
)


def invalid_bind(look: Look) -> Iterator[Hit]:
    """Addresses that Gunicorn can't parse, or that no machine can listen on."""
    for text in _addresses(look):
        fault = fault_of(text)
        if fault and not _lacks_port(look, text):
            yield _hit(look, {"address": text, "fault": fault})


def port_unset(look: Look) -> Iterator[Hit]:
    """Addresses with the port None, for want of an environment variable."""
    if _variables(look) == ["PORT"] and look.scope.peek("host.platform") in _GIVE_PORT:
        return
    for text in _addresses(look):
        if _lacks_port(look, text):
            variables = ", ".join(_variables(look))
            yield _hit(look, {"address": text, "variable": variables})


def duplicate_bind(look: Look) -> Iterator[Hit]:
    """Two TCP addresses of which the second is in use by the first."""
    if look.scope["conf.reuse_port"] is not False:
        return
    for one, two in combinations(_addresses(look), 2):
        if _collide(one, two):
            yield _hit(look, {"address": two, "first": one})
            return


def fault_of(text: str) -> str:
    """Why nothing can listen on an address; "" where something may, or where that can't be told."""
    if fault := next((fault for shape, fault in _SHAPES if shape.match(text)), ""):
        return fault
    try:
        address = parse_address(text)
    except Refused as error:
        return str(error)
    if isinstance(address, int):
        return ""
    return _unix_fault(address) if isinstance(address, str) else _tcp_fault(*address)


def _unix_fault(path: str) -> str:
    if not path:
        return "the path is missing"
    long = len(path.encode(errors="replace")) > MAX_UNIX_PATH_BYTES
    return f"a socket's path has {MAX_UNIX_PATH_BYTES} bytes at most" if long else ""


def _tcp_fault(host: str, port: int) -> str:
    if not 0 <= port <= 65535:
        return "a port is 0 to 65535"
    if host == "*":
        return "* is not a host: leave the host out for every interface"
    if re.search(r"\s", host):
        return "there is a space in the host"
    if host.isdigit() and int(host) > 0:
        return f"that is a host without a port: write :{host}"
    if re.fullmatch(r"\d+(\.\d+){3,}", host) and not _is_ipv4(host):
        return f"{host} is not an IP address"
    return ""


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(int(part) < 256 for part in parts)


def _addresses(look: Look) -> tuple[str, ...]:
    """The addresses as Gunicorn holds them; none where they are unknown."""
    found = look.scope["conf.bind"]
    if "bind" not in look.settings or isinstance(found, Unknown):
        return ()
    return tuple(each for each in found if isinstance(each, str))


def _lacks_port(look: Look, text: str) -> bool:
    return text.endswith(":None") and bool(_variables(look))


def _variables(look: Look) -> list[str]:
    found = look.settings["bind"].depends_on if "bind" in look.settings else ()
    return sorted(each.removeprefix("env:") for each in found if each.startswith("env:"))


def _collide(one: str, two: str) -> bool:
    try:
        first, second = parse_address(one), parse_address(two)
    except Refused:
        return False
    if not isinstance(first, tuple) or not isinstance(second, tuple):
        return False
    (host, port), (other, other_port) = first, second
    if port != other_port or port == 0 or ":" in host + other:
        return first == second and port != 0
    everywhere = bool({host, other} & _EVERYWHERE)
    return host == other or everywhere or {host, other} <= _LOOPBACK


def _hit(look: Look, facts: dict[str, object]) -> Hit:
    return Hit(look.settings["bind"].span, "bind", facts)
