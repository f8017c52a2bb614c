"""What Gunicorn knows: settings, what they take, defaults, flags and classes, by release."""

from __future__ import annotations

from gunitune.catalog.release import Catalog, catalog, flags, newest, setting_names
from gunitune.catalog.suggest import suggest

__all__ = ["Catalog", "catalog", "flags", "newest", "setting_names", "suggest"]
