"""Where every block is written as it ends, so that a study outlives whoever ran it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from gunitune.errors import GunituneError
from gunitune.trial import Block, Choice
from gunitune.tune.asked import digest
from gunitune.tune.codec import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = "gunitune/study/1"
OWNER_ONLY = 0o600
# Of the subject: short, and nothing that anybody keeps to himself.
TOLD = ("app", "folder", "python", "gunicorn", "classes", "objective", "generator")


class StudyError(GunituneError):
    """A study that can't be read, is another's, or is in use."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A choice that did not start, or did not answer as expected."""

    choice: Choice
    phase: str
    round: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what ended, when (in seconds since the study began), and how long it took.

    A block that was read has no requests of its own: `requests` is the digest of those it had.
    """

    at: float
    took: float
    what: Block | Failure
    requests: str = ""

    @property
    def digest(self) -> str:
        """Of the block's requests; "" for a failure."""
        if self.requests or isinstance(self.what, Failure):
            return self.requests
        return digest(self.what.load.requests)


class Study:
    """A file of JSON lines: first what is tuned, then every block and failure as it ended.

    `subject` is what must be the same for a study to go on: app, load, machine, versions.
    """

    def __init__(self, path: Path, file: IO[bytes], subject: Mapping[str, Any]) -> None:
        self.path = path
        self.file = file
        self.subject = subject
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        """Append what ended; it is on the disk when this returns."""
        self.entries.append(entry)
        line = {"at": entry.at, "took": entry.took}
        what = to_json(entry.what)
        if isinstance(entry.what, Block):
            del what["load"]["requests"]  # headers and bodies may hold what nobody else may read
            self._line(line | {"requests": entry.digest, "block": what})
        else:
            self._line(line | {"failure": what})

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    def _line(self, value: Mapping[str, Any]) -> None:
        self.file.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def begin(path: Path, subject: Mapping[str, Any]) -> Study:
    """Start a new study; raises StudyError where the file is there already or can't be made."""
    if path.exists():
        raise StudyError(f"{path} is there already", "go on with it: --resume")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "xb", opener=_private)  # noqa: SIM115  (the study keeps it)
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}", "see that the folder is writable") from None
    _lock(path, file)
    study = Study(path, file, _plain(subject))
    study._line({"study": FORMAT, "subject": study.subject})  # noqa: SLF001  (its own module)
    return study


def resume(path: Path, subject: Mapping[str, Any]) -> Study:
    """Go on with a study; a torn last line is dropped.

    Raises StudyError where it can't be read or is of something else, saying what differs.
    """
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        raise StudyError(f"no study {path}", "start one: leave out --resume") from None
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}", "name a study with --resume") from None
    _lock(path, file)
    try:
        return _read(path, file, _plain(subject))
    except BaseException:
        file.close()
        raise


def read(path: Path) -> tuple[Mapping[str, Any], tuple[Entry, ...]]:
    """A study's subject and entries, read only; raises StudyError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path}: {error.strerror}", "name a study that is there") from None
    return _parse(path, content[: content.rfind(b"\n") + 1])


def _read(path: Path, file: IO[bytes], subject: Mapping[str, Any]) -> Study:
    content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    stored, entries = _parse(path, whole)
    if other := _differences(stored, subject):
        raise StudyError(f"{path} is of something else: {other}", "start a new one")
    file.truncate(len(whole))
    file.seek(len(whole))
    study = Study(path, file, subject)
    study.entries += entries
    return study


def _parse(path: Path, content: bytes) -> tuple[Mapping[str, Any], tuple[Entry, ...]]:
    """Whole lines; raises StudyError with the number of the one that can't be read."""
    number = 1
    try:
        lines = content.decode().splitlines()
        head = json.loads(lines[0])
        if head["study"] != FORMAT or not isinstance(head["subject"], dict):
            raise ValueError("no study of this release")  # noqa: TRY301  (one error for all)
        entries = []
        for number, line in enumerate(lines[1:], 2):  # noqa: B007  (told in the error)
            entries.append(_entry(json.loads(line)))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        what = f"{path}:{number} can't be read as a study: {type(error).__name__}"
        raise StudyError(what, "start a new study") from None
    return head["subject"], tuple(entries)


def _entry(line: Mapping[str, Any]) -> Entry:
    kind, name = (Block, "block") if "block" in line else (Failure, "failure")
    at, took = (from_json(float, line[key]) for key in ("at", "took"))
    asked = from_json(str, line["requests"]) if name == "block" else ""
    return Entry(at, took, from_json(kind, line[name]), asked)


def _differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """What is not the same by name, with old and new where they are short and plain."""
    return ", ".join(
        _difference(name, stored.get(name), wanted.get(name))
        for name in sorted(stored.keys() | wanted.keys())
        if stored.get(name) != wanted.get(name)
    )


def _difference(name: str, old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        return f"{name} ({_differences(old, new)})"
    if name in TOLD or all(one is None or isinstance(one, (int, float)) for one in (old, new)):
        return f"{name} was {old!r} and is {new!r}"
    return f"{name} differs"


def _plain(subject: Mapping[str, Any]) -> Mapping[str, Any]:
    """As it will come back from the file, so that equal things are equal."""
    plain: dict[str, Any] = json.loads(json.dumps(to_json(subject)))
    return plain


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, OWNER_ONLY)


def _lock(path: Path, file: IO[bytes]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StudyError(f"{path} is in use by another run", "wait for it to end") from None
