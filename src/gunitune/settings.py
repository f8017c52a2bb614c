"""Which options hold, and where each came from: default < settings file < environment < flag."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gunitune.errors import GunituneError, UsageError
from gunitune.model import Unknown
from gunitune.options import ADVISING, BY_NAME, OPTIONS, Option
from gunitune.project.files import read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024
MAX_CHARACTERS = 1000  # of one value
LISTS = ("rules",)
# Options that name a file or folder: in a settings file, beside that file.
FILES = ("access_log", "chdir", "conf", "env_file", "requests_file")


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value and where it came from: `flag --cpus`, `[tool.gunitune] in pyproject.toml`."""

    value: Any
    source: str
    text: str = ""


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

    def flags(self) -> tuple[str, ...]:
        """The flags that were given, as the command line had them: to say the same once more."""
        found = []
        for option in OPTIONS:
            given = self.values.get(option.name) if option.group in ADVISING else None
            if given is not None and given.source.startswith("flag "):
                found.append(option.flag if option.switch else f"{option.flag}={given.text}")
        return tuple(found)


def load_settings(  # noqa: PLR0913  (where they come from)
    given: Mapping[str, Any],
    *,
    start: Path,
    environ: Mapping[str, str],
    file: Path | None = None,
    use_file: bool = True,
    paired: bool = True,
) -> Settings:
    """Collect the options; `start` is where the search for a settings file begins.

    `paired` asks for --rps and --latency together, which advice needs and a load test does not.
    Raises UsageError naming the flag, variable or key that is wrong.
    """
    start = _resolved(start)
    path = file or (find_file(start) if use_file else None)
    table = read_table(path) if path else {}
    values = {name: value for name, value in _from_file(table, path).items() if name in BY_NAME}
    if path and file is None and (named := values.get("env_file")):
        _check_inside(path, named)
    if path:
        values |= {
            name: replace(found, value=str(path.parent / found.value))
            for name, found in values.items()
            if name in FILES
        }
    for option in OPTIONS:
        if text := environ.get(option.variable, "").strip():
            values[option.name] = _sourced(option, text, option.variable)
        if given.get(option.name) not in (None, []):
            values[option.name] = _sourced(option, given[option.name], f"flag {option.flag}")
    if paired:
        _check_pair(values)
    folder = path.parent if path else start
    return Settings(values, tuple(folder / name for name in _strings(table, "rules", path)))


def find_file(start: Path) -> Path | None:
    """The nearest gunitune.toml, or pyproject.toml with a [tool.gunitune] table.

    The search goes up from `start`, a resolved folder, to the one that holds `.git`; it ends before
    a folder that another user owns or anyone may write to. Raises UsageError for a pyproject.toml
    that speaks of gunitune and can't be read.
    """
    try:
        return next((path for folder in _searched(start) for path in _named(folder)), None)
    except OSError:  # a folder that may not be searched
        return None


def read_table(path: Path) -> dict[str, Any]:
    """The [tool.gunitune] table of pyproject.toml, or the whole of another file."""
    table: Any = _parsed(path, _read(path))
    for key in ("tool", "gunitune") if path.name == "pyproject.toml" else ():
        table = table.get(key, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.gunitune must be a table", "write [tool.gunitune]")
    return table


def _check_inside(path: Path, named: Sourced) -> None:
    """A settings file that a pull request may bring must not have others' secrets read."""
    folders = (path.parent, *path.parent.parents)
    root = next((folder for folder in folders if (folder / ".git").exists()), path.parent)
    if not (path.parent / named.value).resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{named.source}: {named.value} lies outside of {root}", "name it with --env-file"
        )


def _resolved(start: Path) -> Path:
    try:
        return start.resolve()
    except OSError:
        raise UsageError("the current folder is gone", "change to one that exists") from None


def _searched(start: Path) -> Iterator[Path]:
    """Folders from `start` up, as far as their owner alone decides what they hold."""
    owner = start.stat().st_uid
    for folder in (start, *start.parents):
        found = folder.stat()
        if folder != start and (found.st_uid != owner or found.st_mode & stat.S_IWOTH):
            return
        yield folder
        if (folder / ".git").exists():
            return


def _named(folder: Path) -> Iterator[Path]:
    """The settings files in a folder."""
    if (own := folder / "gunitune.toml").is_file():
        yield own
    if (project := folder / "pyproject.toml").is_file() and _has_table(project):
        yield project


def _has_table(project: Path) -> bool:
    data = _read(project)
    if b"gunitune" not in data:
        return False
    tool = _parsed(project, data).get("tool")
    return isinstance(tool, dict) and "gunitune" in tool


def _read(path: Path) -> bytes:
    try:
        data = read_bounded(path, MAX_FILE_BYTES)
    except ValueError as error:  # a null byte in the name
        data = Unknown(str(error))
    if isinstance(data, Unknown):
        raise UsageError(f"{path}: can't be read: {data.reason}", "--no-settings reads none")
    return data


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    from gunitune.project.dependencies import toml

    try:
        return toml.load(data.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: can't be read as TOML", str(error)) from None


def _check_pair(values: Mapping[str, Sourced]) -> None:
    """A rate means nothing without the time that a request takes, nor that without a rate."""
    for name, other in (("rps", "latency"), ("latency", "rps")):
        if name in values and other not in values:
            raise UsageError(
                f"--{name} needs --{other}", f"{name} comes from {values[name].source}"
            )


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
    if option.separator:
        return _many(option, value, source)
    try:
        text = _text(option, value)
        return Sourced(option.read(text), source, text)
    except GunituneError as error:
        raise UsageError(f"{source}: {error.message}", error.hint) from None


def _many(option: Option, value: Any, source: str) -> Sourced:
    """Read the values of an option that takes many: a list, or one text of them."""
    given = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(item, str) for item in given):
        raise UsageError(f"{source}: must be a list of texts", option.help)
    items = [item for text in given for item in text.split(option.separator) if item.strip()]
    try:
        return Sourced(tuple(option.read(item) for item in items), source, ",".join(items))
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", error.hint) from None


def _text(option: Option, value: Any) -> str:
    """A value as the command line would have it."""
    if isinstance(value, (list, dict)):
        raise UsageError(f"a {type(value).__name__} is not a single value", option.help)
    if isinstance(value, bool) and not option.switch:
        raise UsageError(f"{value} is no value for it", option.help)
    try:
        text = str(value).lower() if option.switch else str(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        raise UsageError("the number is too large", option.help) from None
    if len(text) > MAX_CHARACTERS:
        raise UsageError(f"longer than {MAX_CHARACTERS} characters", option.help)
    return _without_exponent(text) if isinstance(value, float) else text


def _without_exponent(text: str) -> str:
    """`1e-05` as 0.00001."""
    from decimal import Decimal

    return f"{Decimal(text):f}" if "e" in text else text


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
