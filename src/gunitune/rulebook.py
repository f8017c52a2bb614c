"""Which advice rules there are: loads the rule files, in order, and checks what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from gunitune.data import rules_dir
from gunitune.errors import RuleError
from gunitune.evaluate import Expression, parse
from gunitune.model import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gunitune.model import Basis

Layer = Literal["heuristic", "asked", "guard", "companion"]
LAYERS: tuple[Layer, ...] = ("heuristic", "asked", "guard", "companion")
MAX_FILE_BYTES = 64 * 1024
_BASIS: dict[str, Basis] = {"asked": "asked", "guard": "guard"}
_FILE_NAME = re.compile(r"(G[A-Z]\w*\d+)-([a-z0-9-]+)\.toml")
_PLACEHOLDER = re.compile(r"\{([^{}]+?)(?::([A-Za-z]+))?\}")

Named = TypeVar("Named", bound="HasName")

compiled = lru_cache(maxsize=2048)(parse)


class HasName(Protocol):
    """What every rule has."""

    @property
    def id(self) -> str:
        """As GA110."""

    @property
    def name(self) -> str:
        """As workers-by-cpu."""


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with `{expression}` placeholders.

    `{x:size}` writes bytes as MiB, `{x:workers}` a number with its noun: 1 worker, 5 workers.
    """

    text: str

    def parts(self) -> list[str | tuple[Expression, str]]:
        """Split into plain text and (expression, format) pairs; raises EvaluationError."""
        pieces = _PLACEHOLDER.split(self.text)
        parts: list[str | tuple[Expression, str]] = [pieces[0]]
        for at in range(1, len(pieces), 3):
            parts += [(compiled(pieces[at]), pieces[at + 1] or ""), pieces[at + 2]]
        return parts


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a rule makes of one setting: the value's expression (None removes it) and the reason."""

    setting: str
    value: str
    reason: Template
    when: str = "True"


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning, a next step or an alternative, said when its condition holds."""

    text: Template
    when: str = "True"


@dataclass(frozen=True, slots=True)
class AdviceRule:
    """One advice rule, as its TOML file gives it."""

    id: str
    name: str
    layer: Layer
    basis: Basis
    summary: str
    why: str
    unless: str
    refs: tuple[str, ...]
    since: str
    when: str
    let: tuple[tuple[str, str], ...]
    assignments: tuple[Assignment, ...]
    constraint: Template | None
    warn: tuple[Remark, ...]
    next: tuple[Remark, ...]
    alternative: tuple[Remark, ...]
    cases: tuple[Mapping[str, Any], ...] = field(repr=False)
    path: str = field(repr=False)

    def expressions(self) -> list[tuple[str, str]]:
        """Every expression of the rule with the key it stands under, placeholders included."""
        found = [("when", self.when), *((f"let.{name}", text) for name, text in self.let)]
        for assignment in self.assignments:
            key = f"set.{assignment.setting}"
            found += [(f"{key}.value", assignment.value), (f"{key}.when", assignment.when)]
        for key in ("warn", "next", "alternative"):
            found += [(f"{key}.when", remark.when) for remark in getattr(self, key)]
        for key, template in self.templates():
            found += [(key, part[0]) for part in _placeholders(template)]
        return found

    def templates(self) -> list[tuple[str, Template]]:
        """Every template of the rule with the key it stands under."""
        found = [(f"set.{item.setting}.reason", item.reason) for item in self.assignments]
        for key in ("warn", "next", "alternative"):
            found += [(f"{key}.text", remark.text) for remark in getattr(self, key)]
        return found + ([("constraint", self.constraint)] if self.constraint else [])


def load_rules(folders: Sequence[Path] = (), *, cases: bool = False) -> tuple[AdviceRule, ...]:
    """Load gunitune's advice rules and those of the project's own folders, in layer and id order.

    With `cases` ours come with their examples, for those who show or run them.

    A project's rules are checked in full, since nothing else has; ours are checked by our tests.
    Raises RuleError naming the file, the key and what is wrong.
    """
    rules = [_rule(read_document(path, cases=cases), path) for path in shipped("advice")]
    for path in project_files(folders):
        if not is_check(document := read_document(path)):
            from gunitune.rulefile import validate

            validate(document, path, "GX")
            rules.append(_checked(_rule(document, path)))
    check_unique(rules)
    return tuple(sorted(rules, key=lambda rule: (LAYERS.index(rule.layer), rule.id)))


def check_unique(rules: Iterable[Any]) -> None:
    """Check that no two rules share an id or a name; raises RuleError."""
    seen: dict[str, str] = {}
    for rule in rules:
        for key, word in (("id", rule.id), ("name", rule.name)):
            if word in seen:
                message = f"{rule.path}: {key}: {word} is taken by {seen[word]}"
                raise RuleError(message, f"choose another {key}")
            seen[word] = rule.path


def shipped(folder: str) -> list[Path]:
    """Our own rule files in a folder of `rules/`, sorted."""
    return sorted((rules_dir() / folder).glob("*.toml"))


def is_check(document: Mapping[str, Any]) -> bool:
    """Whether a rule file holds a check rule, which has a severity where advice has a layer."""
    return "severity" in document


def project_files(folders: Sequence[Path]) -> Iterator[Path]:
    """The rule files in a project's own folders; raises RuleError for a folder without any."""
    for folder in folders:
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
            reason = "" if files else "no rule (ID-name.toml) stands in it"
        except OSError as error:
            files, reason = [], error.strerror or str(error)
        if reason:
            message = f"rules folder {folder}: {reason}"
            raise RuleError(message, "mend `rules` in [tool.gunitune]")
        yield from files


