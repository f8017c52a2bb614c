"""gunitune, the configuration advisor for Gunicorn: `probe`, `classify`, `recommend`, `check`."""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself costs start-up time
if TYPE_CHECKING:
    from gunitune.api import check, classify, probe, recommend
    from gunitune.errors import GunituneError

__version__ = "0.1.0"
__all__ = ["GunituneError", "__version__", "check", "classify", "probe", "recommend"]


def __getattr__(name: str) -> object:
    """Import a stage when it is first used, so that `--version` loads none of them."""
    if name == "GunituneError":
        from gunitune.errors import GunituneError

        return GunituneError
    if name in __all__:
        from gunitune import api

        return getattr(api, name)
    raise AttributeError(f"module 'gunitune' has no attribute {name!r}")
