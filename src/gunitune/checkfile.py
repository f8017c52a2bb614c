"""What a check rule's file must look like: checked where it comes from outside, and by tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints  # noqa: TID253

from gunitune import rulefile
from gunitune.catalog import setting_names
from gunitune.checks.scope import is_fact
from gunitune.errors import RuleError
from gunitune.facts import known_settings
from gunitune.rulefile import Sentence, Source, Table, check_file_name, read_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gunitune.checkrule import CheckRule


class _Fix(Table):
    kind: Literal["delete", "set", "add"]
    setting: str = ""
    value: str = ""


class _Case(Table):
    name: Sentence
    conf: Annotated[str, StringConstraints(max_length=10_000)]
    cpus: float = 2.0
    cores: int | None = None
    memory: str | None = None
    platform: str | None = None
    gunicorn: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    unknown: list[str] = Field(default_factory=list)
    finds: Annotated[int, Field(ge=0)] = 1
    line: int | None = None
    says: str | None = None
    severity: Literal["note", "warning", "error"] | None = None
    fixed: str | None = None


class CheckFile(Table):
    """The format of `rules/check/*.toml` and of a project's own check rules (rules/README.md)."""

    id: Annotated[str, StringConstraints(pattern=r"^G[A-Z]\w*\d+$")]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    since: str
    severity: Literal["note", "warning", "error"]
    confidence: Literal["high", "medium", "low"] = "medium"
    settings: list[str] = Field(default_factory=list)
    when: Source | None = None
    check: str | None = None
    absent: bool = False
    margin: float = 0.0
    let: dict[str, Source] = Field(default_factory=dict)
    message: Sentence
    help: Sentence
    summary: Sentence
    why: Annotated[str, StringConstraints(min_length=1)]
    unless: str = ""
    refs: list[str] = Field(default_factory=list)
    fix: _Fix | None = None
    case: Annotated[list[_Case], Field(min_length=1)]


def validate(document: Mapping[str, Any], path: Path, prefix: str) -> None:
    """Check keys, types, the id's prefix and the file's name; raises RuleError naming the fault."""
    rule = read_as(CheckFile, document, path)
    if fault := _fault(rule, prefix):
        raise RuleError(f"{path}: {fault}", "see rules/README.md")
    check_file_name(path, rule.id, rule.name)


def _fault(rule: CheckFile, prefix: str) -> str | None:
    """The first of what is wrong beyond keys and types."""
    return next(_faults(rule, prefix), None)


def _faults(rule: CheckFile, prefix: str) -> Iterator[str]:
    if not rule.id.startswith(prefix):
        yield f"id: {rule.id} does not start with {prefix}"
    if prefix == "GX" and rule.check is not None:
        yield "check: only gunitune's own rules may name a function: write `when`"
    if (rule.when is None) == (rule.check is None):
        yield "when: a rule has an expression" + (" or a function" if prefix != "GX" else "")
    if rule.when is not None and not rule.settings:
        yield "settings: name the settings that the expression judges"
    for name in rule.settings:
        if name not in setting_names():
            yield f"settings: Gunicorn has no {name}"
    for name in rule.let:
        if not name.isidentifier() or is_fact(name):
            yield f"let.{name}: that is no free name"
    if rule.fix and (fault := _fault_of_fix(rule.fix)):
        yield f"fix.setting: {fault}"


def _fault_of_fix(fix: _Fix) -> str | None:
    """A rule file must not be able to name code that Gunicorn runs."""
    if not fix.setting:
        return None
    if fix.setting not in known_settings():
        return f"Gunicorn has no {fix.setting}"
    kind = known_settings()[fix.setting]["type"]
    return "a rule can't set it" if fix.setting == "config" or kind in ("hook", "dict") else None


def check_expressions(rule: CheckRule) -> None:
    """Check that every expression parses and every name in it exists; raises RuleError."""

    def known(name: str) -> bool:
        return name == "margin" or is_fact(name) or (bool(rule.check) and name.startswith("hit."))

    rulefile.check_expressions(rule, known)


def check_examples(rule: CheckRule) -> None:
    """Run the rule's examples; raises RuleError naming the first that does not hold."""
    from gunitune.checks.example import differences

    for case in rule.cases:
        for what, wanted, got in differences(rule, (rule,), case):
            message = f"{rule.path}: case {case['name']!r}: {what} should be {wanted}, is {got}"
            raise RuleError(message, "mend the rule or its example")
