"""The measurement as JSON: schema gunitune/measure/1 (docs/schemas/measure-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gunitune.measure.document import document

if TYPE_CHECKING:
    from gunitune.measure.profile import Profile


def render(profile: Profile, **_: object) -> str:
    """One JSON document, two spaces deep, with a last newline: what is stored."""
    return json.dumps(document(profile), indent=2, allow_nan=False) + "\n"
