"""How much memory processes take: shared pages by share (PSS), own pages (USS), resident (RSS)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.model import KIB, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

SUMMED_PSS = "PSS in /proc/PID/smaps_rollup, summed over the tree"
SUMMED_OWN = "resident less shared in /proc/PID/statm, summed: smaps_rollup can't be read"
_ROLLUP = re.compile(r"^(\w+):\s+(\d+) kB", re.MULTILINE)
_PRIVATE = ("Private_Clean", "Private_Dirty", "Private_Hugetlb")


@dataclass(frozen=True, slots=True)
class Memory:
    """One process's memory. Private is what ending it would give back; shared the rest of RSS."""

    pss_bytes: int
    private_bytes: int
    shared_bytes: int
    rss_bytes: int


def memory_of(pid: int) -> Memory | Unknown:
    """Memory of one process by proc_pid_smaps(5); 0.4 to 8 ms, more with more memory."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError as error:
        return Unknown(f"the memory of process {pid} can't be read: {error.strerror}")
    sizes = {name: int(size) * KIB for name, size in _ROLLUP.findall(rollup)}
    private = sum(sizes.get(name, 0) for name in _PRIVATE)
    return Memory(sizes["Pss"], private, sizes["Rss"] - private, sizes["Rss"])


def tree_memory(pids: Sequence[int]) -> tuple[int | Unknown, str]:
    """Bytes that the processes take together, every page once, and how that was read.

    Where the kernel does not tell the shares, memory shared among them is left out.
    """
    known, hidden = [], []
    for pid in pids:
        memory = memory_of(pid)
        if isinstance(memory, Memory):
            known.append(memory)
        elif resident_bytes([pid]):  # it is there, but its pages are not shown to us
            hidden.append(pid)
    if known and not hidden:
        return sum(each.pss_bytes for each in known), SUMMED_PSS
    own = [resident - shared for resident, shared in map(_statm, pids) if resident]
    if own:
        return sum(own), SUMMED_OWN
    return Unknown("no process of the server is left whose memory can be read"), ""


def resident_bytes(pids: Sequence[int]) -> int:
    """Resident memory summed over the processes, shared pages counted in each; 0 for the gone."""
    return sum(resident for resident, _ in map(_statm, pids))


def _statm(pid: int) -> tuple[int, int]:
    """Resident and shared bytes."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0, 0
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    return int(fields[1]) * page_bytes, int(fields[2]) * page_bytes
