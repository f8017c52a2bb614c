"""gunitune's own options as JSON: schema gunitune/settings/1 (docs/schemas/settings-1.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gunitune import __version__
from gunitune.mask import mask
from gunitune.options import OPTIONS

if TYPE_CHECKING:
    from gunitune.settings import Settings


def render(settings: Settings, **_: object) -> str:
    """One record per option; null where nobody gave it."""
    rows = {option.key: settings.values.get(option.name) for option in OPTIONS}
    document = {
        "schema": "gunitune/settings/1",
        "gunitune": __version__,
        "settings": {
            key: {
                "value": mask(given.text) if given else None,
                "source": given.source if given else "default",
            }
            for key, given in rows.items()
        },
        "rules": [str(folder) for folder in settings.rules],
    }
    return json.dumps(document, indent=2) + "\n"
