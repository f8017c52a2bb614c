"""Holds one file, in one world, against rules: what is broken, and what could not be told."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from gunitune import checks
from gunitune.advise import LocalScope, text
from gunitune.checks.look import Hit, Look
from gunitune.checks.scope import Scope
from gunitune.conf.model import START
from gunitune.errors import RuleError
from gunitune.evaluate import EvaluationError
from gunitune.formulas import FUNCTIONS
from gunitune.mask import mask
from gunitune.model import Skipped, Unknown
from gunitune.report import SEVERITIES, Finding
from gunitune.rulebook import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gunitune.catalog import Catalog
    from gunitune.checkrule import CheckRule
    from gunitune.checks.project import Project
    from gunitune.conf.model import Assigned, Conf
    from gunitune.report import Fix, Severity

BROKEN = "can't be worked out"
COUNTS = frozenset(("cpu", "affinity"))  # as `depends_on` has what counts the target's cores
MOST_CHARACTERS = 500  # of a message
UNREAD = "the file can't be read whole"


class Judge:
    """One file whose settings are `settings`; `condition` says when they are that, "" for always.

    `given` are facts that hold whatever the file says: an example's own.
    """

    def __init__(  # noqa: PLR0913  (what a judgement rests on)
        self,
        conf: Conf,
        settings: Mapping[str, Assigned],
        catalog: Catalog,
        project: Project,
        *,
        condition: str = "",
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self.conf = conf
        self.settings = settings
        self.catalog = catalog
        self.condition = condition
        self.target = project.target
        self.scope = Scope(settings, catalog, project, given or {})
        self.skipped: list[Skipped] = []

    def findings(self, rules: Iterable[CheckRule]) -> Iterator[Finding]:
        """Every finding of these rules; one that can't be worked out is skipped, and counted."""
        for rule in rules:
            try:
                yield from self._of(rule)
            except EvaluationError as error:
                # Of a value that nobody foresaw: one config must not keep others from being read.
                self.skipped.append(Skipped(rule.id, f"{BROKEN}: {error.message}"))
            except RecursionError:
                raise RuleError(f"{rule.path}: let is nested too deeply", "shorten it") from None

    def _of(self, rule: CheckRule) -> Iterator[Finding]:
        if self.conf.faults and rule.absent and self.settings.keys().isdisjoint(rule.settings):
            # What the file leaves out can't be told of one that nobody could read to its end.
            self.skipped.append(Skipped(rule.id, UNREAD))
            return
        self.scope.reads = set()
        if rule.check:
            look = Look(self.conf, self.settings, self.catalog, self.scope, rule)
            for hit in checks.function(rule.check)(look):
                yield self._finding(rule, hit)
        elif self._holds(rule):
            yield self._finding(rule, self._anchor(rule))

    def _holds(self, rule: CheckRule) -> bool:
        scope = self._local(rule) if rule.let or rule.margin else self.scope
        value = compiled(rule.when).evaluate(scope, FUNCTIONS)
        if isinstance(value, Unknown):
            self.skipped.append(Skipped(rule.id, value.reason))
            return False
        return bool(value)

    def _local(self, rule: CheckRule, hit: Hit | None = None) -> LocalScope:
        local = LocalScope(self.scope, rule.let)
        local["margin"] = rule.margin
        for name, value in (hit.facts if hit else {}).items():
            local[f"hit.{name}"] = value
        return local

    def _anchor(self, rule: CheckRule) -> Hit:
        """The first of the rule's settings that the file writes."""
        for name in rule.settings:
            if (found := self.settings.get(name)) is not None:
                return Hit(found.span, name, fix=self._fix(rule))
        return Hit(START, rule.settings[0] if rule.settings else None)

    def _fix(self, rule: CheckRule) -> Fix | None:
        """The rule's safe fix, where the file's text allows it."""
        if not rule.fix or self.condition:
            return None
        from gunitune import fixes

        name = rule.fix_setting or next(name for name in rule.settings if name in self.settings)
        anchor = self.settings.get(name)
        if rule.fix == "delete":
            return fixes.delete(self.conf, anchor) if anchor else None
        value = compiled(rule.fix_value).evaluate(self._local(rule), FUNCTIONS)
        if isinstance(value, Unknown):
            return None
        if rule.fix == "set":
            return fixes.set_value(self.conf, anchor, value) if anchor else None
        beside = next(self.settings[each] for each in rule.settings if each in self.settings)
        return fixes.add_after(self.conf, beside, name, value)

    def _finding(self, rule: CheckRule, hit: Hit) -> Finding:
        severity, doubt = self._capped(rule, hit)
        local = self._local(rule, hit)
        return Finding(
            rule=rule.id,
            name=rule.name,
            severity=severity,
            message=_short(mask(text(rule.message, local))) + doubt,
            path=self.conf.path,
            span=hit.span,
            help=_short(mask(text(rule.help, local))),
            setting=hit.setting,
            confidence=rule.confidence,
            condition=self.condition,
            fix=None if self._class_is_open() else hit.fix,
        )

    def _class_is_open(self) -> bool:
        """Whether the rule asked for the class, and another class may come of the file."""
        if "effective.worker_class" not in self.scope.reads:
            return False
        names = {"worker_class", "threads"}
        found = [self.settings[name] for name in names & set(self.settings)]
        by_environment = any(each.startswith("env:") for item in found for each in item.depends_on)
        return by_environment or any(names & set(world.settings) for world in self.conf.worlds)

    def _capped(self, rule: CheckRule, hit: Hit) -> tuple[Severity, str]:
        """The severity that the facts can bear, and what to add where cores were assumed."""
        most: Severity = rule.severity
        written = hit.setting in self.settings or not rule.absent
        if self.condition or not written or self._undeclared():
            most = "note"
        doubt = ""
        if self.target.cores_assumed and self._counts_cores(hit):
            most = least(most, "warning")
            cores = ceil(self.target.host.cpus)
            noun = "core" if cores == 1 else "cores"
            doubt = f"; if the target has only {cores} {noun} pass --cores {cores}"
        return least(rule.severity, most), doubt

    def _undeclared(self) -> bool:
        """Whether the finding rests on what nobody declared of the machine."""
        read = {name for name in self.scope.reads if name.startswith("host.")}
        counted = {"host.cores_visible"} if self._reads_count() else set()
        return not (read | counted) <= self.target.declared

    def _reads_count(self) -> bool:
        names = {name.partition(".")[2] for name in self.scope.reads if name.startswith("conf.")}
        written = names & set(self.settings)
        return any(not COUNTS.isdisjoint(self.settings[name].depends_on) for name in written)

    def _counts_cores(self, hit: Hit) -> bool:
        found = self.settings.get(hit.setting or "")
        return found is not None and not COUNTS.isdisjoint(found.depends_on)


def _short(said: str) -> str:
    """A sentence with a name or value of the file's in it, which may be of any length."""
    return said if len(said) <= MOST_CHARACTERS else f"{said[: MOST_CHARACTERS - 3]}..."


def least(*severities: Severity) -> Severity:
    """The lowest of severities."""
    return min(severities, key=SEVERITIES.index)