def read_document(path: Path, *, cases: bool = True) -> dict[str, Any]:
    """A rule file as TOML, within bounds; raises RuleError.

    Examples end a file of ours and are most of it: without `cases` they are not parsed.
    """
    from gunitune.project.dependencies import toml
    from gunitune.project.files import read_bounded

    data = read_bounded(path, MAX_FILE_BYTES)
    if isinstance(data, Unknown):
        raise RuleError(f"{path}: {data.reason}", "a rule is a TOML file, see rules/README.md")
    try:
        text = data.decode()
        return toml.load(text if cases else text.partition("\n[[case]]")[0])
    except (ValueError, RecursionError) as error:
        raise RuleError(f"{path}: {error}", "see rules/README.md") from None


def _rule(document: Mapping[str, Any], path: Path) -> AdviceRule:
    layer = document["layer"]
    return AdviceRule(
        id=document["id"],
        name=document["name"],
        layer=layer,
        basis=document.get("basis", _BASIS.get(layer, "heuristic")),
        summary=document["summary"],
        why=document["why"].strip(),
        unless=document.get("unless", "").strip(),
        refs=tuple(document.get("refs", ())),
        since=document["since"],
        when=document["when"],
        let=tuple(document.get("let", {}).items()),
        assignments=tuple(
            Assignment(name, item["value"], Template(item["reason"]), item.get("when", "True"))
            for name, item in document.get("set", {}).items()
        ),
        constraint=Template(document["constraint"]) if "constraint" in document else None,
        warn=_remarks(document, "warn"),
        next=_remarks(document, "next"),
        alternative=_remarks(document, "alternative"),
        cases=tuple(document.get("case", ())),
        path=str(path),
    )


def _remarks(document: Mapping[str, Any], key: str) -> tuple[Remark, ...]:
    return tuple(
        Remark(Template(item["text"]), item.get("when", "True")) for item in document.get(key, ())
    )


def _checked(rule: AdviceRule) -> AdviceRule:
    from gunitune.rulefile import check_examples, check_expressions

    check_expressions(rule)
    check_examples(rule)
    return rule


def _placeholders(template: Template) -> list[tuple[str, str]]:
    return [(match[1], match[2] or "") for match in _PLACEHOLDER.finditer(template.text)]


def file_id(path: Path) -> tuple[str, str] | None:
    """Give the id and name that a rule file's own name promises; None for another name."""
    match = _FILE_NAME.fullmatch(path.name)
    return (match[1], match[2]) if match else None


def named(rules: Sequence[Named], name: str) -> Named:
    """Find a rule by id or name, in any case; raises RuleError with the nearest."""
    for rule in rules:
        if name.lower() in (rule.id.lower(), rule.name):
            return rule
    from difflib import get_close_matches

    words = [word for rule in rules for word in (rule.id, rule.name)]
    close = get_close_matches(name, words, n=1)
    hint = f"did you mean {close[0]}?" if close else "gunitune rule lists them"
    raise RuleError(f"there is no rule {name!r}", hint)
