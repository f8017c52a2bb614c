"""Runs a check rule's examples: each is a config that is read and judged as any other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.catalog import newest, setting_names
from gunitune.checks.check import Rules, check
from gunitune.checks.project import Project
from gunitune.checks.target import target
from gunitune.conf.machine import Machine
from gunitune.conf.read import read_conf
from gunitune.facts import SAMPLE_APP, nproc
from gunitune.model import Unknown
from gunitune.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gunitune.checkrule import CheckRule
    from gunitune.model import App, Installed
    from gunitune.report import Finding, Report
    from gunitune.settings import Settings

_TARGET = {"cpus": 2.0, "cores": 2, "memory": "4GiB"}


@dataclass
class Sample(Project):
    """The project of an example: a WSGI app of unknown kind, on a declared release."""

    @cached_property
    def release(self) -> tuple[str, str]:
        """The example's release."""
        return self.settings.get("gunicorn_version", newest()), "the example"

    @cached_property
    def app(self) -> App | Unknown:
        """The sample app that advice rules' examples have too."""
        return SAMPLE_APP

    @cached_property
    def installed(self) -> Installed:
        """The release, and no environment."""
        from gunitune.model import Installed

        return Installed("3.12.0", "the example", self.release[0], "the example")


def differences(
    rule: CheckRule, every: Sequence[CheckRule], case: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """What an example says and the rule does otherwise: (what, said, done)."""
    text = case["conf"]
    found = findings(rule, every, case, text)
    wanted = case.get("finds", 1)
    if len(found) != wanted:
        yield "finds", wanted, [finding.message for finding in found] or 0
        return
    for finding in found[:1]:
        yield from _of_finding(case, finding)
    if (after := case.get("fixed")) is not None:
        from gunitune.fixes import fix_all

        done, _ = fix_all(text, lambda now: findings(rule, every, case, now))
        if done != after:
            yield "fixed", after, done


def _of_finding(case: Mapping[str, Any], finding: Finding) -> Iterator[tuple[str, Any, Any]]:
    for what, done in (("line", finding.span.line), ("severity", finding.severity)):
        if what in case and case[what] != done:
            yield what, case[what], done
    said = f"{finding.message}\n{finding.help}"
    if case.get("says", "") not in said:
        yield "says", case["says"], said


def findings(
    rule: CheckRule, every: Sequence[CheckRule], case: Mapping[str, Any], text: str
) -> list[Finding]:
    """What the rule finds in an example's config; `every` are all rules that there are."""
    report = report_of(rule, every, case, text)
    return [finding for finding in report.findings if finding.rule == rule.id]


def report_of(
    rule: CheckRule, every: Sequence[CheckRule], case: Mapping[str, Any], text: str
) -> Report:
    """What there is to say of an example's config by this rule, and on ignores by all."""
    settings = _settings(case)
    where = target(settings)
    environ = case.get("env", {})
    project = Sample(Path(), where, settings, environ, _advice_rules)
    conf = read_conf(
        Path("gunicorn.conf.py"),
        "gunicorn.conf.py",
        Machine(where.host.cores_visible, nproc(where.host), environ, Path()),
        names=setting_names(),
        data=text.encode("utf-8", errors="surrogateescape"),
    )
    given = {name: _plain(value) for name, value in case.get("facts", {}).items()}
    given |= {name: Unknown("the example says so") for name in case.get("unknown", ())}
    selected = every if rule.id < "GT1" else (rule,)
    return check([(conf, project)], where, Rules(selected, every), given=given)


def _advice_rules() -> Any:
    from gunitune.rulebook import load_rules

    return load_rules()


def _settings(case: Mapping[str, Any]) -> Settings:
    given: dict[str, Any] = {}
    for name in ("cpus", "cores", "memory", "platform"):
        value = case.get(name, None if name == "cores" and "cpus" in case else _TARGET.get(name))
        given |= {name: str(value)} if value is not None else {}
    if "gunicorn" in case:
        given["gunicorn_version"] = case["gunicorn"]
    return load_settings(given, start=Path(), environ={}, use_file=False)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
