"""Writes docs/rules/: a page for every check rule, and their table, from the rule files.

    python scripts/rule_pages.py [--check]

What stands between the markers is made anew; what is written by hand below them stays. Pages of
rules that are gone are removed. With --check nothing is written, and it exits 1 where something
would be.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunitune.checkrule import CheckRule, load_check_rules
from gunitune.checks.example import findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "rules"
PROJECT = "/srv/shop"  # where the examples' configs are said to lie
BEGIN, END = "<!-- generated -->\n", "<!-- end -->\n"
FAMILIES = {
    "GT0": "gunitune itself",
    "GT1": "Names and values",
    "GT2": "CPU sizing",
    "GT3": "Memory",
    "GT4": "Worker class",
    "GT5": "Reliability",
    "GT6": "Security",
    "GT7": "Observability",
    "GT8": "Deployment",
}
TARGET = {"cpus": "{} CPUs", "cores": "{} cores visible", "memory": "{}", "platform": "{}",
          "gunicorn": "Gunicorn {}"}  # fmt: skip


def pages(rules: Sequence[CheckRule]) -> dict[str, str]:
    """The generated part of every file, by its name; the same whatever the current folder is."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        here = str(Path.cwd())
        made = {f"{rule.id}.md": page(rule, rules).replace(here, PROJECT) for rule in rules}
    return {"README.md": index(rules)} | made


def index(rules: Sequence[CheckRule]) -> str:
    """The table of all rules, by family."""
    texts = [
        "# Check rules",
        f"{len(rules)} rules. `gunitune rule ID` shows the same in a terminal.",
    ]
    for family, title in FAMILIES.items():
        rows = [
            f"| [{rule.id}]({rule.id}.md) | `{rule.name}` | {rule.severity} | {line(rule)} |"
            for rule in rules
            if rule.id.startswith(family)
        ]
        head = ["| rule | name | severity | finds |", "|---|---|---|---|"]
        texts += [f"## {title}", "\n".join(head + rows)] if rows else []
    return joined(texts)


def page(rule: CheckRule, rules: Sequence[CheckRule]) -> str:
    """All that a rule's file says, and what its examples give."""
    texts = [f"# {rule.id}: {rule.name}", prose(rule.summary), facts(rule)]
    texts += ["## Why", prose(rule.why), "## How to fix it", *remedy(rule)]
    if rule.unless:
        texts += ["## When to leave it", prose(rule.unless)]
    if not rule.id.startswith("GT01"):  # a file that can't be read has no comments either
        comment = f"`# gunitune: ignore[{rule.id}] the reason`"
        texts += [f"To keep a config as it is: {comment}, on the line or above it."]
    if rule.when:
        texts += ["## When it fires", condition(rule)]
    texts += ["## Examples", *(text for case in rule.cases for text in example(rule, rules, case))]
    if rule.refs:
        texts += ["## References", "\n".join(f"- {reference(ref)}" for ref in rule.refs)]
    return joined(texts)


def facts(rule: CheckRule) -> str:
    """Severity, confidence, settings and the first release, as a table."""
    settings = ", ".join(f"`{name}`" for name in rule.settings) or "the file as a whole"
    row = f"| {rule.severity} | {rule.confidence} | {settings} | {rule.since} |"
    return f"| severity | confidence | looks at | since |\n|---|---|---|---|\n{row}"


def remedy(rule: CheckRule) -> Iterator[str]:
    """What to do, with the expressions that fill it in."""
    yield sentence(re.sub(r"\{([^{}]+?)(:[A-Za-z]+)?\}", r"`\1`", rule.help.text))
    if rule.fix:
        yield "`gunitune check --fix` does it."


def condition(rule: CheckRule) -> str:
    """The rule's expression and the names that it uses."""
    names = [f"{name} = {text}" for name, text in rule.let]
    names += [f"margin = {rule.margin}"] if rule.margin else []
    return fenced("\n".join([*names, rule.when]), "python")


def example(rule: CheckRule, rules: Sequence[CheckRule], case: Mapping[str, Any]) -> Iterator[str]:
    """A config, the target it is held against, and what comes of it."""
    declared = [text.format(case[key]) for key, text in TARGET.items() if key in case]
    declared += [f"{name}={value}" for name, value in case.get("env", {}).items()]
    declared += [f"{name} = {value!r}" for name, value in case.get("facts", {}).items()]
    declared += [f"{name} unknown" for name in case.get("unknown", ())]
    yield f"### {prose(case['name'])}"
    if declared:
        yield f"On {', '.join(f'`{text}`' for text in declared)}:"
    yield fenced(case["conf"], "python")
    found = [
        f"line {finding.span.line}: {finding.severity}: {finding.message}\nhelp: {finding.help}"
        for finding in findings(rule, rules, case, case["conf"])
    ]
    yield fenced("\n".join(found), "text") if found else "Finds nothing."
    if "fixed" in case:
        yield "Fixed:"
        yield fenced(case["fixed"], "python")


def reference(ref: str) -> str:
    """A link: to the web, or to a test or benchmark of the repository."""
    return f"<{ref}>" if ref.startswith("https://") else f"[{ref}](../../{ref})"


def prose(text: str) -> str:
    """A rule's own words: Markdown's code stays, what would be taken for markup does not."""
    pieces = re.split(r"(`[^`]*`)", text.strip())
    return "".join(piece if piece.startswith("`") else escaped(piece) for piece in pieces)


def escaped(text: str) -> str:
    """Text without markup; an underscore within a word is none."""
    text = re.sub(r"[*<|]", r"\\\g<0>", text)
    return re.sub(r"(?<!\w)_+|_+(?!\w)", lambda found: r"\_" * len(found[0]), text)


def line(rule: CheckRule) -> str:
    """A rule's summary in a table."""
    return prose(rule.summary).replace("\n", " ")


def sentence(text: str) -> str:
    """A help text as a sentence."""
    return prose(text[:1].upper() + text[1:].rstrip(".")) + "."


def fenced(text: str, language: str) -> str:
    """A block of code, control characters made visible."""
    seen = re.sub(r"[^\n\t\x20-\x7e\xa0-\uffff]", lambda match: ascii(match[0])[1:-1], text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", seen)), default=0))
    return f"{fence}{language}\n{seen.strip(chr(10))}\n{fence}"


def joined(texts: Sequence[str]) -> str:
    """Paragraphs between the markers."""
    return BEGIN + "\n" + "\n\n".join(texts) + "\n\n" + END


def merged(old: str, generated: str) -> str:
    """A file's text with its generated part made anew."""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    return before + generated + after if begin and end else generated


def changes(folder: Path, rules: Sequence[CheckRule]) -> dict[Path, str | None]:
    """What has to be written, by path; None has to be removed."""
    found: dict[Path, str | None] = {}
    for name, generated in pages(rules).items():
        path = folder / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if (new := merged(old, generated)) != old:
            found[path] = new
    known = {folder / "README.md", *(folder / f"{rule.id}.md" for rule in rules)}
    return found | dict.fromkeys(set(folder.glob("GT*.md")) - known)


def main(folder: Path, *, check: bool) -> int:
    """Write what has changed, or only tell it; the exit code."""
    stale = changes(folder, load_check_rules(cases=True))
    for path, text in sorted(stale.items()):
        if check:
            print(f"{path.name} is stale: run python scripts/rule_pages.py", file=sys.stderr)
        elif text is None:
            path.unlink()
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(FOLDER, check="--check" in sys.argv))
