"""Runs a program of others to its end, and leaves no process behind."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunitune.errors import GunituneError

if TYPE_CHECKING:
    from collections.abc import Mapping

# It ends with the one that started it (PR_SET_PDEATHSIG is kept over exec), on the CPUs it was
# given. Between fork and exec Python may not run where other threads do, hence another process.
START = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
if sys.argv[2]:
    os.sched_setaffinity(0, map(int, sys.argv[2].split(",")))
os.execv(sys.argv[3], sys.argv[3:])
"""
# A tool must not be steered by what the user has set for other uses of it.
_OTHERS = re.compile(r"(K6|OHA|VEGETA)_")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a finished program printed and took; the CPU time with that of its start."""

    output: str
    complaint: str
    code: int
    cpu_s: float


def run(
    command: list[str],
    *,
    stdin: bytes = b"",
    cores: frozenset[int] = frozenset(),
    environ: Mapping[str, str] | None = None,
    timeout_s: float,
) -> Ran:
    """Run it; GunituneError where it takes longer than `timeout_s`. It is killed on any error."""
    import subprocess
    from resource import RUSAGE_CHILDREN, getrusage

    kept = {name: value for name, value in os.environ.items() if not _OTHERS.match(name)}
    numbers = ",".join(map(str, sorted(cores)))
    start = [sys.executable, "-I", "-S", "-c", START, str(os.getpid()), numbers]
    before = getrusage(RUSAGE_CHILDREN)
    with subprocess.Popen(  # noqa: S603  (what was found on PATH and is what it says)
        [*start, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**kept, **(environ or {})},
        process_group=0,
    ) as process:
        try:
            output, complaint = process.communicate(stdin, timeout_s)
        except subprocess.TimeoutExpired:
            raise GunituneError(f"{command[0]} did not end within {timeout_s:g} s") from None
        finally:
            process.kill()
    after = getrusage(RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(
        output.decode(errors="replace"),
        complaint.decode(errors="replace"),
        process.returncode,
        cpu_s,
    )
