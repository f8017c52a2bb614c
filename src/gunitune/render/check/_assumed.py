"""What `check` took for granted: the machine, the release, and which rules lacked a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunitune.model import Unknown
from gunitune.render import describe
from gunitune.render.check._findings import count, listed, safe

if TYPE_CHECKING:
    from gunitune.report import Report

SHOWN_FILES = 3
SHOWN_RULES = 6
SHOWN_REASONS = 5
SHOWN_CHARACTERS = 100


def assumptions(report: Report) -> list[str]:
    """Lines for stderr: the machine, each release with its files, the rules skipped by reason."""
    return [_machine(report), *_releases(report), *_skipped(report)]


def _machine(report: Report) -> str:
    host = report.host
    parts = [f"{describe.cpus(host)} ({host.cpus_source})"]
    if not isinstance(host.cores_visible, Unknown):
        source = "assumed: pass --cores" if report.cores_assumed else host.cores_source
        parts.append(f"{count(host.cores_visible, 'core')} visible ({source})")
    if isinstance(host.memory_bytes, Unknown):
        reason = host.memory_bytes.reason
        parts.append(reason if reason.startswith("memory") else f"memory unknown ({reason})")
    else:
        parts.append(f"{describe.memory(host)} ({host.memory_source})")
    if not isinstance(host.platform, Unknown):
        parts.append(f"{host.platform} ({host.platform_source})")
    line = f"{host.origin}: {', '.join(parts)}"
    if host.origin == "this machine":
        line += (
            "; if it is not where Gunicorn will run, declare the target with --cpus and --memory"
        )
    return safe(line)


def _releases(report: Report) -> list[str]:
    files: dict[tuple[str, str], list[str]] = {}
    for checked in report.files:
        paths = files.setdefault((checked.gunicorn, checked.gunicorn_source), [])
        paths.append(checked.conf.path)
    lines = []
    for (release, source), paths in files.items():
        line = f"Gunicorn {release} ({source})"
        lines.append(safe(f"{line}: {_first(paths, SHOWN_FILES)}" if len(files) > 1 else line))
    if len(lines) > SHOWN_REASONS:
        more = len(lines) - SHOWN_REASONS
        return [*lines[:SHOWN_REASONS], f"{more} more releases or sources: -f json lists them"]
    return lines


def _skipped(report: Report) -> list[str]:
    reasons: dict[str, set[str]] = {}
    for item in report.skipped:
        reasons.setdefault(item.reason, set()).add(item.rule)
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = [
        f"{count(len(rules), 'rule')} skipped: {_cut(safe(reason))}"
        f" ({_first(sorted(rules), SHOWN_RULES)})"
        for reason, rules in ordered[:SHOWN_REASONS]
    ]
    if rest := ordered[SHOWN_REASONS:]:
        left = len(set().union(*(rules for _, rules in rest)))
        facts = count(len(rest), "other unknown fact")
        lines.append(f"{count(left, 'rule')} skipped for {facts}: -f json lists them")
    return lines


def _first(words: list[str], number: int) -> str:
    """The first of the words, and how many more there are."""
    more = len(words) - number
    return listed([*words[:number], f"{more} more"]) if more > 0 else ", ".join(words)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
