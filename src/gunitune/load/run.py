"""Loads a server on loopback for one window, and gives what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunitune.trial import Answered, Load

EXTERNAL = ("oha", "vegeta", "wrk", "k6")
GENERATORS = ("embedded", *EXTERNAL)
FILES_BESIDE = 64  # files that the generator has open besides its connections


def _nothing() -> None:
    """Nobody wants to know."""


def generate(  # noqa: PLR0913  (where, with what, and what to do meanwhile)
    load: Load,
    host: str,
    port: int,
    *,
    cores: frozenset[int] = frozenset(),
    on_start: Callable[[], object] = _nothing,
    on_end: Callable[[], object] = _nothing,
    generator: str = "embedded",
) -> Answered:
    """Load the server, kept to the CPUs `cores` (empty: any), and leave no process behind.

    `on_start` and `on_end` are called as the window begins and ends, for the server's meters.
    UsageError where the address is not loopback's or the generator can't do such a load;
    GunituneError where it is missing or fails.
    """
    address = loopback(host)
    if generator not in GENERATORS:
        check_generator(generator)
    if generator == "embedded":
        from gunitune.load import embedded

        check_files(load.concurrency)
        return embedded.generate(load, address, port, cores, on_start, on_end)
    from gunitune.load.external import onpath

    return onpath.generate(generator, load, address, port, cores, on_start, on_end)


def check_generator(generator: str) -> None:
    """UsageError where there is none of this name, or it is not on PATH."""
    if generator == "embedded":
        return
    if generator not in EXTERNAL:
        raise UsageError(f"{generator!r} is no load generator", f"one of {', '.join(GENERATORS)}")
    from gunitune.load.external.onpath import found, tool_of

    found(tool_of(generator))


def loopback(host: str) -> str:
    """The address, where it is one of loopback's; UsageError: nothing else is ever loaded."""
    from ipaddress import ip_address

    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        if ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise UsageError(f"{host!r} is not on loopback", "only servers on this machine are loaded")


def check_files(concurrency: int) -> None:
    """UsageError where this process may not open so many connections."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and concurrency > most - FILES_BESIDE:
        raise UsageError(
            f"{concurrency} connections are more than the {most} open files that are allowed here",
            "choose a lower --concurrency, or raise the hard limit (ulimit -Hn)",
        )
