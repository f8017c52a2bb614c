"""The findings as a page: place, message, source line with carets, help; then their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.render.check._findings import Counts, by_file, count, counts, listed, safe
from gunitune.render.check._source import Source, source
from gunitune.render.layout import Page, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunitune.report import Finding, Report

STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def render(
    report: Report, *, color: bool = False, width: int = 80, quiet: bool = False, **_: object
) -> str:
    """The page, source lines cut to `width` columns; without the last line if `quiet`."""
    return "".join(streamed([report], color=color, width=width, quiet=quiet))


def streamed(
    parts: Iterable[Report], *, color: bool = False, width: int = 80, quiet: bool = False
) -> Iterator[str]:
    """The page in pieces: one per part that has findings, then the last line."""
    explained: set[str] = set()
    total = Counts()
    for part in parts:
        page = Page(width)
        if total.files_with_findings and part.findings:
            page.gap()
        total += counts(part)
        _findings(page, part, explained)
        yield from _written(page, color=color)
    if not quiet:
        page = Page(width)
        if total.files_with_findings:
            page.gap()
        _summary(page, total)
        yield from _written(page, color=color)


def _written(page: Page, *, color: bool) -> Iterator[str]:
    if page.lines:
        yield page.coloured() if color else page.plain()


def _findings(page: Page, part: Report, explained: set[str]) -> None:
    """Every finding, an empty line between them; a rule is explained where it first speaks."""
    texts = {checked.conf.path: checked.conf.text for checked in part.files}
    sources: dict[str, Source] = {}
    for at, finding in enumerate(by_file(part)):
        if at:
            page.gap()
        if finding.path not in sources:
            sources = {finding.path: source(texts.get(finding.path, ""))}
        _finding(page, finding, sources[finding.path], is_new=finding.rule not in explained)
        explained.add(finding.rule)


def _finding(page: Page, finding: Finding, read: Source, *, is_new: bool) -> None:
    span = finding.span
    page.lines.append(
        [
            ("bold", f"{plain(finding.path)}:{span.line}:{span.column}:"),
            ("", " "),
            (STYLES[finding.severity], f"{finding.severity}:"),
            ("bold", f" {safe(finding.message)}"),
            ("dim", f" [{plain(finding.rule)} {plain(finding.name)}]"),
        ]
    )
    gutter = len(str(span.line))
    if excerpt := read.excerpt(span, max(20, page.width - gutter - 3)):
        line, carets = excerpt
        bar = [("cyan", f"{'':{gutter}} |")]
        page.lines.append(bar)
        page.lines.append([("cyan", f"{span.line} |"), ("", f" {line}")])
        page.lines.append([*bar, (STYLES[finding.severity], f" {carets}")])
    for label, text in _remarks(finding, is_new=is_new):
        cells = [("=", 2, "cyan"), (f"{label}:", len(label) + 2, "bold"), (text, 0, "")]
        page.row(cells, indent=gutter + 1)


def _remarks(finding: Finding, *, is_new: bool) -> list[tuple[str, str]]:
    """What is said below the source line, as (label, text)."""
    remarks = [
        ("when", safe(finding.condition)),
        ("help", safe(finding.help)),
        ("fix", f"{safe(finding.fix.title)} (--fix does it)" if finding.fix else ""),
        ("more", f"gunitune rule {plain(finding.rule)}" if is_new else ""),
    ]
    return [(label, text) for label, text in remarks if text]


def _summary(page: Page, number: Counts) -> None:
    ignored = f"; {count(number.ignored, 'finding')} ignored by comments" if number.ignored else ""
    kinds = [("error", number.errors), ("warning", number.warnings), ("note", number.notes)]
    if not any(several for _, several in kinds):
        files = count(number.files, "file")
        text = f"All checks passed in {files}" if number.files else "No Gunicorn config was checked"
        page.lines.append([("bold green" if number.files else "bold", text), ("", ignored)])
        return
    found = listed(count(several, noun) for noun, several in kinds if several)
    of = f"{number.files_with_findings} of {count(number.files, 'file')}"
    fixable = f"; {number.fixable} can be fixed with --fix" if number.fixable else ""
    page.lines.append([("bold", f"Found {found}"), ("", f" in {of}{fixable}{ignored}")])
