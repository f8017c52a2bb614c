"""The path of `gunitune check`: from paths and options to a report, or to mended files."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gunitune.catalog import setting_names
from gunitune.checkrule import chosen, load_check_rules
from gunitune.checks.check import Rules, check
from gunitune.checks.project import Project
from gunitune.checks.target import target
from gunitune.conf.find import Found, find, project_root
from gunitune.conf.imports import MAX_BYTES
from gunitune.conf.machine import Machine
from gunitune.conf.read import read_conf
from gunitune.environment import environment
from gunitune.errors import UsageError
from gunitune.facts import nproc
from gunitune.model import Unknown
from gunitune.project.files import read_bounded
from gunitune.report import SEVERITIES
from gunitune.rulebook import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunitune.checks.target import Target
    from gunitune.conf.model import Conf
    from gunitune.report import Report, Severity
    from gunitune.settings import Settings

STDIN = Path("-")


def start(paths: Sequence[Path] | None, stdin_name: Path | None) -> Path:
    """Where the search for gunitune's own settings begins: at the first path that is there."""
    given = [stdin_name if path == STDIN else path for path in paths or ()]
    for path in given:
        if path is not None and path.exists():
            return path
    return Path()


@dataclass
class Check:
    """One run: what to look at, for which machine, by which rules.

    `stdin` is the text of the file `-`, which counts as the file `stdin_name`.
    """

    paths: Sequence[Path]
    settings: Settings
    stdin: bytes = b""
    stdin_name: Path | None = None
    _roots: dict[Path, Path] = field(default_factory=dict)
    _projects: dict[Path, Project] = field(default_factory=dict)

    @property
    def stdin_path(self) -> Path:
        """Where stdin's text is taken to belong."""
        return self.stdin_name or Path("gunicorn.conf.py")

    @cached_property
    def target(self) -> Target:
        """The machine."""
        return target(self.settings)

    @cached_property
    def rules(self) -> Rules:
        """The rules, and those of them that are selected."""
        every = load_check_rules(self.settings.rules)
        select, ignore = self.settings.get("select", ()), self.settings.get("ignore", ())
        return Rules(chosen(every, select, ignore), every)

    @cached_property
    def environ(self) -> dict[str, str]:
        """The declared environment of Gunicorn's start."""
        return environment(self.settings.get("env_file"), self.settings.get("env", ()))

    def report(self, *, whole: bool = True) -> Report:
        """Check every file; `whole` keeps the settings of each, for output that lists them.

        Raises GunituneError.
        """
        return check(self.pairs(), self.target, self.rules, heed=self.heeds, whole=whole)

    def pairs(self) -> Iterator[tuple[Conf, Project]]:
        """Each file as read, with its project."""
        return ((self.read(found), self.project(found)) for found in self.found())

    def keep_from_overwriting(self, output: Path | None) -> None:
        """Refuse to write the report over a config that was checked; raises UsageError."""
        if output is None or not output.exists():
            return
        if any(found.path.exists() and output.samefile(found.path) for found in self.found()):
            raise UsageError(f"{output} is one of the configs", "write the report elsewhere")

    @property
    def heeds(self) -> bool:
        """Whether ignore comments count."""
        return not self.settings.get("no_ignores", False)

    def exit_code(self, worst: Severity | None) -> int:
        """1 where something was found from `--fail-on` up, else 0."""
        least = SEVERITIES.index(self.settings.get("fail_on", "warning"))
        fails = worst is not None and SEVERITIES.index(worst) >= least
        return int(fails and not self.settings.get("exit_zero", False))

    def found(self) -> Iterator[Found]:
        """The config files, stdin among them."""
        if STDIN in self.paths:
            shown = str(self.stdin_name) if self.stdin_name else "<stdin>"
            yield Found(self.stdin_path, shown, named=True, data=self.stdin)
        rest = [path for path in self.paths if path != STDIN]
        yield from find(rest, setting_names()) if rest else ()

    def read(self, found: Found, data: bytes | None = None) -> Conf:
        """One file as it is, or with other bytes in its place."""
        host = self.target.host
        root = self.project(found).root
        machine = Machine(host.cores_visible, nproc(host), self.environ, root)
        held = found.data if data is None else data
        return read_conf(found.path, found.shown, machine, names=setting_names(), data=held)

    def project(self, found: Found) -> Project:
        """The project that a file belongs to; one for all files of the same folder."""
        folder = found.path.parent
        if folder not in self._roots:
            self._roots[folder] = project_root(found.path)
        root = self._roots[folder]
        if root not in self._projects:
            rules = cache(lambda: load_rules(self.settings.rules))
            made = Project(root, self.target, self.settings, self.environ, rules)
            self._projects[root] = made
        return self._projects[root]

    def data(self, found: Found) -> bytes:
        """A file's bytes; none of one that can't be read, which its findings say."""
        if found.data is not None:
            return found.data
        held = read_bounded(found.path, MAX_BYTES)
        return b"" if isinstance(held, Unknown) else held

    def report_on(self, found: Found, data: bytes) -> Report:
        """What there is to say of one file if it held these bytes."""
        pair = (self.read(found, data), self.project(found))
        return check([pair], self.target, self.rules, heed=self.heeds)
