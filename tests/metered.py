"""A tree of real processes that does as it is told, in cgroups or not: test support."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOBODY = 65534

# Runs each line of its stdin, and says so; the words that the lines may use.
_PROGRAM = """
import os, sys, threading, time

def spin(cpu_s):
    end = time.process_time() + cpu_s
    while time.process_time() < end:
        pass

def child(*work):
    pid = os.fork()
    if pid == 0:
        try:
            for each in work:
                each()
        finally:
            os._exit(0)
    return pid

def worker(*work):
    'A child that lives on after its work; returns when that is done.'
    done, tell = os.pipe()
    pid = child(*work, lambda: os.write(tell, b'x'), lambda: time.sleep(600))
    os.read(done, 1)
    return pid

for line in sys.stdin:
    answer = None
    exec(line)
    print(answer, flush=True)
"""


@dataclass
class Tree:
    """The running tree: the server of a meter. `deaths` is what the test says of its workers."""

    process: subprocess.Popen[str]
    cgroups: tuple[Path, ...] = ()
    deaths: int = field(default=0)

    def do(self, line: str) -> str:
        """Run the line in the first process: what it put into `answer`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"ended with code {self.process.wait()}"
        return answer.strip()

    def pids(self) -> list[int]:
        """Every live process, the first one first."""
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.process.pid)
            found = [first, *first.children(recursive=True)]
            return [each.pid for each in found if _alive(each)]
        return []

    def workers(self) -> list[int]:
        """The live children of the first."""
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children()
            return [each.pid for each in children if _alive(each)]
        return []

    def died(self) -> int:
        """As the test says."""
        return self.deaths

    def kill(self) -> None:
        """End the whole tree."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)


def _alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@contextmanager
def tree(groups: Sequence[Path] = ()) -> Iterator[Tree]:
    """The tree inside these groups, from its first answer until it is killed."""
    join = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 126; shift; done; shift; '
    python = [sys.executable, "-I", "-S", "-u", "-c", _PROGRAM]
    with subprocess.Popen(
        ["/bin/sh", "-c", join + 'exec "$@"', "join", *map(str, groups), "--", *python],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        running = Tree(process, tuple(groups))
        try:
            running.do("answer = os.getpid()")
            yield running
        finally:
            running.kill()


@contextmanager
def as_nobody() -> Iterator[None]:
    """This process with the rights of a plain user, where it has more."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)
