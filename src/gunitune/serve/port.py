"""Which port on loopback is free, and which workers have begun to accept there."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
_LOWEST = 20_000
_USUAL_EPHEMERAL = 32_768
_LISTENING = "0A"
_ENTRY_INODE = 9


def free_port() -> int:
    """A free port, below those that the kernel hands out by itself: no client gets it meanwhile."""
    from secrets import randbelow

    ports = range(_LOWEST, max(_ephemeral(), _LOWEST + 1000))
    while True:
        port = ports[randbelow(len(ports))]
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port


def _ephemeral() -> int:
    """The first port that the kernel hands out by itself."""
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
        return int(text.split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_EPHEMERAL


def accepts(pid: int, port: int) -> bool:
    """Whether an event loop of the process waits for connections on the port.

    Read off its epoll descriptors, so True once it is sure or can't be told (no /proc of another
    user's, a loop without epoll).
    """
    try:
        sockets = {f"socket:[{inode}]" for inode in _listening(pid, port)}
        watched = _watched(Path("/proc", str(pid)))
    except OSError:
        return True
    return not (sockets and watched is not None) or bool(sockets & watched)


def _listening(pid: int, port: int) -> set[str]:
    """Inodes of the sockets that listen on the port, as the process sees the network."""
    text = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii")
    entries = (line.split() for line in text.splitlines()[1:])
    end = f":{port:04X}"
    return {
        entry[_ENTRY_INODE]
        for entry in entries
        if entry[1].endswith(end) and entry[3] == _LISTENING
    }


def _watched(process: Path) -> set[str] | None:
    """What the process waits for by epoll, as its files are linked; None without any epoll."""
    found: set[str] | None = None
    for entry in os.listdir(process / "fd"):  # noqa: PTH208  names are all that is needed
        with suppress(OSError):
            if (process / "fd" / entry).readlink().name == "anon_inode:[eventpoll]":
                found = (found or set()) | _targets(process, entry)
    return found


def _targets(process: Path, epoll: str) -> set[str]:
    text = (process / "fdinfo" / epoll).read_text(encoding="ascii")
    numbers = [line.split()[1] for line in text.splitlines() if line.startswith("tfd:")]
    links = set()
    for number in numbers:
        with suppress(OSError):
            links.add(str((process / "fd" / number).readlink()))
    return links
