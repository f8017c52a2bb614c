"""What a rule file must look like: checked where it comes from outside, and by our own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError  # noqa: TID253

from gunitune.advise import Advice
from gunitune.errors import GunituneError, RuleError
from gunitune.facts import (
    SAMPLE_APP,
    SAMPLE_HOST,
    SAMPLE_INSTALLED,
    fact_names,
    facts,
    known_settings,
)
from gunitune.formulas import TABLE
from gunitune.model import Goal, Unknown
from gunitune.rulebook import AdviceRule, Layer, compiled, file_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gunitune.checkrule import CheckRule

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\n]+$")]
Source = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


Model = TypeVar("Model", bound=BaseModel)


class Table(BaseModel):
    """A table of a rule file: no keys but those it names, and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Assignment(Table):
    value: Source
    reason: Sentence
    when: Source = "True"


class _Remark(Table):
    text: Sentence
    when: Source = "True"


class _Case(Table):
    name: Sentence
    facts: dict[str, Any] = {}
    settings: dict[str, bool | int | float | str] = {}
    expect: dict[str, bool | int | float | str] = {}
    unknown: list[str] = []
    gone: list[str] = []
    fires: bool = True
    warns: int = 0


class RuleFile(Table):
    """The format of `rules/advice/*.toml` and of a project's own rules (rules/README.md)."""

    id: Annotated[str, StringConstraints(pattern=r"^G[A-Z]\w*\d+$")]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    layer: Layer
    basis: Annotated[str, StringConstraints(pattern=r"^(heuristic|guard|measured|asked)$")] = (
        "asked"
    )
    since: str
    summary: Sentence
    why: Annotated[str, StringConstraints(min_length=1)]
    unless: str = ""
    refs: list[str] = []
    when: Source
    let: dict[str, Source] = {}
    set: dict[str, _Assignment] = {}
    constraint: Sentence | None = None
    warn: list[_Remark] = []
    next: list[_Remark] = []
    alternative: list[_Remark] = []
    case: Annotated[list[_Case], Field(min_length=1)]


def validate(document: Mapping[str, Any], path: Path, prefix: str) -> None:
    """Check keys, types, the id's prefix and the file's name; raises RuleError naming the fault."""
    rule = read_as(RuleFile, document, path)
    if not rule.id.startswith(prefix):
        raise RuleError(f"{path}: id: {rule.id} does not start with {prefix}", "choose another id")
    for name in rule.let:
        if not name.isidentifier() or name in fact_names():
            raise RuleError(f"{path}: let.{name}: that is no free name", "choose another name")
    for name in rule.set:
        if name not in known_settings():
            raise RuleError(f"{path}: set.{name}: Gunicorn has no such setting", "mend the name")
    check_file_name(path, rule.id, rule.name)


def read_as(model: type[Model], document: Mapping[str, Any], path: Path) -> Model:
    """A rule file's document in its format; raises RuleError naming the key that breaks it."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RuleError(f"{path}: {key}: {first['msg']}", "see rules/README.md") from None


def check_file_name(path: Path, rule_id: str, name: str) -> None:
    """Check that a file is named as its rule; raises RuleError with the right name."""
    if file_id(path) != (rule_id, name):
        wanted = f"{rule_id}-{name}.toml"
        raise RuleError(f"{path}: id and name do not match the file's name", f"call it {wanted}")


def check_expressions(
    rule: AdviceRule | CheckRule, is_fact: Callable[[str], bool] | None = None
) -> None:
    """Check that every expression parses and every name in it exists; raises RuleError.

    `is_fact` tells the names that the rule may read: those of advice if not given.
    """
    known = is_fact or fact_names().__contains__
    local = {name for name, _ in rule.let}
    for key, template in rule.templates():
        if any(isinstance(part, str) and set(part) & set("{}") for part in template.parts()):
            raise RuleError(f"{rule.path}: {key}: a brace without its other", "write {expression}")
    for key, text in rule.expressions():
        try:
            expression = compiled(text)
        except GunituneError as error:
            raise RuleError(f"{rule.path}: {key}: {error}") from None
        for name in sorted(expression.names - local):
            if not known(name):
                raise RuleError(f"{rule.path}: {key}: {name!r} is no fact", "see rules/README.md")
        for name in sorted(expression.calls - TABLE.keys()):
            raise RuleError(f"{rule.path}: {key}: {name!r} is no function", "see rules/README.md")


def check_examples(rule: AdviceRule) -> None:
    """Run the rule's examples; raises RuleError naming the first that does not hold."""
    for case in rule.cases:
        for what, wanted, got in differences(rule, case):
            message = f"{rule.path}: case {case['name']!r}: {what} should be {wanted}, is {got}"
            raise RuleError(message, "mend the rule or its example")


def differences(rule: AdviceRule, case: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What an example says and the rule does otherwise: (what, said, done)."""
    advice = Advice(facts(SAMPLE_HOST, SAMPLE_APP, Goal(), SAMPLE_INSTALLED))
    given = case.get("facts", {})
    for name in (*given, *case.get("unknown", ())):
        if name not in advice.scope:
            yield name, "a fact", "none"
    facts_given = {name: _plain(value) for name, value in given.items()}
    lost = {name: Unknown("the example says so") for name in case.get("unknown", ())}
    before = {f"set.{name}": value for name, value in case.get("settings", {}).items()}
    advice.scope |= facts_given | lost | before

    fires = advice.apply(rule)

    gone = [name.removeprefix("set.") for name in before if advice.scope[name] is None]
    done = {
        "fires": fires,
        "expect": {name: trail[-1].value for name, trail in advice.trails.items()},
        "gone": gone,
        "warns": len(advice.said["warn"]),
    }
    said = {"fires": True, "expect": {}, "gone": [], "warns": 0}
    for what, value in done.items():
        if value != case.get(what, said[what]):
            yield what, case.get(what, said[what]), value


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
