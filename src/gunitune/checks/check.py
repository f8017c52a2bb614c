"""Holds committed configs against the rules: findings, what was ignored, what could not be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gunitune.catalog import catalog
from gunitune.checks.judge import Judge
from gunitune.conf.model import Conf
from gunitune.report import SEVERITIES, Checked, Report

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from gunitune.checkrule import CheckRule
    from gunitune.checks.project import Project
    from gunitune.checks.target import Target
    from gunitune.conf.model import World
    from gunitune.model import Skipped
    from gunitune.report import Finding, Ignored


class Rules:
    """The selected rules, found by the settings that they judge; `all` are those there are."""

    def __init__(self, selected: Sequence[CheckRule], every: Sequence[CheckRule]) -> None:
        self.selected = tuple(selected)
        self.all = tuple(every)
        self._always = [rule for rule in selected if rule.absent or not rule.settings]
        self._by_setting: dict[str, list[CheckRule]] = {}
        for rule in selected:
            for name in rule.settings if rule not in self._always else ():
                self._by_setting.setdefault(name, []).append(rule)

    def of(self, conf: Conf) -> list[CheckRule]:
        """The rules to hold a file against, by id."""
        found = {rule.id: rule for rule in self._always}
        for name in conf.settings:
            found |= {rule.id: rule for rule in self._by_setting.get(name, ())}
        return [found[name] for name in sorted(found)]

    def of_world(self, world: World) -> list[CheckRule]:
        """Those that judge what a world sets otherwise."""
        found = {
            rule.id: rule for name in world.settings for rule in self._by_setting.get(name, ())
        }
        found |= {rule.id: rule for rule in self._always if rule.check}
        return [found[name] for name in sorted(found)]


def check(  # noqa: PLR0913  (what a run rests on)
    files: Iterable[tuple[Conf, Project]],
    target: Target,
    rules: Rules,
    *,
    heed: bool = True,
    whole: bool = True,
    given: Mapping[str, Any] | None = None,
) -> Report:
    """Check every file; `heed` is whether ignore comments count.

    Without `whole` the report keeps of each file only what findings need. `given` are facts that
    hold whatever the files and the project say: an example's.
    """
    parts = each(files, target, rules, heed=heed, given=given)
    return merged([part if whole else slim(part) for part in parts], target, rules)


def each(
    files: Iterable[tuple[Conf, Project]],
    target: Target,
    rules: Rules,
    *,
    heed: bool = True,
    given: Mapping[str, Any] | None = None,
) -> Iterator[Report]:
    """The report of each file by itself, as soon as it is checked."""
    seen: dict[Skipped, Skipped] = {}
    for conf, project in files:
        missed: list[Skipped] = []
        found = findings_of(conf, project, rules, missed, given)
        looked = {rule.id for rule in rules.selected} - {item.rule for item in missed}
        kept, dropped = _without_ignored(conf, found, rules, looked) if heed else (found, ())
        yield Report(
            host=target.host,
            cores_assumed=target.cores_assumed,
            files=(Checked(conf, *project.release),),
            findings=tuple(sorted(kept, key=_order)),
            ignored=tuple(dropped),
            # The same rules lack the same facts in most files: each pair is kept once.
            skipped=tuple(seen.setdefault(item, item) for item in missed),
            rules=rules.selected,
        )


def merged(parts: Sequence[Report], target: Target, rules: Rules) -> Report:
    """One report of many."""
    return Report(
        host=target.host,
        cores_assumed=target.cores_assumed,
        files=tuple(item for part in parts for item in part.files),
        findings=tuple(item for part in parts for item in part.findings),
        ignored=tuple(item for part in parts for item in part.ignored),
        skipped=tuple(item for part in parts for item in part.skipped),
        rules=rules.selected,
    )


def slim(part: Report) -> Report:
    """A file's report with no more of the file than its findings need."""
    (checked,) = part.files
    conf = checked.conf
    text = conf.text if part.findings else ""
    return replace(part, files=(replace(checked, conf=Conf(conf.path, text, faults=conf.faults)),))


def findings_of(
    conf: Conf,
    project: Project,
    rules: Rules,
    skipped: list[Skipped] | None = None,
    given: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """The findings in one file as it stands, ignore comments not heeded; `skipped` is added to."""
    known = catalog(project.release[0])
    judge = Judge(conf, conf.settings, known, project, given=given)
    found = list(judge.findings(rules.of(conf)))
    if skipped is not None:
        skipped += dict.fromkeys(judge.skipped)
    for world in conf.worlds:
        found += _only_new(found, _in_world(conf, world, project, rules, given))
    return found


def _in_world(
    conf: Conf, world: World, project: Project, rules: Rules, given: Mapping[str, Any] | None
) -> Iterator[Finding]:
    settings = {**conf.settings, **world.settings}
    judge = Judge(
        conf,
        settings,
        catalog(project.release[0]),
        project,
        condition=world.condition,
        given=given,
    )
    for finding in judge.findings(rules.of_world(world)):
        if finding.setting in world.settings:
            yield finding


def _only_new(found: Sequence[Finding], more: Iterable[Finding]) -> list[Finding]:
    """Findings of a world that do not hold anyway; another number at the same place is no news."""
    seen = {(finding.rule, finding.span) for finding in found}
    return [each for each in more if (each.rule, each.span) not in seen]


def _without_ignored(
    conf: Conf, found: Sequence[Finding], rules: Rules, looked: Collection[str]
) -> tuple[list[Finding], Sequence[Ignored]]:
    if not conf.ignores:
        return list(found), ()
    from gunitune.checks.itself import of_ignores
    from gunitune.ignores import apply

    names = {rule.id: rule.name for rule in rules.all}
    result = apply(found, conf.ignores, names, looked)
    return [*result.kept, *of_ignores(conf, result, rules.selected)], result.ignored


def _order(finding: Finding) -> tuple[int, int, int, str]:
    span = finding.span
    return span.line, span.column, -SEVERITIES.index(finding.severity), finding.rule
