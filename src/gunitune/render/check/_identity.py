"""What makes a finding the same one in the next run: its rule, file and setting, not its line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gunitune.report import Finding


def identified(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Each finding with its fingerprint, 64 hex digits; those alike are told apart by number."""
    from hashlib import sha256

    seen: Counter[str] = Counter()
    for finding in findings:
        parts = (finding.rule, finding.path, finding.setting or "", finding.condition)
        identity = "\0".join(parts)
        seen[identity] += 1
        if seen[identity] > 1:
            identity += f"\0{seen[identity]}"
        yield finding, sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
