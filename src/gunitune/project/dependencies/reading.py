"""What one dependency file says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunitune.model import Dependency
from gunitune.project.dependencies.extras import implied
from gunitune.project.dependencies.requirement import normalised, parse_requirement

if TYPE_CHECKING:
    from gunitune.project.dependencies.requirement import Requirement

# No project has as many; a hostile file may.
MAX_ENTRIES = 10_000
MAX_FAILURES = 1_000


@dataclass(frozen=True, slots=True)
class Locked:
    """One library of a lock file, and the names of those it needs in its turn.

    `dev` is None where the file does not say for which groups it was locked.
    """

    dependency: Dependency
    needs: tuple[str, ...] = ()
    dev: bool | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One file's declarations, locked libraries, and the other files that it names."""

    declared: tuple[Dependency, ...] = ()
    locked: tuple[Locked, ...] = ()
    includes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class Entries:
    """The declarations of one file as they are met; counts those that were not understood."""

    path: str
    dev: bool = False
    direct: bool = True
    includes: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    _found: list[Dependency] = field(default_factory=list)
    _failed: list[int] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether reading on is pointless."""
        return len(self._found) >= MAX_ENTRIES or len(self._failed) >= MAX_FAILURES

    def add(self, text: str, line: int, *, dev: bool = False) -> None:
        """Take one requirement as a project writes it; paths without a library's name are none."""
        requirement = None if self.full else parse_requirement(text)
        if requirement is not None:
            self.take(requirement, line, dev=dev)
        elif not _is_path(text):
            self.fail(line)

    def fail(self, line: int) -> None:
        """Count an entry that was not understood."""
        if not self.full:
            self._failed.append(line)

    def take(self, requirement: Requirement, line: int, *, dev: bool = False) -> None:
        """Take one requirement that is already read."""
        if not requirement.windows and not self.full:
            found = Dependency(
                name=requirement.name,
                specifier=requirement.specifier,
                path=self.path,
                line=line,
                direct=self.direct,
                pinned=requirement.pinned,
                extras=requirement.extras,
                dev=dev or self.dev,
            )
            self._found += (found, *implied(found))

    def reading(self) -> Reading:
        """Everything taken, with one line on what could not be."""
        return Reading(
            declared=tuple(self._found) if self.direct else (),
            locked=() if self.direct else tuple(Locked(f, dev=f.dev or None) for f in self._found),
            includes=tuple(self.includes),
            constraints=tuple(self.constraints),
            problem=self._problem(),
        )

    def _problem(self) -> str:
        if len(self._found) >= MAX_ENTRIES:
            return f"more than {MAX_ENTRIES} entries, the rest not read"
        if not self._failed:
            return ""
        count = len(self._failed)
        entries = "1 entry" if count == 1 else f"{count} entries"
        rest = ", the rest not read" if self.full else ""
        return f"{entries} not understood, the first at line {self._failed[0]}{rest}"


def _is_path(text: str) -> bool:
    """`.`, `./lib`, `${HOME}/lib` and links without a name: nothing that can be told apart."""
    return text.startswith((".", "/", "~", "$", "%")) or "/" in text.partition(";")[0]


def locked(  # noqa: PLR0913 - a row of a lock file
    name: str,
    version: str,
    path: str,
    line: int,
    needs: tuple[str, ...] = (),
    *,
    dev: bool | None = None,
) -> Locked:
    """Make the record of one library of a lock file."""
    dependency = Dependency(
        normalised(name), f"=={version}", path, line, direct=False, pinned=version, dev=bool(dev)
    )
    return Locked(dependency, needs, dev)
