"""What `os.environ` holds while a config file is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gunitune.conf.values import NOTHING, Raised
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MISSING = object()
# What a variable is set to where all that is known is that it is none of the texts it is held
# against: a character that stands in no text, and is the same in upper and lower case.
OTHER = "\ufdd0"


class Environ:
    """The environment of one reading: what was given, and what the file changed.

    A value that can't be told is `Unknown`: the variable is set then.
    """

    def __init__(self, given: Mapping[str, str | Unknown]) -> None:
        self.given = given
        self.written: dict[str, tuple[Any, frozenset[str]]] = {}

    def read(self, name: Any, depends: set[str]) -> Any:
        """The value of a variable, or MISSING; what it depends on is added to `depends`."""
        if isinstance(name, Unknown):
            return Unknown("reads an environment variable whose name can't be told")
        if not isinstance(name, str):
            raise Raised(TypeError, f"str expected, not {type(name).__name__}")
        if name in self.written:
            value, why = self.written[name]
            depends |= why
            return value
        depends.add(f"env:{name}")
        return self.given.get(name, MISSING)

    def write(self, name: Any, value: Any, why: frozenset[str] = NOTHING) -> None:
        """Set a variable; MISSING unsets it."""
        if not isinstance(name, str):
            return
        if value is not MISSING and not isinstance(value, (str, Unknown)):
            raise Raised(TypeError, f"str expected, not {type(value).__name__}")
        self.written[name] = value, why

    def items(self, depends: set[str]) -> dict[str, Any]:
        """Every variable that is set."""
        found: dict[str, Any] = {}
        for name in {**self.given, **self.written}:
            if (value := self.read(name, depends)) is not MISSING:
                found[name] = value
        return found


def required(name: str) -> Unknown:
    """The value of a variable that is not set here, and must be where the file is used."""
    return Unknown(f"set by environment variable {name}")


def missing(deps: Iterable[str], environ: Environ) -> Unknown | None:
    """That a value is set by variables that are not set here, where it depends on such."""
    names = sorted(dep[4:] for dep in deps if dep.startswith("env:"))
    unset = [name for name in names if environ.given.get(name, OTHER) == OTHER]
    return required(", ".join(unset)) if unset else None
