"""What reading a config file gives: settings with value, place and what they depend on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Means = Literal["assign", "augment", "import", "function", "class", "loop", "globals", "with"]
FaultKind = Literal["unreadable", "encoding", "syntax", "newer-syntax", "too-large", "too-complex"]
LINE_END = re.compile(r"\r\n|\r|\n")  # no others end a line for Python


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the text: lines and columns count from 1 in characters, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


START = Span(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Defined:
    """A function, lambda, class or imported object that a name stands for; it is never called.

    `least_args` and `most_args` are the positional arguments it takes; None where that is not
    known, or where there is no most.
    """

    kind: Literal["function", "lambda", "class", "object"]
    name: str
    least_args: int | None = None
    most_args: int | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A module-level name as one statement leaves it.

    `value` is plain Python, a `Defined`, or `Unknown` with its reason. `span` is the name's,
    `statement` the whole statement's and `expression` the value's; all lie in the checked file,
    where a name comes from an import in the import statement. `depends_on` holds `env:NAME`, `cpu`
    (a count of cores), `affinity` (a count that heeds affinity) and `file` (`__file__`).
    """

    name: str
    value: Any
    span: Span
    statement: Span
    expression: Span | None = None
    depends_on: tuple[str, ...] = ()
    means: Means = "assign"
    top_level: bool = True  # a statement of the module itself, not of an `if`, `try` or loop in it


@dataclass(frozen=True, slots=True)
class World:
    """What the file sets when one condition that it leaves open goes the other way."""

    condition: str  # as a reader would say it: "if DEBUG is set", "unless os.path.exists(...)"
    depends_on: tuple[str, ...]
    settings: Mapping[str, Assigned]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file, or a part of it, could not be read; `message` is one line."""

    kind: FaultKind
    message: str
    span: Span = START


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment `# gunitune: ignore[GT203] reason`; `lines` are those it speaks for, None is all.

    `rules` are as written: ids, names or prefixes of ids.
    """

    rules: tuple[str, ...]
    reason: str
    span: Span
    lines: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Conf:
    """A config file as read, never run, for a declared machine and environment.

    `path` is what output shows: relative where it can be, with `/`. `settings` holds every
    module-level name that any release of Gunicorn has as a setting, as the file leaves it when
    `worlds` do not apply; `others` the remaining module-level names that it assigns. `assignments`
    is every assignment of a setting that is carried out, in order. `reads` are the names that the
    file reads anywhere. `dynamic` says why names may appear or be read in ways that can't be seen
    (exec, star imports from outside, globals() in a loop); "" where none.
    """

    path: str
    text: str
    settings: Mapping[str, Assigned] = field(default_factory=dict)
    others: Mapping[str, Assigned] = field(default_factory=dict)
    assignments: tuple[Assigned, ...] = ()
    reads: frozenset[str] = frozenset()
    worlds: tuple[World, ...] = ()
    faults: tuple[Fault, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    dynamic: str = ""

    @property
    def lines(self) -> list[str]:
        """The text's lines as Python counts them, without their ends."""
        return LINE_END.split(self.text)
