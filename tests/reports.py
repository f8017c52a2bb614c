"""Reports of `check`, built by hand: what the formats are given."""

from __future__ import annotations

from typing import Any

from gunitune.checkrule import CheckRule
from gunitune.conf.model import Assigned, Conf, Span
from gunitune.model import Host, Skipped, Unknown
from gunitune.report import Checked, Edit, Finding, Fix, Ignored, Report
from gunitune.rulebook import Template

TEXT = """\
# Gunicorn
workres = 4
workers = 129
max_requests = 1000
"""
HOST = Host(
    cpus=2.0,
    cpus_source="--cpus",
    cores_visible=64,
    cores_source="not declared",
    memory_bytes=Unknown("memory not declared: pass --memory"),
    memory_source="not declared (--memory)",
    platform=Unknown("platform not declared: pass --platform"),
    platform_source="not declared (--platform)",
    origin="declared target",
)


def rule(rule_id: str = "GT201", **changes: Any) -> CheckRule:
    """A rule that judges `workers`, with changes."""
    parts: dict[str, Any] = {
        "id": rule_id,
        "name": "workers-oversubscribe-cpus",
        "since": "0.2.0",
        "severity": "warning",
        "confidence": "high",
        "settings": ("workers",),
        "when": "conf.workers > 2 * ceil(host.cpus) + 1",
        "check": "",
        "absent": False,
        "margin": 0.0,
        "let": (),
        "message": Template("{conf.workers:workers}"),
        "help": Template("set workers to {2 * ceil(host.cpus) + 1:number} or fewer"),
        "fix": "",
        "fix_setting": "",
        "fix_value": "",
        "summary": "More workers than the CPUs can run.",
        "why": "Workers beyond the CPUs wait for one another.\nEach takes memory.",
        "unless": "The requests wait for others.",
        "refs": ("https://docs.gunicorn.org/en/stable/design.html",),
        "cases": (),
        "path": "GT201.toml",
    }
    return CheckRule(**(parts | changes))


RULES = (
    rule("GT101", name="unknown-setting", severity="error", summary="A name that is no setting."),
    rule(),
    rule("GT502", name="no-jitter", severity="note", summary="All workers restart at once."),
    rule("GT601", name="forwarded-allow-all", summary="Any client may name its address."),
)


def finding(**changes: Any) -> Finding:
    """An unknown setting at line 2 of gunicorn.conf.py, with changes."""
    parts: dict[str, Any] = {
        "rule": "GT101",
        "name": "unknown-setting",
        "severity": "error",
        "message": "Gunicorn has no setting workres",
        "path": "gunicorn.conf.py",
        "span": Span(2, 1, 2, 8),
        "help": "write workers",
        "setting": "workres",
    }
    return Finding(**(parts | changes))


def conf(text: str = TEXT, path: str = "gunicorn.conf.py", **changes: Any) -> Conf:
    """A file as read."""
    return Conf(path=path, text=text, **changes)


def assigned(name: str, value: Any, line: int = 1, **changes: Any) -> Assigned:
    """A setting written at the start of a line."""
    span = Span(line, 1, line, len(name) + 1)
    return Assigned(name, value, span, span, **changes)


SPELLING = Fix("rename workres to workers", (Edit(Span(2, 1, 2, 8), "workers"),))
OVERSUBSCRIBED = finding(
    rule="GT201",
    name="workers-oversubscribe-cpus",
    severity="warning",
    message="129 workers on 2 CPUs",
    span=Span(3, 1, 3, 8),
    help="set workers to 5 or fewer",
    setting="workers",
    confidence="medium",
)
NO_JITTER = finding(
    rule="GT502",
    name="no-jitter",
    severity="note",
    message="all workers restart at once",
    span=Span(4, 1, 4, 13),
    help="add max_requests_jitter",
    setting="max_requests",
    condition="if DEBUG is set",
)
FINDINGS = (NO_JITTER, OVERSUBSCRIBED, finding(fix=SPELLING))


def report(*findings: Finding, **changes: Any) -> Report:
    """A report on gunicorn.conf.py and a clean file, for 2 CPUs and 64 assumed cores."""
    clean = conf("bind = '127.0.0.1:8000'\n", "deploy/web.conf.py")
    parts: dict[str, Any] = {
        "host": HOST,
        "cores_assumed": True,
        "files": (
            Checked(conf(), "25.3.0", "requirements.txt:3"),
            Checked(clean, "25.3.0", "requirements.txt:3"),
        ),
        "findings": findings,
        "ignored": (),
        "skipped": (),
        "rules": RULES,
    }
    return Report(**(parts | changes))


IGNORED = Ignored(OVERSUBSCRIBED, 2, "measured in May")
SKIPPED = (
    Skipped("GT301", "memory not declared: pass --memory"),
    Skipped("GT302", "memory not declared: pass --memory"),
    Skipped("GT301", "memory not declared: pass --memory"),
    Skipped("GT801", "platform not declared: pass --platform"),
)
