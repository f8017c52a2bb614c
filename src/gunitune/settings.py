"""Which options hold, and where each came from: default < settings file < environment < flag."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gunitune.errors import GunituneError, UsageError
from gunitune.options import BY_NAME, OPTIONS, Option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024
LISTS = ("rules",)


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and where it came from: `flag --cpus`, `[tool.gunitune] in pyproject.toml`."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that hold, by name, and the project's own folders of rules."""

    values: Mapping[str, Sourced]
    rules: tuple[Path, ...] = ()

    def get(self, name: str, otherwise: Any = None) -> Any:
        """The value of an option, or `otherwise` where it was not given."""
        found = self.values.get(name)
        return otherwise if found is None else found.value

    def source(self, name: str) -> str:
        """Where an option's value came from; KeyError where it was not given."""
        return self.values[name].source


def load_settings(
    given: Mapping[str, Any],
    *,
    start: Path,
    environ: Mapping[str, str],
    file: Path | None = None,
    use_file: bool = True,
) -> Settings:
    """Collect the options; `start` is where the search for a settings file begins.

    Raises UsageError naming the flag, variable or key that is wrong.
    """
    path = file or (find_file(start) if use_file else None)
    table = read_table(path) if path else {}
    values = {name: value for name, value in _from_file(table, path).items() if name in BY_NAME}
    for option in OPTIONS:
        if text := environ.get(option.variable, "").strip():
            values[option.name] = _sourced(option, text, option.variable)
        if given.get(option.name) is not None:
            values[option.name] = _sourced(option, given[option.name], f"flag {option.flag}")
    folder = path.parent if path else start
    return Settings(values, tuple(folder / name for name in _strings(table, "rules", path)))


def find_file(start: Path) -> Path | None:
    """The nearest pyproject.toml with a [tool.gunitune] table, or gunitune.toml, up to `.git`."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (own := folder / "gunitune.toml").is_file():
            return own
        project = folder / "pyproject.toml"
        if project.is_file() and _mentions_gunitune(project):
            return project
        if (folder / ".git").exists():
            return None
    return None


def read_table(path: Path) -> dict[str, Any]:
    """The [tool.gunitune] table of pyproject.toml, or the whole of another file."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(
                f"{path}: larger than {MAX_FILE_BYTES} bytes", "is it a settings file?"
            )
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: can't be read as TOML", str(error)) from None
    table: Any = document
    for key in ("tool", "gunitune") if path.name == "pyproject.toml" else ():
        table = table.get(key, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.gunitune must be a table", "write [tool.gunitune]")
    return table


def _mentions_gunitune(path: Path) -> bool:
    try:
        return b"tool.gunitune" in path.read_bytes()[:MAX_FILE_BYTES]
    except OSError:
        return False


def _from_file(table: Mapping[str, Any], path: Path | None) -> dict[str, Sourced]:
    flat = {key: value for key, value in table.items() if key not in ("target", *LISTS)}
    target = table.get("target", {})
    if not isinstance(target, dict):
        raise UsageError(f"{path}: target must be a table", "write [tool.gunitune.target]")
    flat |= {f"target.{key}": value for key, value in target.items()}
    options = {option.key: option for option in OPTIONS}
    found: dict[str, Sourced] = {}
    for key, value in flat.items():
        if key not in options:
            raise UsageError(
                f"{path}: unknown key {key!r} in [tool.gunitune]", _similar(key, options)
            )
        source = f"{key} in {path.name if path else ''}"
        found[options[key].name] = _sourced(options[key], value, source)
    return found


def _sourced(option: Option, value: Any, source: str) -> Sourced:
    """Read one value; numbers and switches of a TOML file or of Python are read as their text."""
    if isinstance(value, (list, dict)):
        raise UsageError(f"{source}: {value!r} is not a single value", option.help)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        return Sourced(option.read(text), source)
    except GunituneError as error:
        raise UsageError(f"{source}: {error.message}", error.hint) from None


def _strings(table: Mapping[str, Any], key: str, path: Path | None) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{path}: {key} must be a list of folders", f'write {key} = ["folder"]')
    return value


def _similar(key: str, options: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, [*options, *LISTS], n=1) or [
        option for option in options if option.endswith(f".{key}")
    ]
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join([*options, *LISTS])}"
