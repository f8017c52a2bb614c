"""Which check rules there are: loads `rules/check/` and a project's own, and selects among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from gunitune.errors import RuleError, UsageError
from gunitune.rulebook import (
    Template,
    check_unique,
    is_check,
    named,
    project_files,
    read_document,
    shipped,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gunitune.report import Severity

Confidence = Literal["high", "medium", "low"]
FixKind = Literal["", "delete", "set", "add"]


@dataclass(frozen=True, slots=True)
class CheckRule:
    """One check rule, as its TOML file gives it (rules/README.md)."""

    id: str
    name: str
    since: str
    severity: Severity
    confidence: Confidence
    settings: tuple[str, ...]  # those it judges; it is looked at where the file writes one of them
    when: str  # an expression; "" where `check` names a function
    check: str  # of gunitune.checks; "" where `when` is an expression
    absent: bool  # also looked at where the file writes none of them: then a note
    margin: float
    let: tuple[tuple[str, str], ...]
    message: Template
    help: Template  # how to fix it
    fix: FixKind
    fix_setting: str
    fix_value: str
    summary: str
    why: str
    unless: str
    refs: tuple[str, ...]
    cases: tuple[Mapping[str, Any], ...] = field(repr=False)
    path: str = field(repr=False)

    def expressions(self) -> list[tuple[str, str]]:
        """Every expression of the rule with the key it stands under, placeholders included."""
        found = [("when", self.when)] if self.when else []
        found += [(f"let.{name}", text) for name, text in self.let]
        found += [("fix.value", self.fix_value)] if self.fix_value else []
        for key, template in self.templates():
            found += [(key, part[0].text) for part in template.parts() if not isinstance(part, str)]
        return found

    def templates(self) -> list[tuple[str, Template]]:
        """Its message and help, with the key each stands under."""
        return [("message", self.message), ("help", self.help)]


def load_check_rules(folders: Sequence[Path] = (), *, cases: bool = False) -> tuple[CheckRule, ...]:
    """Load gunitune's check rules and those of the project's own folders, by id.

    With `cases` ours come with their examples, for those who show or run them.

    A project's rules are expressions only, and are checked in full each time, examples included.
    Raises RuleError naming the file, the key and what is wrong.
    """
    rules = [*_shipped(cases=cases)]
    for path in project_files(folders):
        if is_check(document := read_document(path)):
            from gunitune.checkfile import check_examples, check_expressions, validate

            validate(document, path, "GX")
            rule = _rule(document, path)
            check_expressions(rule)
            check_examples(rule)
            rules.append(rule)
    check_unique(rules)
    return tuple(sorted(rules, key=lambda rule: rule.id))


@cache
def _shipped(*, cases: bool) -> tuple[CheckRule, ...]:
    return tuple(_rule(read_document(path, cases=cases), path) for path in shipped("check"))


def _rule(document: Mapping[str, Any], path: Path) -> CheckRule:
    fix = document.get("fix", {})
    return CheckRule(
        id=document["id"],
        name=document["name"],
        since=document["since"],
        severity=document["severity"],
        confidence=document.get("confidence", "medium"),
        settings=tuple(document.get("settings", ())),
        when=document.get("when", ""),
        check=document.get("check", ""),
        absent=document.get("absent", False),
        margin=document.get("margin", 0.0),
        let=tuple(document.get("let", {}).items()),
        message=Template(document["message"]),
        help=Template(document["help"]),
        fix=fix.get("kind", ""),
        fix_setting=fix.get("setting", ""),
        fix_value=fix.get("value", ""),
        summary=document["summary"],
        why=document["why"].strip(),
        unless=document.get("unless", "").strip(),
        refs=tuple(document.get("refs", ())),
        cases=tuple(document.get("case", ())),
        path=str(path),
    )


def chosen(
    rules: Sequence[CheckRule], select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[CheckRule, ...]:
    """Those of the rules that are selected (none named: all) and not ignored.

    Words are ids, names or prefixes of ids. Raises UsageError for a word that names no rule.
    """
    for word in (*select, *ignore):
        if not any(matches(rule, word) for rule in rules):
            raise _no_rule(rules, word)
    return tuple(
        rule
        for rule in rules
        if (not select or any(matches(rule, word) for word in select))
        and not any(matches(rule, word) for word in ignore)
    )


def matches(rule: CheckRule, word: str) -> bool:
    """Whether a word names the rule: its id or a prefix of it, or its name; case does not count."""
    return rule.id.lower().startswith(word.lower()) or rule.name == word.lower()


def _no_rule(rules: Sequence[CheckRule], word: str) -> UsageError:
    try:
        named(rules, word)
    except RuleError as error:
        return UsageError(error.message, error.hint)
    return UsageError(f"there is no rule {word!r}")  # pragma: no cover  (named() always raises)
