"""What a check function is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunitune.catalog import Catalog
    from gunitune.checkrule import CheckRule
    from gunitune.checks.scope import Scope
    from gunitune.conf.model import Assigned, Conf, Span
    from gunitune.report import Fix


@dataclass(frozen=True, slots=True)
class Look:
    """One rule held against one file: `settings` are those of the world looked at."""

    conf: Conf
    settings: Mapping[str, Assigned]
    catalog: Catalog
    scope: Scope
    rule: CheckRule


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule is broken; `facts` are read in its message as `{hit.NAME}`."""

    span: Span
    setting: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None
